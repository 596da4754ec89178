"""The pictures of the README (up to 200 iterations) and of the algorithms' pages (30) on half-cheetah, from results/.

python -m experiment_utils.paper.half_cheetah
"""

import dataclasses
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiment_utils.algorithms import algorithm, algorithms
from experiment_utils.places import FIGURES, RESULTS
from experiment_utils.plot_utils import COLUMN, LINE_WIDTH, PAGE, UNITS, band_handles, draw_curve, save_figure, styled
from experiment_utils.runs.curves import Curve, mean_curve
from experiment_utils.runs.results import RunData, RunDataWarning, load_runs, read_progress

ORIGINAL = RESULTS / "original_code"
BEFORE, AFTER = "Step_0-AverageReturn", "Step_1-AverageReturn"


def draw_run(axes: Axes, rows: pd.DataFrame, colour: str, label: str) -> None:
    """Return after adaptation as a strong line, before adaptation as a thin one."""
    steps = rows["n_timesteps"] / 1e6
    axes.plot(steps, rows[AFTER], color=colour, label=f"{label}, after adaptation")
    axes.plot(steps, rows[BEFORE], color=colour, linewidth=0.6, label=f"{label}, before")


@styled
def draw_readme_figure(width: float = PAGE * 0.8, n_itr: int = 200) -> Figure:
    """ProMP's return after and before adaptation, mean and band over seeds, and the same of the original code."""
    figure, axes = plt.subplots(figsize=(width, 2.6))
    curves: list[Curve] = []
    for label, runs, colour in (
        ("ProMP", of_package(n_itr), algorithm("ProMP").colour),
        ("original code", of_original(n_itr), "0.3"),
    ):
        for column, line, what in ((AFTER, LINE_WIDTH, "after adaptation"), (BEFORE, 0.7, "before")):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RunDataWarning)  # that seeds end at different iterations; it is dashed
                curve = mean_curve(runs, column)
            draw_curve(axes, curve, colour, f"{label}, {what} (n={curve.seeds})", width=line)
            curves.append(curve)
    axes.set(xlabel=UNITS["n_timesteps"], ylabel="average return", title="HalfCheetahRandDirecEnv")
    axes.plot([], [], "--", color="0.3", label="of fewer seeds")
    handles = [*axes.get_legend_handles_labels()[0], *band_handles(curves)]
    figure.legend(handles=handles, loc="outside lower center", ncols=2 if width > COLUMN else 1)
    return figure


def of_package(n_itr: int) -> list[RunData]:
    """The first iterations of our runs of ProMP."""
    runs = load_runs([RESULTS / "half_cheetah" / "ProMP"])
    return [dataclasses.replace(run, progress=run.progress[:n_itr]) for run in runs]


def of_original(n_itr: int) -> list[RunData]:
    """The first iterations of the original code's runs."""
    paths = sorted(ORIGINAL.glob("promp_half_cheetah_seed_*.csv"))
    return [RunData(path, {}, read_progress(path)[:n_itr]) for path in paths]


@styled
def draw_algorithm_figure(name: str, progress: Path, n_itr: int = 30) -> None:
    """One algorithm's short reference curve, seed 1."""
    figure, axes = plt.subplots(figsize=(COLUMN, 2.2))
    draw_run(axes, pd.read_csv(progress)[:n_itr], algorithm(name).colour, name)
    axes.set(xlabel="env steps (10⁶)", ylabel="average return", title="HalfCheetahRandDirecEnv, seed 1")
    axes.legend()
    save_figure(figure, FIGURES / f"half_cheetah_{name}")


def main() -> None:
    """Draws all whose runs are there."""
    save_figure(draw_readme_figure(), FIGURES / "learning_curve_half_cheetah")
    save_figure(draw_readme_figure(COLUMN), FIGURES / "learning_curve_half_cheetah_column")
    for name in (entry.name for entry in algorithms()):
        progress = RESULTS / "half_cheetah" / name / "seed_1" / "progress.csv"
        if progress.exists():
            draw_algorithm_figure(name, progress)


if __name__ == "__main__":
    main()
