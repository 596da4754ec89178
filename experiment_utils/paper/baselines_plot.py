"""Meta-learning and its baselines in one picture, and in tables with intervals over seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import scipy.stats
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiment_utils.algorithms import algorithm
from experiment_utils.paper.baselines import (
    INNER,
    JOINT,
    MEMORY,
    META,
    ORACLE,
    PANELS,
    PPO,
    RANDOM,
    RL2,
    TRPO,
    chosen,
    folder,
    load_panel,
)
from experiment_utils.paper.experiments import Budget
from experiment_utils.plot_utils import COLUMN, PAGE, draw_curve, save_figure, save_table, styled
from experiment_utils.runs.curves import Curve
from experiment_utils.runs.results import require_runs

COLOURS = {META: algorithm("ProMP").colour, JOINT: "#0072B2", RL2: algorithm("RL2").colour}
COLOURS |= {ORACLE: "0.0", RANDOM: "0.4"}
UNADAPTED = (ORACLE,)  # policies that have nothing to learn from rollouts
AMOUNT = ["adapted by", "updates", "rollouts"]
TICKS = (0, 1, 2, 5, 10, 20)  # rollouts
X_LABELS = {
    PAGE: ("inner steps, 20 rollouts each", "rollouts, one inner step or in memory", "rollouts, PPO (dashes: TRPO)"),
    COLUMN: ("inner steps,\n20 rollouts", "rollouts, one step\nor in memory", "rollouts, PPO\n(dashes: TRPO)"),
}

Data = Mapping[str, pd.DataFrame]  # rows of `load_panel` by panel


class Interval(NamedTuple):
    """A mean over seeds and its 95 % interval, NaN where there is one seed."""

    mean: float
    low: float
    high: float


def draw(root: Path, out: Path, budget: Budget, env: Sequence[str] = ()) -> list[Path]:
    """baselines.pdf and .png, the same for a column; as .csv and .md baselines_returns and baselines_differences.

    Raises:
      InvalidRunError: there is no run at all that was measured.
    """
    data = {panel: load_panel(root, panel, budget) for panel in chosen(env)}
    data = {panel: rows for panel, rows in data.items() if len(rows)}
    require_runs(bool(data), folder(root))
    written = save_figure(draw_panels(data), out / "baselines")
    written += save_figure(draw_panels(data, COLUMN), out / "baselines_column")
    for name, table in (("returns", returns_table(data)), ("differences", differences_table(data))):
        written += save_table(table, out / f"baselines_{name}")
    return written


def of_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """The mean return over tasks of each seed: a row for each way and amount of adaptation, a column for each seed."""
    return rows.pivot_table(index=AMOUNT, columns="seed", values="return", aggfunc="mean").sort_index()


def over_seeds(values: pd.Series) -> Interval:
    """The mean over the seeds that have a value, and Student's interval."""
    values = values.dropna()
    half = scipy.stats.t.ppf(0.975, len(values) - 1) * values.std() / np.sqrt(len(values))
    return Interval(values.mean(), values.mean() - half, values.mean() + half)


@styled
def draw_panels(data: Data, width: float = PAGE) -> Figure:
    """A row for each family: return against inner steps, against rollouts, and against those of PPO and TRPO."""
    wide = width == PAGE
    size = (width, (1.9 if wide else 1.35) * len(data) + (0.5 if wide else 0.9))
    figure, grid = plt.subplots(len(data), 3, figsize=size, squeeze=False, sharey="row", sharex=False if wide else "col")
    for row, (panel, rows) in zip(grid, data.items(), strict=True):
        for policy in (name for name in COLOURS if name in set(rows["policy"])):
            _draw_policy(row, policy, of_seeds(rows[rows["policy"] == policy]))
        row[0].set(ylabel="return", title=PANELS[panel].env if wide else None)
        row[1].set(title=seeds_text(rows) if wide else f"{PANELS[panel].env}, {seeds_text(rows)}")
        row[1].set_xscale("symlog", linthresh=1)
        row[1].set_xlim(left=0)
        ticks = TICKS if wide else TICKS[::2]
        row[1].set_xticks(ticks, list(map(str, ticks)), minor=False)
    for row in grid if wide else grid[-1:]:
        for axes, label in zip(row, X_LABELS[width], strict=True):
            axes.set_xlabel(label)
    labelled = [pair for axes in grid.flat for pair in zip(*axes.get_legend_handles_labels(), strict=True)]
    handles = {label: handle for handle, label in labelled}
    columns = 5 if wide else 3
    figure.legend(
        handles.values(), handles, loc="outside lower center", ncols=columns, title="bands: 95 % interval over seeds"
    )
    return figure


def seeds_text(rows: pd.DataFrame) -> str:
    """How many seeds there are, and of which policies others: "5 seeds (RL2: 1)"."""
    counts = rows.groupby("policy")["seed"].nunique()
    others = ", ".join(f"{policy}: {count}" for policy, count in counts.items() if count != counts.max())
    return f"{counts.max()} seed{'s' if counts.max() > 1 else ''}{f' ({others})' if others else ''}"


def _draw_policy(row: Sequence[Axes], policy: str, table: pd.DataFrame) -> None:
    colour = COLOURS[policy]
    if policy in UNADAPTED:
        mean, low, high = over_seeds(table.iloc[0])
        for axes in row:
            axes.axhline(mean, color=colour, ls=":", label=policy)
            axes.axhspan(low, high, color=colour, alpha=0.1, lw=0)
        return
    if policy == RL2:
        _draw(row[1], table.loc[MEMORY].droplevel("updates"), colour, policy)
        return
    inner = table.loc[INNER]
    updates, rollouts = (inner.index.get_level_values(name) for name in ("updates", "rollouts"))
    full = rollouts[updates == 1].max()
    _draw(row[0], inner[rollouts == updates * full].droplevel("rollouts"), colour, policy)
    _draw(row[1], inner[updates <= 1].droplevel("updates"), colour, policy)
    _draw(row[2], table.loc[PPO].droplevel("updates"), colour, policy)
    if TRPO in table.index:
        means = table.loc[TRPO].droplevel("updates").mean(axis=1)
        row[2].plot(means.index, means, "--", color=colour)


def _draw(axes: Axes, table: pd.DataFrame, colour: str, label: str) -> None:
    """A curve over the index of the table, [P] rows of one value per seed."""
    mean, low, high = np.array([over_seeds(values) for _, values in table.iterrows()]).T
    draw_curve(axes, Curve(table.index.to_numpy(), mean, low, high, table.shape[1]), colour, label, x="rollouts")


def returns_table(data: Data) -> pd.DataFrame:
    """Per family and policy: its env steps of training, and the return before and after adaptation, with intervals."""
    lines = []
    for panel, rows in data.items():
        for policy in (name for name in COLOURS if name in set(rows["policy"])):
            own = rows[rows["policy"] == policy]
            steps = 0.0 if policy == RANDOM else own["env_steps"].mean() / 1e6
            line = {"family": PANELS[panel].env, "policy": policy, "training (10^6 env steps)": steps}
            table = of_seeds(own)
            cells = {name: _cell(over_seeds(table.loc[amount])) for name, amount in compared(table).items()}
            lines.append({**line, "seeds": table.shape[1], **cells})
    return pd.DataFrame(lines).fillna("-")


def compared(table: pd.DataFrame) -> dict[str, tuple[str, int, int]]:
    """The amounts of adaptation that the tables show, by their heading, as far as `of_seeds` has them."""
    found: dict[str, tuple[str, int, int]] = {}
    inner = [amount for amount in table.index if amount[0] == INNER]
    memory = [amount for amount in table.index if amount[0] == MEMORY]
    full = max((rollouts for _, updates, rollouts in inner if updates == 1), default=0)
    for how, updates, rollouts in inner:
        if updates in (0, 1, 3) and rollouts == updates * full:
            name = f"{updates} inner step{'s' if updates > 1 else ''}, {rollouts} rollouts" if updates else "not adapted"
            found[name] = (how, updates, rollouts)
    if memory:
        found |= {"not adapted": memory[0], f"memory, {memory[-1][2]} rollouts": memory[-1]}
    for how in (PPO, TRPO):
        if amounts := [amount for amount in table.index if amount[0] == how]:
            found[f"{how}, {amounts[-1][2]} rollouts"] = amounts[-1]
    return found


def differences_table(data: Data) -> pd.DataFrame:
    """Per family, baseline and amount of adaptation: ProMP's return minus the baseline's, seed by seed in the same tasks.

    The oracle's is that without adaptation, RL2's that of a trial's last rollout.
    """
    lines = []
    for panel, rows in data.items():
        tables = {policy: of_seeds(rows[rows["policy"] == policy]) for policy in COLOURS if policy in set(rows["policy"])}
        own = tables.pop(META, None)
        for policy, table in tables.items() if own is not None else ():
            for name, amount in compared(own).items():
                other = table.loc[amount] if amount in table.index else table.iloc[-1]  # what its rollouts have made of it
                mean, low, high = over_seeds(own.loc[amount] - other)
                line = {"family": PANELS[panel].env, "ProMP against": policy, "adapted by": name}
                verdict = "ProMP" if low > 0 else policy if high < 0 else "undecided"
                lines.append({**line, "difference": mean, "95 % low": low, "95 % high": high, "better": verdict})
    return pd.DataFrame(lines)


def _cell(interval: Interval) -> str:
    half = (interval.high - interval.low) / 2
    return f"{interval.mean:.4g}" if np.isnan(half) else f"{interval.mean:.4g} ± {half:.2g}"
