"""The pictures of `k_shot`: return against adaptation steps and rollouts, or against the rollouts in a memory."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from matplotlib.typing import ColorType

from experiment_utils.evaluation.k_shot import META, RANDOM, Shot, mean_interval
from experiment_utils.plot_utils import COLUMN, PAGE, colours, draw_curve, styled
from experiment_utils.runs.curves import Curve

TOO_FEW = "under {} rollouts: advantages are noise"  # of the baseline
GREY = "0.4"  # of the random policy


@styled
def k_shot_figure(results: Mapping[str, Sequence[Shot]], title: str, algorithm: str, fit_from: int = 1) -> Figure:
    """Return against steps, and against rollouts after one step; thin lines are single tasks of the meta-policy.

    Args:
      algorithm: the paper's name of what trained the meta-policy, whose colour it gets.
      fit_from: see `rollouts_that_fit`; fewer rollouts are shaded.
    """
    palette = {META: colours([algorithm])[algorithm], RANDOM: GREY}
    figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 2.7), sharey=True)
    for policy, shots in results.items():
        full = max(shot.rollouts for shot in shots)
        by_steps = [shot for shot in shots if shot.rollouts == full]
        by_rollouts = sorted((shot for shot in shots if shot.steps == 1), key=lambda shot: shot.rollouts)
        _draw(left, [shot.steps for shot in by_steps], by_steps, policy, palette[policy])
        _draw(right, [shot.rollouts for shot in by_rollouts], by_rollouts, policy, palette[policy])
        unadapted = mean_interval(by_steps[0].returns).mean
        right.axhline(unadapted, color=palette[policy], ls=":", label=f"{policy}, not adapted")
    left.set(xlabel=f"adaptation steps, each on {full} rollouts", ylabel="return")
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.set(xlabel="rollouts adapted on, one step", xscale="log")
    ticks = [shot.rollouts for shot in by_rollouts]
    right.set_xticks(ticks, list(map(str, ticks)), minor=False)
    right.minorticks_off()
    if fit_from > ticks[0]:
        right.axvspan(ticks[0], min(fit_from, ticks[-1]), color="0.88", lw=0, zorder=0, label=TOO_FEW.format(fit_from))
    figure.suptitle(title, fontsize="medium")
    handles, _ = right.get_legend_handles_labels()
    handles.append(Line2D([], [], color=palette[META], alpha=0.4, lw=0.6, label="meta-policy, single tasks"))
    handles.append(Patch(color=palette[META], alpha=0.2, lw=0, label="95 % interval over tasks"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


@styled
def trial_figure(results: Mapping[str, Sequence[Shot]], title: str, algorithm: str) -> Figure:
    """Return against the rollouts in a policy's memory; thin lines are single tasks of the meta-policy."""
    figure, axes = plt.subplots(figsize=(COLUMN, 2.7))
    palette = {META: colours([algorithm])[algorithm], RANDOM: GREY}
    for policy, shots in results.items():
        _draw(axes, [shot.rollouts for shot in shots], shots, policy, palette[policy])
    axes.set(xlabel="rollouts in memory", ylabel="return", title=title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(title="bands: 95 % interval over tasks")
    return figure


def _draw(axes: Axes, places: Sequence[int], shots: Sequence[Shot], policy: str, colour: ColorType) -> None:
    if policy == META:
        tasks = np.array([[returns.mean() for returns in shot.returns] for shot in shots])  # [shots, N]
        axes.plot(places, tasks, color=colour, alpha=0.15, lw=0.6)
    mean, low, high = np.array([mean_interval(shot.returns) for shot in shots]).T
    draw_curve(axes, Curve(np.array(places), mean, low, high, len(shots[0].returns)), colour, policy, x="steps")
