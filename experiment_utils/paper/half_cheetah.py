"""The pictures of the README (up to 200 iterations) and of the algorithms' pages (30) on half-cheetah, from results/.

python -m experiment_utils.paper.half_cheetah
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from experiment_utils.algorithms import algorithm, algorithms
from experiment_utils.plot_utils import COLUMN, PAGE, save_figure, styled

ROOT = Path(__file__).resolve().parents[2]
RESULTS, FIGURES = ROOT / "results", ROOT / "docs" / "figures"
ORIGINAL = RESULTS / "original_code"
BEFORE, AFTER = "Step_0-AverageReturn", "Step_1-AverageReturn"
STYLES = {1: "-", 2: "--", 3: ":"}  # by seed


def draw_run(axes: Axes, rows: pd.DataFrame, colour: str, label: str, style: str = "-") -> None:
    """Return after adaptation as a strong line, before adaptation as a thin one."""
    steps = rows["n_timesteps"] / 1e6
    axes.plot(steps, rows[AFTER], style, color=colour, label=f"{label}, after adaptation")
    axes.plot(steps, rows[BEFORE], style, color=colour, linewidth=0.6, label=f"{label}, before")


@styled
def draw_readme_figure(n_itr: int = 200) -> None:
    """ProMP, as far as each seed is trained, and the same of the original code."""
    figure, axes = plt.subplots(figsize=(PAGE * 0.8, 2.6))
    for seed, style in STYLES.items():
        rows = pd.read_csv(RESULTS / "half_cheetah" / "ProMP" / f"seed_{seed}" / "progress.csv")[:n_itr]
        draw_run(axes, rows, algorithm("ProMP").colour, f"ProMP, seed {seed}", style)
    for seed, style in STYLES.items():
        rows = pd.read_csv(ORIGINAL / f"promp_half_cheetah_seed_{seed}.csv")[:n_itr]
        draw_run(axes, rows, "black", f"original code, seed {seed}", style)
    axes.set(xlabel="env steps (10⁶)", ylabel="average return", title="HalfCheetahRandDirecEnv")
    figure.legend(loc="outside right center")
    save_figure(figure, FIGURES / "learning_curve_half_cheetah")


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
    draw_readme_figure()
    for name in (entry.name for entry in algorithms()):
        progress = RESULTS / "half_cheetah" / name / "seed_1" / "progress.csv"
        if progress.exists():
            draw_algorithm_figure(name, progress)


if __name__ == "__main__":
    main()
