"""Figure 3: relative standard deviation of the meta-gradient, and return, of LVC and DiCE on HalfCheetahFwdBack.

Settings: the original's experiments/gradient_variance (20 tasks x 40 rollouts x 100 steps, 301 iterations, 5 seeds, R = 20
rounds per iteration, as in the version that drew the paper's figure). `quick` measures in every tenth of 100 iterations.
"""

import dataclasses
import warnings
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiment_utils.algorithms import algorithm
from experiment_utils.paper.experiments import SMOKE, Budget, of_figure
from experiment_utils.paper.variance_config import RoundTasks
from experiment_utils.plot_utils import COLUMN, SCALES, UNITS, draw_curve, save_figure, save_table, styled
from experiment_utils.runs.curves import Curve, mean_curve, results_table, timing_table
from experiment_utils.runs.results import LAST_RETURN, RunData, RunDataWarning, load_runs, require_runs
from experiment_utils.runs.run_spec import Run

HERE = Path(__file__).resolve().parent
SCRIPTS = {"LVC": HERE / "run_variance_lvc.py", "DiCE": HERE / "run_variance_dice.py"}
CURVE_COLOURS = {"LVC": algorithm("LVC-VPG").colour, "DiCE": algorithm("DiCE").colour}

COMMON = {"meta_batch_size": 20, "rollouts_per_meta_task": 40, "max_path_length": 100, "hidden_sizes": (64, 64)}
BUDGETS = {
    "smoke": {**SMOKE, "n_itr": 3, "sampling_rounds": 2, "measure_every": 2},
    "quick": {"n_itr": 100, "sampling_rounds": 20, "measure_every": 10},
    "paper": {"n_itr": 301, "sampling_rounds": 20, "measure_every": 1},
}
SEEDS = {"smoke": (1,), "quick": (1,), "paper": (22, 35, 76, 34, 92)}

RELATIVE_STD = "Meta-GradientRStd"
DRAWN = (LAST_RETURN, RELATIVE_STD, "ItrTime")  # columns that a run must have
PAPER_STEPS = 4.7e7  # where the paper's x axis ends, in env steps
PAPER_RETURN = {"LVC": 262.0, "DiCE": 158.0}  # there, read off the paper's curves


def folder(root: Path, budget: Budget, round_tasks: RoundTasks = "same") -> Path:
    """Budgets measure at different iterations, and rounds with other tasks another quantity: their runs stay apart."""
    return root / ("figure3" + ("_paper" if budget == "paper" else "") + ("_previous" if round_tasks == "previous" else ""))


def runs(root: Path, budget: Budget, seeds: Sequence[int] = (), round_tasks: RoundTasks = "same") -> list[Run]:
    """All runs of the figure, in <folder>/<LVC or DiCE>/seed_<n>; "previous" draws the rounds' tasks as the original did."""
    return [
        _run(folder(root, budget, round_tasks), name, budget, seed, round_tasks)
        for name in SCRIPTS
        for seed in seeds or SEEDS[budget]
    ]


def _run(directory: Path, name: str, budget: Budget, seed: int, round_tasks: RoundTasks) -> Run:
    settings = {**COMMON, **BUDGETS[budget], "round_tasks": round_tasks, "seed": seed}
    return Run(SCRIPTS[name], directory / name / f"seed_{seed}", settings)


def draw(root: Path, out: Path, budget: Budget, round_tasks: RoundTasks = "same") -> list[Path]:
    """figure3.pdf, .png, and tables of the results and of the timing.

    Raises:
      InvalidRunError: there is no run at all.
    """
    source = folder(root, budget, round_tasks)
    data = {name: _load(source, name, budget, round_tasks) for name in SCRIPTS}
    data = {name: found for name, found in data.items() if found}
    require_runs(bool(data), source)
    measured = {name: [at_measurements(run) for run in found] for name, found in data.items()}
    spreads = {name: mean_curve(found, RELATIVE_STD) for name, found in measured.items()}
    returns = {name: mean_curve(found) for name, found in data.items()}
    tables = {"results": results(data, measured), "timing": timing_table(data)}
    written = save_figure(draw_panels(spreads, returns), out / "figure3")
    return written + [path for name, table in tables.items() for path in save_table(table, out / f"figure3_{name}")]


def _load(source: Path, name: str, budget: Budget, round_tasks: RoundTasks) -> list[RunData]:
    found = [run for run in load_runs([source / name], DRAWN) if _measures(run)]
    return of_figure(found, lambda run: _run(source, name, budget, run.config["seed"], round_tasks), "figure 3")


def _measures(run: RunData) -> bool:
    if "measure_every" in run.config and "sampling_rounds" in run.config:
        return True
    warnings.warn(f"{run.path} is no run of figure 3; skipped", RunDataWarning, stacklevel=2)
    return False


def at_measurements(run: RunData) -> RunData:
    """The run's iterations that measured; the others repeat the numbers."""
    measured = run.column("Itr") % run.config["measure_every"] == 0
    return dataclasses.replace(run, progress=run.progress[measured])


def results(data: dict[str, list[RunData]], measured: dict[str, list[RunData]]) -> pd.DataFrame:
    """Returns, and the relative standard deviation averaged over the measurements of all seeds."""
    table = results_table(data)
    means = {name: np.mean([run.column(RELATIVE_STD).mean() for run in found]) for name, found in measured.items()}
    medians = {name: np.mean([run.column(RELATIVE_STD).median() for run in found]) for name, found in measured.items()}
    rounds = {name: found[0].config["sampling_rounds"] for name, found in measured.items()}
    table["relative std, mean"] = [means[name] for name in table.get("group", [])]
    table["relative std, median"] = [medians[name] for name in table.get("group", [])]
    table["rounds R"] = [rounds[name] for name in table.get("group", [])]
    return table


@styled
def draw_panels(spreads: dict[str, Curve], returns: dict[str, Curve]) -> Figure:
    """Upper panel: relative standard deviation. Lower: return, the paper's last values as dotted lines."""
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(COLUMN, 4.0), sharex=True)
    for name, curve in spreads.items():
        draw_curve(upper, curve, CURVE_COLOURS[name], f"{name} (n={curve.seeds})")
    for name, curve in returns.items():
        draw_curve(lower, curve, CURVE_COLOURS[name])
    for name, value in PAPER_RETURN.items():
        label = f"paper, {name}, at {PAPER_STEPS / SCALES['n_timesteps']:g} (10⁶ steps)"
        lower.axhline(value, color=CURVE_COLOURS[name], linestyle=":", linewidth=1, label=label)
    upper.set(ylabel=UNITS[RELATIVE_STD], ylim=(0, None))
    lower.set(ylabel=UNITS[LAST_RETURN], xlabel=UNITS["n_timesteps"])
    figure.legend(loc="outside lower center", ncols=2)
    return figure
