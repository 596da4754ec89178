"""The picture that every run leaves behind."""

import io
import warnings
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from experiment_utils.plain_matplotlib import own_style
from experiment_utils.runs.results import RunDataWarning, read_progress
from meta_policy_search.utils.atomic_write import atomic_write

BEFORE = "#999999"  # before adaptation, in the picture of every algorithm
UNREGISTERED = "#1F77B4"  # of an algorithm that the registry doesn't know


def draw_learning_curve(progress: Path, last_step: int, title: str, targets: list[Path], colour: str = UNREGISTERED) -> None:
    """Return before and after adaptation against env steps, from progress.csv to each of the target files (.pdf, .png).

    Args:
      colour: of the algorithm, for the return after adaptation.

    Raises:
      InvalidRunError: it has no complete row.
      OSError: a file can't be written.
    """
    with warnings.catch_warnings(action="ignore", category=RunDataWarning):  # of a half-written row, which is left out
        rows = read_progress(progress)
    with own_style():
        _draw(rows, last_step, title, targets, colour)


def _draw(rows: pd.DataFrame, last_step: int, title: str, targets: list[Path], colour: str) -> None:
    figure = Figure(figsize=(6, 4), layout="constrained")  # not pyplot's: a notebook would show it, and lose its backend
    axes = figure.add_subplot()
    names = {f"Step_{last_step}-AverageReturn": "after adaptation", "Step_0-AverageReturn": "before adaptation"}
    marker = "o" if len(rows) < 3 else None
    if not last_step:  # K = 0: there is no adaptation
        names = {"Step_0-AverageReturn": "return"}
    for (column, label), line_colour in zip(names.items(), (colour, BEFORE), strict=False):
        axes.plot(rows["n_timesteps"] / 1e6, rows[column], color=line_colour, label=label, marker=marker)
    axes.set(xlabel="env steps (millions)", ylabel="average return")
    axes.set_title(title, parse_math=False)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    for target in targets:
        picture = io.BytesIO()  # in memory first: on a full disk, matplotlib fails with errors of its own
        figure.savefig(picture, dpi=150, format=target.suffix[1:])
        atomic_write(target, picture.getvalue())
