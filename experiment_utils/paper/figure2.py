"""Figure 2: learning curves of five algorithms in six task families.

Settings: the original's experiments/all_envs_eval. `quick` trains half-cheetah for 200 iterations with seeds 1-3 and the
others for 30 iterations with seed 1; `paper` goes on with the same runs to 1001 iterations and seeds 1-3.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiment_utils.paper.experiments import FIGURE_2_ALGORITHMS, PANELS, SMOKE, Budget, Panel, of_figure, run_of
from experiment_utils.paper.paper_values import PAPER_MARKS
from experiment_utils.plot_utils import (
    COLUMN,
    LINE_WIDTH,
    PAGE,
    SCALES,
    UNITS,
    band_handles,
    colours,
    draw_curve,
    save_figure,
    save_table,
    styled,
)
from experiment_utils.runs.comparison import comparison_table, scores_by_stage, stages, tables_of_panels
from experiment_utils.runs.curves import Curve, final_value, group_runs, mean_curve, results_table, timing_table
from experiment_utils.runs.results import LAST_RETURN, RunData, load_runs, require_runs
from experiment_utils.runs.run_spec import Run, Settings
from experiment_utils.validation import ConfigError

COMMON = {"meta_batch_size": 40, "rollouts_per_meta_task": 20, "max_path_length": 100, "hidden_sizes": (64, 64)}
COMMON |= {"inner_lr": 0.1, "num_inner_grad_steps": 1, "physics": "paper"}
PAPER_N_ITR, PAPER_SEEDS = 1001, (1, 2, 3)

# E-MAML's curves may lie on those of the same method without its term: thin on wide, both can be seen.
WIDTHS = {"ProMP": LINE_WIDTH, "TRPO-MAML": 2.0, "E-MAML-TRPO": 0.9, "LVC-VPG": 2.0, "E-MAML-VPG": 0.9}  # points
WIDE = ("TRPO-MAML", "LVC-VPG")

LABELS = {name: f"{name} ({'wide' if name in WIDE else 'thin'})" if name != "ProMP" else name for name in WIDTHS}
MARK: dict[str, Any] = {
    "marker": "o",
    "mfc": "white",
    "ms": 3.5,
    "ls": "",
}  # of a value of the paper's, by matplotlib's names
BESIDE = 0.022  # of the axis, from one circle to the next
WINDOW = 10  # iterations that a value of ours is the mean of

DRAWN = (LAST_RETURN, "ItrTime")  # columns that a run must have

Curves = Mapping[str, Curve]


def runs(root: Path, budget: Budget, seeds: Sequence[int] = (), env: Sequence[str] = ()) -> list[Run]:
    """All runs of the figure, in <root>/<panel>/<algorithm>/seed_<n>; `env` restricts it to some panels."""
    return [
        run_of(name, root / panel.name / name / f"seed_{seed}", settings(panel, name, budget, seed))
        for panel in chosen(env)
        for name in FIGURE_2_ALGORITHMS
        for seed in seeds or (PAPER_SEEDS if budget == "paper" else panel.quick_seeds if budget == "quick" else (1,))
    ]


def settings(panel: Panel, algorithm: str, budget: Budget, seed: int) -> Settings:
    """The settings of a run of the figure."""
    own = panel.promp_settings if algorithm == "ProMP" else {}
    n_itr = PAPER_N_ITR if budget == "paper" else panel.quick_n_itr
    return {**COMMON, **panel.settings, **own, "n_itr": n_itr, **(SMOKE if budget == "smoke" else {}), "seed": seed}


def chosen(env: Sequence[str]) -> list[Panel]:
    """The panels with these names (half_cheetah), titles (HalfCheetahFwdBack) or families (HalfCheetahRandDirecEnv)."""
    known = {key: panel for panel in PANELS for key in (panel.name, panel.title, panel.settings["env"])}
    odd = [name for name in env if name not in known]
    if odd:
        raise ConfigError(f"figure2 has no panel {odd[0]!r}; it has {', '.join(panel.name for panel in PANELS)}")
    return [known[name] for name in dict.fromkeys(env)] if env else list(PANELS)


def draw(root: Path, out: Path, env: Sequence[str] = (), budget: Budget = "quick") -> list[Path]:
    """figure2.pdf, .png, the same for a column; tables as .csv and .md.

    The tables: results, comparisons of the algorithms (of panels with two seeds or more), the values beside the paper's,
    and the timing.

    Raises:
      InvalidRunError: there is no run at all.
    """
    data = {panel: load_panel(root, panel, budget) for panel in chosen(env)}
    require_runs(any(data.values()), root)
    curves = {panel: {name: mean_curve(runs) for name, runs in groups.items()} for panel, groups in data.items()}
    named = {f"{panel.title}, {name}": runs for panel, groups in data.items() for name, runs in groups.items()}
    tables = {"results": _per_panel(data), "paper": against_paper(data), "timing": timing_table(named)}
    compared = [(panel.title, measures) for panel, groups in data.items() for measures in scores_by_stage(groups)]
    tables |= {"comparisons": tables_of_panels(comparison_table, compared)} if compared else {}
    written = save_figure(draw_panels(curves), out / "figure2")
    written += save_figure(draw_panels(curves, COLUMN, paper_axes=False), out / "figure2_column")
    return written + [path for name, table in tables.items() for path in save_table(table, out / f"figure2_{name}")]


def load_panel(root: Path, panel: Panel, budget: Budget = "quick") -> dict[str, list[RunData]]:
    """The runs of a panel by algorithm, in the paper's order."""

    def wanted(run: RunData) -> Run:
        return run_of(run.algorithm, run.path, settings(panel, run.algorithm, budget, run.config["seed"]))

    runs = [run for run in load_runs([root / panel.name], DRAWN) if run.algorithm in FIGURE_2_ALGORITHMS]
    groups = group_runs(of_figure(runs, wanted, f"figure 2's {panel.title}"), ["algorithm"])
    return {name: groups[name] for name in FIGURE_2_ALGORITHMS if name in groups}


@styled
def draw_panels(curves: Mapping[Panel, Curves], width: float = PAGE, paper_axes: bool = True) -> Figure:
    """A panel for each family, as far as we trained; with `paper_axes`, below it the same on the paper's axes.

    The paper's values are circles, side by side where they would cover each other.
    """
    columns = min(3 if width == PAGE else 2, len(curves))
    rows, height = -(-len(curves) // columns), 2.0 * max(width / PAGE, 0.8)
    n_rows = 2 * rows if paper_axes else rows
    size = (width if columns > 1 else 2 * width / 3, height * n_rows + 0.8)
    figure, grid = plt.subplots(n_rows, columns, figsize=size, squeeze=False)
    upper = grid[::2] if paper_axes else grid
    _fill(upper, curves, _draw_panel)
    if paper_axes:
        _fill(grid[1::2], curves, _draw_on_the_papers_axes)
    palette = colours(FIGURE_2_ALGORITHMS)
    handles: list[Artist] = [
        Line2D([], [], color=palette[name], lw=WIDTHS[name], label=LABELS[name]) for name in FIGURE_2_ALGORITHMS
    ]
    handles.append(Line2D([], [], color="0.3", label="paper (read off, ±5)", **MARK))
    all_curves = [curve for named in curves.values() for curve in named.values()]
    handles += band_handles(all_curves)
    if any(curve.rest for curve in all_curves):
        handles.append(Line2D([], [], color="0.3", ls="--", label="of fewer seeds"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3 if width == PAGE else 2)
    return figure


def _fill(grid: np.ndarray, curves: Mapping[Panel, Curves], draw_one: Callable[[Axes, Panel, Curves], None]) -> None:
    """Draws each panel into its place; removes the places that are left."""
    for axes in list(grid.flat)[len(curves) :]:
        axes.remove()
    for axes, (panel, named) in zip(grid.flat, curves.items(), strict=False):
        draw_one(axes, panel, named)
        axes.set_xlabel(UNITS["n_timesteps"])
    for axes in grid[:, 0]:
        axes.set_ylabel(UNITS["return"])


def _draw_panel(axes: Axes, panel: Panel, named: Curves) -> None:
    longest = max((part.x[-1] for curve in named.values() for part in curve.segments()), default=0.0)
    end = longest * 1.04 or panel.paper_steps
    _draw_curves(axes, named)
    _draw_marks(axes, panel, end)
    seeds = {curve.seeds for curve in named.values()}
    dashed = {curve.rest.seeds for curve in named.values() if curve.rest is not None}
    rest = f", dashed {_span(dashed)}" if dashed else ""
    count = f" (n={_span(seeds)}{rest})" if named else " (no runs yet)"
    axes.set_title(panel.title + count, fontsize=6.8)  # the longest just fits above half a column
    axes.set(xlim=(0, end / SCALES["n_timesteps"]))


def _span(counts: set[int]) -> str:
    return "-".join(map(str, sorted({min(counts), max(counts)})))


def _draw_on_the_papers_axes(axes: Axes, panel: Panel, named: Curves) -> None:
    end = panel.paper_steps * 1.04
    _draw_curves(axes, named)
    _draw_marks(axes, panel, end)
    axes.set(title="the same on the paper's axes", xlim=(0, end / SCALES["n_timesteps"]))


def _draw_curves(axes: Axes, named: Curves) -> None:
    palette = colours(FIGURE_2_ALGORITHMS)
    for name, curve in named.items():
        draw_curve(axes, curve, palette[name], width=WIDTHS[name])


def _draw_marks(axes: Axes, panel: Panel, end: float) -> None:
    """The paper's values up to `end`, those of one time next to each other around it."""
    palette, unit = colours(FIGURE_2_ALGORITHMS), SCALES["n_timesteps"]
    for place, (name, values) in enumerate(panel.paper.items()):
        marks = [(f * panel.paper_steps, value) for f, value in zip(PAPER_MARKS, values, strict=True) if value is not None]
        shift = (place - (len(panel.paper) - 1) / 2) * BESIDE * end
        for steps, value in (mark for mark in marks if mark[0] <= end):
            axes.plot((min(steps, end - 3 * BESIDE * end) + shift) / unit, value, mec=palette[name], zorder=3, **MARK)


def against_paper(data: Mapping[Panel, Mapping[str, list[RunData]]]) -> pd.DataFrame:
    """Ours beside the paper's value, of the runs that reached its marks: the mean of their last ten iterations to each."""
    rows = []
    for panel, algorithm, runs in ((panel, name, runs) for panel, groups in data.items() for name, runs in groups.items()):
        for fraction, value in zip(PAPER_MARKS, panel.paper[algorithm], strict=True):
            steps = fraction * panel.paper_steps
            ours = [final_value(run, last=WINDOW, until=steps) for run in runs if run.end >= steps]
            if value is not None and ours:
                row = {"panel": panel.title, "algorithm": algorithm, "env steps (10^6)": steps / 1e6}
                rows.append({**row, "ours": np.mean(ours), "paper": float(value), "seeds": len(ours)})
    return pd.DataFrame(rows, columns=["panel", "algorithm", "env steps (10^6)", "ours", "paper", "seeds"])


def _per_panel(data: Mapping[Panel, Mapping[str, list[RunData]]]) -> pd.DataFrame:
    """The results of all panels, once more of the seeds that were trained longer.

    Areas reach as far as the shortest run, so they compare within a panel and its seeds only.
    """
    tables = []
    for panel, groups in data.items():
        for stage in stages(groups):
            table = results_table(stage)
            table.insert(0, "panel", panel.title)
            tables.append(table)
    return pd.concat(tables, ignore_index=True)
