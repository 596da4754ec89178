"""The time comparison: how long a meta-iteration takes on the humanoid with ProMP, LVC-VPG and TRPO-MAML.

The paper's appendix has averages over whole trainings. Here the algorithms take turns, one iteration each, in one process
and from the same theta_0, so that what else the machine does meets all of them alike, and no policy is further than another.
"""

import dataclasses
import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiment_utils.algorithms import algorithm
from experiment_utils.paper import figure2
from experiment_utils.paper.experiments import TIMES, Budget
from experiment_utils.plot_utils import COLUMN, save_figure, save_table, styled
from experiment_utils.progress import tracked
from experiment_utils.runs.archive import read_table
from meta_policy_search.utils.atomic_write import atomic_write

if TYPE_CHECKING:
    from meta_policy_search.meta_trainer import MetaTrainer

ALGORITHMS = ("LVC-VPG", "ProMP", "TRPO-MAML")
ROUNDS: dict[Budget, int] = {"smoke": 2, "quick": 5, "paper": 5}  # iterations of each, after one that traces the graphs
SAMPLING, TOTAL = "Time-Sampling", "ItrTime"
STAGES = {  # what the picture shows -> the columns of progress.csv that it is the sum of
    "sampling": (SAMPLING,),
    "processing and adaptation": ("Time-SampleProc", "Time-InnerStep"),
    "meta-update": ("Time-OuterStep",),
}
COLOURS = {"sampling": "0.75", "processing and adaptation": "#56B4E9", "meta-update": "#D55E00"}
SECONDS = [*(name for names in STAGES.values() for name in names), TOTAL]
COLUMNS = {"seed": int, "algorithm": str, "round": int, **dict.fromkeys(SECONDS, float), "processor": str, "cores": int}


def folder(root: Path) -> Path:
    """Where the table is."""
    return root / "times"


def compute(root: Path, seed: int, budget: Budget) -> Path:
    """Measures what times.csv does not have yet of this seed; returns its path.

    Raises:
      InvalidRunError: there is a times.csv that is none.
    """
    target = folder(root) / TIMES
    table = read(target) if target.exists() else pd.DataFrame(columns=list(COLUMNS))
    if not table["seed"].eq(seed).any():
        rows = measure({name: _trainer(name, seed, budget) for name in ALGORITHMS}, ROUNDS[budget])
        rows = rows.assign(seed=seed, processor=processor(), cores=os.cpu_count())[list(COLUMNS)]
        target.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(target, pd.concat([part for part in (table, rows) if len(part)]).to_csv(index=False))
    return target


def measure(trainers: "dict[str, MetaTrainer]", rounds: int) -> pd.DataFrame:
    """Seconds of each stage in each round of one iteration per algorithm, without the first, which traces the graphs."""
    rows = []
    for number in tracked(range(rounds + 1), "iterations of each algorithm", rounds + 1):
        for name, trainer in trainers.items():
            begin = time.perf_counter()
            metrics = trainer.meta_iteration(number)
            metrics[TOTAL] = time.perf_counter() - begin
            rows.append({"algorithm": name, "round": number, **{column: metrics[column] for column in SECONDS}})
    table = pd.DataFrame(rows)
    return table[table["round"] > 0]


def _trainer(name: str, seed: int, budget: Budget) -> "MetaTrainer":
    from meta_policy_search.meta_trainer import MetaTrainer

    (panel,) = figure2.chosen(["humanoid"])
    entry = algorithm(name)
    settings: dict[str, Any] = {**entry.variant, **figure2.settings(panel, name, budget, seed)}
    config = dataclasses.replace(entry.defaults, **settings)
    rng = np.random.default_rng(seed)
    return MetaTrainer(*entry.build(config, rng), rng=rng, n_itr=config.n_itr)


def processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def read(path: Path) -> pd.DataFrame:
    """The table of `compute`.

    Raises:
      InvalidRunError: the file is another.
    """
    return read_table(path, COLUMNS, "reproduce.py times")


def draw(root: Path, out: Path) -> list[Path]:
    """times.pdf, .png, and a table of the medians over rounds and seeds.

    Raises:
      InvalidRunError: nothing was measured yet, or what there is can't be read.
    """
    table = read(folder(root) / TIMES)
    return save_figure(draw_bars(table), out / "times") + save_table(medians(table), out / "times_results")


def medians(table: pd.DataFrame) -> pd.DataFrame:
    """Per algorithm the median seconds of an iteration and of its stages, and the share of the meta-update."""
    stages = pd.DataFrame({stage: table[list(columns)].sum(axis=1) for stage, columns in STAGES.items()})
    share = stages["meta-update"] / table[TOTAL]
    parts = pd.concat([table[TOTAL].rename("iteration"), stages, share.rename("share of meta-update")], axis=1)
    found = (
        parts.groupby(table["algorithm"]).median().reindex([name for name in ALGORITHMS if name in set(table["algorithm"])])
    )
    found.columns = [name if "share" in name else f"{name} (s)" for name in found.columns]
    counts = table.groupby("algorithm").agg(
        iterations=("round", "size"), processor=("processor", "unique"), cores=("cores", "unique")
    )
    for name in ("processor", "cores"):
        counts[name] = [", ".join(map(str, values)) for values in counts[name]]
    return found.join(counts).reset_index()


@styled
def draw_bars(table: pd.DataFrame) -> Figure:
    """A bar per algorithm, of the medians of its stages; points are whole iterations."""
    found = medians(table).set_index("algorithm")
    figure, axes = plt.subplots(figsize=(COLUMN, 1.9))
    left = np.zeros(len(found))
    for stage in STAGES:
        seconds = found[f"{stage} (s)"].to_numpy()
        axes.barh(found.index, seconds, left=left, color=COLOURS[stage], height=0.6, label=stage)
        left += seconds
    axes.plot(table[TOTAL], table["algorithm"], "o", color="0.2", ms=2.5, label="a whole iteration")
    axes.set(xlabel="seconds of a meta-iteration", title=figure2.chosen(["humanoid"])[0].title, xlim=(0, None))
    axes.grid(visible=False, axis="y")
    axes.set_axisbelow(True)
    axes.invert_yaxis()
    figure.legend(loc="outside lower center", ncols=2)
    return figure
