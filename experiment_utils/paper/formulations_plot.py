"""Draws the poster's picture of the two formulations."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiment_utils.paper.experiments import THETAS
from experiment_utils.paper.formulations import FAR, folder, read, select
from experiment_utils.plot_utils import COLUMN, save_figure, save_table, styled

SHOWN, EVERY = 150, 3  # updates in the picture, as in the original: every third of the first 150
ARROW = 2.0  # length of an arrow in units of the update
MAPS = {"I": "Reds", "II": "Greens"}
OPTIMUM = (0.0, 0.0)
TAIL = 50  # updates at the end
DISTANCE = f"mean distance, last {TAIL} updates"


def draw(root: Path, out: Path, seed: int | None = None) -> list[Path]:
    """formulations.pdf, .png, and a table of all learning rates: how near the optimum, and how steady.

    Args:
      seed: the one to draw; None for the lowest that there is.

    Raises:
      InvalidRunError: nothing was computed yet, or what there is can't be read.
    """
    table = read(folder(root) / THETAS)
    table = table[table["seed"] == (table["seed"].min() if seed is None else seed)]
    results = convergence(table)
    written = save_figure(draw_updates(table, best_rates(results[results["clipped"]])), out / "formulations")
    return written + save_table(results, out / "formulations_results")


@styled
def draw_updates(table: pd.DataFrame, rates: dict[str, float]) -> Figure:
    """Upper: points are theta, arrows twice the next update, darker is later. Lower: the distance to the optimum.

    Dashed: the same with the log-probability of the action before clipping.
    """
    clipped, unclipped = table[table["clipped"]], table[~table["clipped"]]
    figure, panels = plt.subplots(2, 1, figsize=(COLUMN, 5.2), height_ratios=(3, 2))
    for formulation, rate in rates.items():
        thetas, colour = trajectory(clipped, formulation, rate), plt.colormaps[MAPS[formulation]](0.75)
        _draw_path(panels[0], thetas[: SHOWN + 1], formulation)
        label = f"formulation {formulation} (learning rate {rate:g})"
        panels[1].plot(np.linalg.norm(thetas - OPTIMUM, axis=1), color=colour, label=label)
        others = trajectory(unclipped, formulation, rate)
        panels[1].plot(np.linalg.norm(others - OPTIMUM, axis=1), "--", lw=1, color=colour)
    panels[0].plot(*OPTIMUM, "^", color="gold", mec="black", ms=7, label="optimum", zorder=4, ls="")
    panels[0].set(xlabel=r"$\theta_0$ (1/m)", ylabel=r"$\theta_1$ (m)", title="meta-updates")
    panels[0].legend(loc="lower right")
    panels[1].set(xlabel="meta-update", ylabel="distance to optimum", ylim=(0, None))
    panels[1].plot([], [], "--", lw=1, color="0.3", label="log-probability before clipping")
    figure.legend(handles=panels[1].get_legend_handles_labels()[0], loc="outside lower center")
    return figure


def best_rates(results: pd.DataFrame) -> dict[str, float]:
    """Where each formulation ends nearest to the optimum. Which learning rate the poster shows is not recorded."""
    best = results.loc[results.groupby("formulation")[DISTANCE].idxmin()]
    return dict(zip(best["formulation"], best["learning rate"], strict=True))


def trajectory(table: pd.DataFrame, formulation: str, rate: float) -> np.ndarray:
    """theta over the meta-updates, [iterations + 1, 2]."""
    rows = select(table, {"formulation": formulation, "learning_rate": rate})
    return rows.sort_values("iteration")[["theta_0", "theta_1"]].to_numpy()


def convergence(table: pd.DataFrame) -> pd.DataFrame:
    """Per formulation and learning rate: distance to the optimum (infinite if it diverged), and how straight the way was."""
    rows = []
    for (clipped, formulation, rate), rows_of in table.groupby(["clipped", "formulation", "learning_rate"]):
        thetas = trajectory(rows_of, formulation, rate)
        distance = np.linalg.norm(thetas - OPTIMUM, axis=1)
        steps = np.diff(thetas, axis=0)
        finished = np.linalg.norm(thetas[-1]) < FAR
        path, direct = np.linalg.norm(steps, axis=1).sum(), np.linalg.norm(thetas[-1] - thetas[0])
        rows.append(
            {
                "clipped": clipped,
                "formulation": formulation,
                "learning rate": rate,
                "distance at the start": distance[0],
                DISTANCE: distance[-TAIL:].mean() if finished else np.inf,
                "path length / displacement": path / direct,
            }
        )
    return pd.DataFrame(rows)


def _draw_path(axes: Axes, thetas: np.ndarray, formulation: str) -> None:
    points, updates = thetas[:-1:EVERY], np.diff(thetas, axis=0)[::EVERY]
    times = np.linspace(0.35, 0.95, len(points))
    colours = plt.colormaps[MAPS[formulation]](times)
    x, y = points.T
    axes.scatter(x, y, c=colours, s=8, zorder=3)
    axes.quiver(x, y, *(ARROW * updates.T), color=colours, angles="xy", scale_units="xy", scale=1, width=0.005)
    axes.plot([], [], "o-", color=plt.colormaps[MAPS[formulation]](0.75), ms=3, label=f"formulation {formulation}")
