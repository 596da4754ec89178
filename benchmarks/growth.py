"""How the time of an iteration grows with tasks, rollouts, path length, hidden units and adaptation steps.

    python benchmarks/growth.py --picture growth.png

Each setting is halved and doubled, the others stay at the run script's default. Prints a table, medians in seconds, and
draws it.
"""

import argparse
import dataclasses
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from meta_iteration import load

from experiment_utils.algorithms import Build
from experiment_utils.config import Config

PARTS = ("Time-Sampling", "Time-SampleProc", "Time-InnerStep", "Time-OuterStep")
NAMES = ("sampling", "processing", "adaptation", "meta-update")


def main() -> None:
    """Measure each setting and print its row."""
    from experiment_utils.tensorflow_setup import configure_tensorflow

    arguments = parse_arguments()
    configure_tensorflow()
    default, build = load(arguments.algo)
    rows: dict[tuple[str | None, str], list[float]] = {}
    for setting, value in variations(default):
        config = default if setting is None else dataclasses.replace(default, **{setting: value})
        rows[setting, str(value)] = seconds(config, build, arguments.iterations)
        print(line(setting, value, rows[setting, str(value)]), flush=True)
    if arguments.picture:
        draw(rows, arguments.picture)


def parse_arguments() -> argparse.Namespace:
    """The flags of this benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--algo", default="pro-mp", help="which run script's defaults: pro-mp, maml, e-maml, vpg, dice")
    parser.add_argument("--iterations", type=int, default=3, help="measured iterations, after one that traces the graphs")
    parser.add_argument("--picture", type=Path, help="draw the table here (.png or .pdf)")
    return parser.parse_args()


def variations(default: Config) -> list[tuple[str | None, Any]]:
    """The default, and each setting halved and doubled (K: 2 and 3 steps). Values are of the settings' own types."""
    found: list[tuple[str | None, Any]] = [(None, "default")]
    for name in ("meta_batch_size", "rollouts_per_meta_task", "max_path_length"):
        found += [(name, getattr(default, name) // 2), (name, getattr(default, name) * 2)]
    found += [("hidden_sizes", tuple(int(factor * size) for size in default.hidden_sizes)) for factor in (0.5, 2)]
    return [*found, ("num_inner_grad_steps", 2), ("num_inner_grad_steps", 3)]


def seconds(config: Config, build: Build, iterations: int) -> list[float]:
    """The medians of the parts."""
    from meta_policy_search.meta_trainer import MetaTrainer

    rng = np.random.default_rng(config.seed)
    trainer = MetaTrainer(*build(config, rng), rng=rng, n_itr=iterations)
    metrics = [trainer.meta_iteration(iteration) for iteration in range(iterations + 1)][1:]
    return [statistics.median(row[part] for row in metrics) for part in PARTS]


def line(setting: str | None, value: object, parts: list[float]) -> str:
    """A row of the table."""
    return " | ".join(
        ["", setting or "all", str(value), *(f"{part:.3f}" for part in parts), f"{sum(parts):.2f}", ""]
    ).strip()


def draw(rows: Mapping[tuple[str | None, str], list[float]], target: Path) -> None:
    """Stacked bars, one for each row."""
    from matplotlib.figure import Figure

    from experiment_utils.plot_utils import styled

    @styled
    def picture() -> Figure:
        figure = Figure(figsize=(6, 3.5), layout="constrained")
        axes, left = figure.subplots(), np.zeros(len(rows))
        labels = [f"{setting} = {value}" if setting else value for setting, value in rows]
        for name, part in zip(NAMES, np.transpose(list(rows.values())), strict=True):
            axes.barh(labels, part, left=left, label=name)
            left += part
        axes.invert_yaxis()
        axes.set_xlabel("time of an iteration (s)")
        axes.set_axisbelow(True)
        figure.legend(loc="outside upper center", ncols=len(NAMES))
        return figure

    picture().savefig(target)


if __name__ == "__main__":
    main()
