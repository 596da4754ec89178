"""The picture that every run leaves behind."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd


def draw_learning_curve(progress: Path, last_step: int, title: str, targets: list[Path]) -> None:
    """Return before and after adaptation against env steps, from progress.csv to each of the target files (.pdf, .png)."""
    rows = pd.read_csv(progress)
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    names = {f"Step_{last_step}-AverageReturn": "after adaptation", "Step_0-AverageReturn": "before adaptation"}
    marker = "o" if len(rows) < 3 else None
    for (column, label), colour in zip(names.items(), ("tab:red", "tab:grey"), strict=True):
        axes.plot(rows["n_timesteps"] / 1e6, rows[column], color=colour, label=label, marker=marker)
    axes.set(xlabel="env steps (millions)", ylabel="average return", title=title)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    for target in targets:
        figure.savefig(target, dpi=150)
    plt.close(figure)
