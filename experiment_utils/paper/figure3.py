"""Figure 3: how much the meta-gradients of LVC and DiCE vary, and the returns, on HalfCheetahFwdBack; and on a point mass.

Settings: the original's experiments/gradient_variance (20 tasks x 40 rollouts x 100 steps, 301 iterations, 5 seeds, R = 20
rounds per iteration, as in the version that drew the paper's figure). `quick` measures in every tenth of 100 iterations.
figure3_point is the same on MetaPointEnvMomentum, where ten seeds take less time than one of half-cheetah; the paper has no
such figure.
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
from experiment_utils.paper.paper_values import paper_returns
from experiment_utils.paper.same_theta import same_theta_table
from experiment_utils.paper.variance_config import COSINE_DISTANCE, RELATIVE_STD, SCRIPTS, SPREADS, Experiment, RoundTasks
from experiment_utils.plot_utils import COLUMN, SCALES, UNITS, band_handles, draw_curve, save_figure, save_table, styled
from experiment_utils.runs.comparison import (
    Scores,
    can_be_compared,
    comparison_table,
    scores_by_measure,
    shared_runs,
)
from experiment_utils.runs.curves import mean_curve, results_table, timing_table
from experiment_utils.runs.results import LAST_RETURN, RunData, RunDataWarning, load_runs, require_runs
from experiment_utils.runs.run_spec import Run, Settings

CURVE_COLOURS = {"LVC": algorithm("LVC-VPG").colour, "DiCE": algorithm("DiCE").colour}

COMMON = {"meta_batch_size": 20, "rollouts_per_meta_task": 40, "max_path_length": 100, "hidden_sizes": (64, 64)}
BUDGETS: dict[Budget, Settings] = {
    "smoke": {**SMOKE, "n_itr": 3, "sampling_rounds": 2, "measure_every": 2},
    "quick": {"n_itr": 100, "sampling_rounds": 20, "measure_every": 10},
    "paper": {"n_itr": 301, "sampling_rounds": 20, "measure_every": 1},
}
SEEDS = {"smoke": (1,), "quick": (1,), "paper": (22, 35, 76, 34, 92)}
POINT_SEEDS = {**SEEDS, "quick": tuple(range(1, 11))}

ENVIRONMENTS: dict[Experiment, str] = {"figure3": "HalfCheetahRandDirecEnv", "figure3_point": "MetaPointEnvMomentum"}

DRAWN = (LAST_RETURN, COSINE_DISTANCE, RELATIVE_STD, "ItrTime")  # columns that a run must have
PAPER_STEPS = 4.7e7  # where the paper's x axis ends, in env steps


@dataclasses.dataclass(frozen=True)
class Variant:
    """One of the experiments. Budgets measure in different iterations, rounds with other tasks another quantity.

    Attributes:
      budget: iterations, seeds, and how often is measured.
      round_tasks: "previous" draws the rounds' tasks as the original did.
      experiment: the paper's, or the one on the point mass.
    """

    budget: Budget
    round_tasks: RoundTasks = "same"
    experiment: Experiment = "figure3"

    def folder(self, root: Path) -> Path:
        """Where the runs of this variant are, apart from those of all others."""
        paper, previous = self.budget == "paper", self.round_tasks == "previous"
        return root / (self.experiment + ("_paper" if paper else "") + ("_previous" if previous else ""))

    def seeds(self) -> tuple[int, ...]:
        """The budget's seeds."""
        return (SEEDS if self.experiment == "figure3" else POINT_SEEDS)[self.budget]

    def run(self, root: Path, name: str, seed: int) -> Run:
        """The run of LVC or DiCE with a seed, in <folder>/<name>/seed_<n>."""
        settings = {**COMMON, **BUDGETS[self.budget], "env": ENVIRONMENTS[self.experiment]}
        settings |= {"round_tasks": self.round_tasks, "seed": seed}
        return Run(SCRIPTS[name], self.folder(root) / name / f"seed_{seed}", settings)


def runs(root: Path, variant: Variant, seeds: Sequence[int] = ()) -> list[Run]:
    """All runs of the figure."""
    return [variant.run(root, name, seed) for name in SCRIPTS for seed in seeds or variant.seeds()]


def draw(root: Path, out: Path, variant: Variant) -> list[Path]:
    """<experiment>.pdf, .png, and tables of the results, of LVC's and DiCE's difference over seeds, and of the timing.

    Raises:
      InvalidRunError: there is no run at all.
    """
    data = {name: _load(root, name, variant) for name in SCRIPTS}
    data = {name: found for name, found in data.items() if found}
    require_runs(bool(data), variant.folder(root))
    measured = {name: [at_measurements(run) for run in found] for name, found in data.items()}
    tables = {"results": results(data, measured), "timing": timing_table(data)}
    if can_be_compared(data):
        tables["comparisons"] = comparison_table({**spreads_by_measure(measured), **scores_by_measure(data)})
    together = same_theta_table(data)
    tables |= {"same_theta": together} if len(together) else {}
    written = save_figure(draw_panels(measured, data, variant), out / variant.experiment)
    return written + [
        path for name, table in tables.items() for path in save_table(table, out / f"{variant.experiment}_{name}")
    ]


def _load(root: Path, name: str, variant: Variant) -> list[RunData]:
    found = [run for run in load_runs([variant.folder(root) / name], DRAWN) if _measures(run)]
    return of_figure(found, lambda run: variant.run(root, name, run.config["seed"]), "figure 3")


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
    """Returns, and both measures of the meta-gradient's spread, averaged over the measurements of all seeds.

    One seed has no deviation.
    """
    table = results_table(data)
    for label, column in SPREADS.items():
        by_seed = {name: [run.column(column).mean(skipna=False) for run in found] for name, found in measured.items()}
        table[f"{label}, mean"] = [np.mean(by_seed[name]) for name in table["group"]]
        deviations = {name: np.std(found) if len(found) > 1 else np.nan for name, found in by_seed.items()}
        table[f"{label}, std over seeds"] = [deviations[name] for name in table["group"]]
    medians = {
        name: np.mean([run.column(RELATIVE_STD).median(skipna=False) for run in found]) for name, found in measured.items()
    }
    table["relative std, median"] = [medians[name] for name in table["group"]]
    table["rounds R"] = [measured[name][0].config["sampling_rounds"] for name in table["group"]]
    return table


def spreads_by_measure(measured: dict[str, list[RunData]]) -> dict[str, Scores]:
    """Both measures of the spread, of the seeds that LVC and DiCE share: means over measurements, where all have them."""
    chosen, end = shared_runs(measured)

    def score(run: RunData, column: str) -> float:
        return float(run.column(column)[run.column("n_timesteps") <= end].mean(skipna=False))

    return {
        label: {name: np.array([score(run, column) for run in runs]) for name, runs in chosen.items()}
        for label, column in SPREADS.items()
    }


@styled
def draw_panels(measured: dict[str, list[RunData]], data: dict[str, list[RunData]], variant: Variant) -> Figure:
    """From above: cosine distance, relative standard deviation, return, with the paper's last returns as dotted lines.

    Each point is a measurement of one seed; lines are means over seeds.
    """
    figure, panels = plt.subplots(3, 1, figsize=(COLUMN, 5.2), sharex=True)
    for axes, column in zip(panels, SPREADS.values(), strict=False):
        for name, found in measured.items():
            curve = mean_curve(found, column)
            draw_curve(axes, curve, CURVE_COLOURS[name], f"{name} (n={curve.seeds})")
            for run in found:
                steps = run.column("n_timesteps") / SCALES["n_timesteps"]
                axes.plot(steps, run.column(column), "o", color=CURVE_COLOURS[name], ms=3, mew=0, alpha=0.7)
        axes.set(ylabel=UNITS[column], ylim=(0, None))
    for name, found in data.items():
        draw_curve(panels[2], mean_curve(found), CURVE_COLOURS[name])
    paper = paper_returns("figure3", "half_cheetah") if variant.experiment == "figure3" else {}
    for name, (*_, value) in paper.items():
        label = f"paper, {name}, at {PAPER_STEPS / SCALES['n_timesteps']:g}·10⁶"
        panels[2].axhline(value, color=CURVE_COLOURS[name], linestyle=":", linewidth=1, label=label)
    panels[2].set(ylabel=UNITS[LAST_RETURN], xlabel=UNITS["n_timesteps"])
    handles = [*panels[0].get_legend_handles_labels()[0], *panels[2].get_legend_handles_labels()[0]]
    handles += band_handles(map(mean_curve, data.values()))
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure
