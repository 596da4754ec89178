"""Figure 4: exploration before and exploitation after adaptation, in a plane with a goal in one of four corners.

Settings: the original's experiments/exploration_comparison (MetaPointEnvMomentum, 40 tasks x 20 rollouts x 100 steps, three
inner steps, trust region 0.01, 501 iterations, seeds 1-5). The picture shows the trained policy of the lowest seed in a task
whose goal is the upper right corner.
"""

import warnings
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from experiment_utils.paper.experiments import EXPLORATION, SMOKE, Budget, of_figure, run_of
from experiment_utils.plot_utils import COLUMN, PAGE, curves_figure, save_figure, save_table, styled
from experiment_utils.runs.curves import mean_curve, results_table, timing_table
from experiment_utils.runs.results import LAST_RETURN, RunData, RunDataWarning, load_runs, require_runs
from experiment_utils.runs.run_spec import Run, Settings
from meta_policy_search.utils.atomic_write import replacing

TITLES = {"LVC-TRPO": "LVC", "TRPO-MAML": "MAML", "E-MAML-TRPO": "E-MAML"}  # in the paper's order
COMMON = {"env": "MetaPointEnvMomentum", "num_inner_grad_steps": 3, "meta_batch_size": 40, "rollouts_per_meta_task": 20}
COMMON |= {"max_path_length": 100, "hidden_sizes": (64, 64), "inner_lr": 0.1, "step_size": 0.01}
BUDGETS: dict[Budget, Settings] = {"smoke": SMOKE, "quick": {"n_itr": 100}, "paper": {"n_itr": 501}}
SEEDS = {"smoke": (1,), "quick": (1,), "paper": (1, 2, 3, 4, 5)}

GOAL = np.array([2.0, 2.0])  # m
CORNERS = ((-2, -2), (-2, 2), (2, -2), (2, 2))  # m
REWARD_RADIUS, GOAL_RADIUS, LIMIT = 2.0, 0.3, 3.25  # m; the plane is shown to beyond the goals, where policies also go
ROLLOUTS = slice(10, 20)  # of the task, as in the original
BEFORE, AFTER = "#0072B2", "#E69F00"


def folder(root: Path) -> Path:
    """Where the figure's runs are."""
    return root / "figure4"


def runs(root: Path, budget: Budget, seeds: Sequence[int] = ()) -> list[Run]:
    """All runs of the figure, in figure4/<algorithm>/seed_<n>."""
    return [_run(root, name, budget, seed) for name in TITLES for seed in seeds or SEEDS[budget]]


def _run(root: Path, name: str, budget: Budget, seed: int) -> Run:
    return run_of(name, folder(root) / name / f"seed_{seed}", {**COMMON, **BUDGETS[budget], "seed": seed})


def explore(run: Run) -> Path:
    """Rolls out the run's last policy before and after adaptation; keeps the positions in exploration.npz beside the run.

    The file has before, after [10, T, 2] in m, and iterations: how long the policy was trained. It is made anew when the
    run has been continued.
    """
    from experiment_utils.paper.explore import adapted_trajectories, trained_iterations

    target, iterations = run.folder / EXPLORATION, trained_iterations(run.folder)
    if (picture := _read(target)) is not None and picture["iterations"] == iterations:
        return target
    before, after = (t[ROLLOUTS] if len(t) > ROLLOUTS.start else t for t in adapted_trajectories(run.folder, GOAL))
    with replacing(target) as partial, partial.open("wb") as file:
        np.savez_compressed(file, before=before, after=after, iterations=iterations)
    return target


def draw(root: Path, out: Path, budget: Budget = "quick") -> list[Path]:
    """figure4 (the picture, also for a column) and figure4_curves (returns after three steps), .pdf and .png, with tables.

    Raises:
      InvalidRunError: there is no run at all.
    """
    data = {name: _load(root, name, budget) for name in TITLES}
    data = {name: found for name, found in data.items() if found}
    require_runs(bool(data), folder(root))
    pictures = {name: picture for name, found in data.items() if (picture := first_picture(found)) is not None}
    written = save_figure(draw_panels(pictures), out / "figure4")
    written += save_figure(draw_panels(pictures, COLUMN), out / "figure4_column")
    curves = {name: mean_curve(found) for name, found in data.items()}
    written += save_figure(curves_figure({"MetaPointEnvMomentum": curves}, "n_timesteps", "return"), out / "figure4_curves")
    written += save_table(results_table(data), out / "figure4_results")
    return written + save_table(timing_table(data), out / "figure4_timing")


def _load(root: Path, name: str, budget: Budget) -> list[RunData]:
    found = load_runs([folder(root) / name], (LAST_RETURN, "ItrTime"))
    return of_figure(found, lambda run: _run(root, name, budget, run.config["seed"]), "figure 4")


def first_picture(runs: Sequence[RunData]) -> dict[str, np.ndarray] | None:
    """What `explore` kept of the lowest seed; None if there is nothing."""
    files = [run.path / EXPLORATION for run in sorted(runs, key=lambda run: run.config["seed"])]
    return next((picture for path in files if (picture := _read(path)) is not None), None)


def _read(path: Path) -> dict[str, np.ndarray] | None:
    """The arrays of an exploration.npz, or None if there is none; a broken one is named in a warning."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as saved:  # noqa: TID251
            arrays = dict(saved)
        good = arrays["before"].shape[2] == arrays["after"].shape[2] == 2 and arrays["iterations"].shape == ()
    except (OSError, TypeError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile, zlib.error):
        good = False
    if not good:
        warnings.warn(f"{path} can't be read as positions in the plane; left out", RunDataWarning, stacklevel=2)
    return arrays if good else None


@styled
def draw_panels(pictures: dict[str, dict[str, np.ndarray]], width: float = PAGE) -> Figure:
    """Positions before (blue) and after adaptation (orange); where the reward is, the goal and the other corners."""
    wide = width == PAGE
    figure, panels = plt.subplots(1, len(TITLES), figsize=(width, 2.75 if wide else 1.95), sharey=True)
    for axes, (name, title) in zip(panels, TITLES.items(), strict=True):
        picture = pictures.get(name)
        _draw_plane(axes)
        if picture is None:
            axes.set_title(f"{title} (not trained yet)")
            continue
        axes.set_title(f"{title} ({picture['iterations']} iterations)" if wide else title)
        for key, colour in (("before", BEFORE), ("after", AFTER)):
            points = picture[key].reshape(-1, 2)
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
