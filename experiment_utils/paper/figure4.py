"""Figure 4: exploration before and exploitation after adaptation, in a plane with a goal in one of four corners.

Settings: the original's experiments/exploration_comparison (MetaPointEnvMomentum, 40 tasks x 20 rollouts x 100 steps, three
inner steps, trust region 0.01, 501 iterations, seeds 1-5). An algorithm is judged by the corners that its policies solve,
over seeds and all four corners. The picture shows the trained policy of the median seed in a task whose goal is the upper
right corner.
"""

import warnings
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from experiment_utils.paper.experiments import EXPLORATION, SMOKE, Budget, of_figure, run_of
from experiment_utils.plot_utils import BANDS, COLUMN, PAGE, curves_figure, save_figure, save_table, styled
from experiment_utils.runs.comparison import Scores, comparison_table, scores_by_stage
from experiment_utils.runs.curves import mean_curve, results_table, timing_table
from experiment_utils.runs.results import LAST_RETURN, RunData, RunDataWarning, load_runs, require_runs, trained_iterations
from experiment_utils.runs.run_spec import Run, Settings
from meta_policy_search.utils.atomic_write import replacing

TITLES = {"LVC-TRPO": "LVC", "TRPO-MAML": "MAML", "E-MAML-TRPO": "E-MAML"}  # in the paper's order
COMMON = {"env": "MetaPointEnvMomentum", "num_inner_grad_steps": 3, "meta_batch_size": 40, "rollouts_per_meta_task": 20}
COMMON |= {"max_path_length": 100, "hidden_sizes": (64, 64), "inner_lr": 0.1, "step_size": 0.01}
BUDGETS: dict[Budget, Settings] = {"smoke": SMOKE, "quick": {"n_itr": 200}, "paper": {"n_itr": 501}}
SEEDS = {"smoke": (1,), "quick": (1, 2, 3, 4, 5), "paper": (1, 2, 3, 4, 5)}

GOAL = np.array([2.0, 2.0])  # m
CORNERS = ((-2, -2), (-2, 2), (2, -2), (2, 2))  # m
SOLVED, FOUND = 50.0, 10.0  # a corner is, if the mean return is above this
COUNTED = {  # above which return, after how many inner steps (-1: all)
    "corners solved": (SOLVED, -1),
    "corners found": (FOUND, -1),
    "corners found before adaptation": (FOUND, 0),
}
REWARD_RADIUS, GOAL_RADIUS, LIMIT = 2.0, 0.3, 3.25  # m; the plane is shown to beyond the goals, where policies also go
ROLLOUTS = slice(10, 20)  # of the task, as in the original
BEFORE, AFTER = "#0072B2", "#E69F00"


class Exploration(NamedTuple):
    """What a policy does before and after its K inner steps: the arrays of an exploration.npz."""

    before: np.ndarray  # positions [R, T, 2] in m, in the task of the goal
    after: np.ndarray  # the same after the last step
    returns: np.ndarray  # [K + 1, 4] of CORNERS, means over some adaptations to each, after 0 .. K steps
    iterations: int  # how long the policy was trained


def folder(root: Path) -> Path:
    """Where the figure's runs are."""
    return root / "figure4"


def runs(root: Path, budget: Budget, seeds: Sequence[int] = ()) -> list[Run]:
    """All runs of the figure, in figure4/<algorithm>/seed_<n>."""
    return [_run(root, name, budget, seed) for name in TITLES for seed in seeds or SEEDS[budget]]


def _run(root: Path, name: str, budget: Budget, seed: int) -> Run:
    return run_of(name, folder(root) / name / f"seed_{seed}", {**COMMON, **BUDGETS[budget], "seed": seed})


def explore(run: Run) -> Path:
    """Rolls out the run's last policy before and after adaptation; keeps what it did in exploration.npz beside the run.

    Of the goal's task it keeps ten rollouts. It is made anew when the run has been continued.
    """
    from experiment_utils.paper.explore import explored

    target, iterations = run.folder / EXPLORATION, trained_iterations(run.folder)
    if (kept := _read(target)) is not None and kept.iterations == iterations:
        return target
    *positions, returns = explored(run.folder, GOAL, CORNERS)
    before, after = (t[ROLLOUTS] if len(t) > ROLLOUTS.start else t for t in positions)
    with replacing(target) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **Exploration(before, after, returns, iterations)._asdict())
    return target


def draw(root: Path, out: Path, budget: Budget = "quick") -> list[Path]:
    """figure4 (the picture, also for a column) and figure4_curves (returns after three steps), .pdf and .png, with tables.

    The tables: results, the corners that were solved, comparisons of the algorithms over seeds, timing.

    Raises:
      InvalidRunError: there is no run at all.
    """
    data = {name: _load(root, name, budget) for name in TITLES}
    data = {name: found for name, found in data.items() if found}
    require_runs(bool(data), folder(root))
    explorations = {name: by_seed for name, found in data.items() if (by_seed := explorations_by_seed(found))}
    pictures = {name: median_seed(by_seed) for name, by_seed in explorations.items()}
    written = save_figure(draw_panels(pictures), out / "figure4")
    written += save_figure(draw_panels(pictures, COLUMN), out / "figure4_column")
    curves = {name: mean_curve(found) for name, found in data.items()}
    figure = curves_figure({"MetaPointEnvMomentum": curves}, "n_timesteps", "return", BANDS["std"])
    written += save_figure(figure, out / "figure4_curves")
    tables = {"results": results_table(data), "corners": corners_table(explorations), "timing": timing_table(data)}
    if measures := [found for found in (corners_by_seed(explorations), *scores_by_stage(data)) if found]:
        tables["comparisons"] = pd.concat(map(comparison_table, measures), ignore_index=True)
    return written + [path for name, table in tables.items() for path in save_table(table, out / f"figure4_{name}")]


def _load(root: Path, name: str, budget: Budget) -> list[RunData]:
    found = load_runs([folder(root) / name], (LAST_RETURN, "ItrTime"))
    return of_figure(found, lambda run: _run(root, name, budget, run.config["seed"]), "figure 4")


def explorations_by_seed(runs: Sequence[RunData]) -> dict[int, Exploration]:
    """What `explore` kept of the runs, by seed."""
    kept = {run.config["seed"]: found for run in runs if (found := _read(run.path / EXPLORATION)) is not None}
    missing = [str(run.path) for run in runs if not (run.path / EXPLORATION).exists()]
    if missing:
        message = f"{', '.join(missing)}: no {EXPLORATION}, so neither in the picture nor in the corners"
        warnings.warn(f"{message}; reproduce.py figure4 makes it", RunDataWarning, stacklevel=2)
    return dict(sorted(kept.items()))


def count_corners(exploration: Exploration, above: float = SOLVED, steps: int = -1) -> int:
    """How many of the four have a return above that after so many inner steps, by default all."""
    return int((exploration.returns[steps] > above).sum())


def median_seed(by_seed: dict[int, Exploration]) -> Exploration:
    """Of the seed in the middle by corners solved, then by the mean return of all corners; of two the worse."""
    ranked = sorted(by_seed.values(), key=lambda found: (count_corners(found), found.returns[-1].mean()))
    return ranked[(len(ranked) - 1) // 2]


def corners_table(explorations: dict[str, dict[int, Exploration]]) -> pd.DataFrame:
    """Of each algorithm and seed the return of each corner before and after adaptation, and how many corners are solved."""
    return pd.DataFrame(
        {
            "group": name,
            "seed": seed,
            "iterations": found.iterations,
            "inner steps": steps,
            **{f"return at {corner}": found.returns[steps][index] for index, corner in enumerate(CORNERS)},
            "corners solved": count_corners(found, steps=steps),
        }
        for name, by_seed in explorations.items()
        for seed, found in by_seed.items()
        for steps in (0, len(found.returns) - 1)
    )


def corners_by_seed(explorations: dict[str, dict[int, Exploration]]) -> dict[str, Scores]:
    """The numbers of corners solved and found, of the seeds that all algorithms share, for each number of iterations.

    It takes two seeds or more that all algorithms trained so long; what is left out is named in a warning.
    """
    shared = set.intersection(*({*by_seed} for by_seed in explorations.values())) if len(explorations) > 1 else set()
    lengths = {seed: {by_seed[seed].iterations for by_seed in explorations.values()} for seed in sorted(shared)}
    measures, left_out = {}, set(shared)
    for iterations in sorted(set.union(*lengths.values())) if lengths else ():
        seeds = [seed for seed, found in lengths.items() if found == {iterations}]
        if len(seeds) < 2:
            continue
        left_out -= {*seeds}
        for measure, (above, steps) in COUNTED.items():
            measures[f"{measure}, of 4, after {iterations} iterations"] = {
                name: np.array([count_corners(by_seed[seed], above, steps) for seed in seeds], float)
                for name, by_seed in explorations.items()
            }
    if left_out:
        names = ", ".join(map(str, sorted(left_out)))
        message = f"corners: not compared for seed {names}"
        why = "it takes two seeds that all algorithms trained equally long"
        warnings.warn(f"{message}; {why}", RunDataWarning, stacklevel=2)
    return measures


def _read(path: Path) -> Exploration | None:
    """What an exploration.npz keeps, or None if there is none; a broken one is named in a warning."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as saved:  # noqa: TID251
            before, after, returns, iterations = (saved[name] for name in Exploration._fields)
        good = before.shape[2] == after.shape[2] == 2 and iterations.shape == () and returns.shape[1:] == (len(CORNERS),)
    except (OSError, TypeError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile, zlib.error):
        good = False
    if not good:
        warnings.warn(f"{path} can't be read as positions in the plane; left out", RunDataWarning, stacklevel=2)
        return None
    return Exploration(before, after, returns, int(iterations))


@styled
def draw_panels(pictures: dict[str, Exploration], width: float = PAGE) -> Figure:
    """Positions before (blue) and after adaptation (orange); where the reward is, the goal and the other corners."""
    wide = width == PAGE
    figure, panels = plt.subplots(1, len(TITLES), figsize=(width, 2.75 if wide else 1.95), sharey=True)
    for axes, (name, title) in zip(panels, TITLES.items(), strict=True):
        picture = pictures.get(name)
        _draw_plane(axes)
        if picture is None:
            axes.set_title(f"{title} (nothing to show yet)")
            continue
        axes.set_title(f"{title} ({picture.iterations} iterations)" if wide else title)
        for key, colour in (("before", BEFORE), ("after", AFTER)):
            points = getattr(picture, key).reshape(-1, 2)
            axes.plot(*points.T, ".", ms=2.5 if wide else 1.2, color=colour, alpha=0.6, mew=0, label=f"{key} adaptation")
    panels[0].set_ylabel("y (m)")
    handles, labels = max((axes.get_legend_handles_labels() for axes in panels), key=lambda pair: len(pair[1]))
    figure.legend(handles, labels, loc="outside lower center", ncols=4 if wide else 2, markerscale=3 if wide else 6)
    return figure


def _draw_plane(axes: Axes) -> None:
    for corner in CORNERS:
        is_goal = np.array_equal(corner, GOAL)
        label = "reward of the task" if is_goal else None
        axes.add_patch(
            Circle(corner, REWARD_RADIUS, color="tab:green" if is_goal else "tab:blue", alpha=0.15, lw=0, label=label)
        )
    axes.add_patch(Circle((GOAL[0], GOAL[1]), GOAL_RADIUS, color="tab:green", lw=0, label="goal"))
    axes.set(xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT), aspect="equal", xlabel="x (m)")
    axes.grid(False)
