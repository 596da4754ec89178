"""What the paper's experiments are: algorithms, panels, settings."""

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from experiment_utils.algorithms import algorithm
from experiment_utils.paper.paper_values import paper_returns
from experiment_utils.runs.results import RunData, RunDataWarning
from experiment_utils.runs.run_spec import Run, Settings

Budget = Literal["smoke", "quick", "paper"]

# what is measured beside the training, in each run's folder
ADAPTATION, EXPLORATION, SAME_THETA = "adaptation.csv", "exploration.npz", "same_theta.csv"
THETAS, TIMES = "thetas.csv", "times.csv"  # the tables of the figures that need no training

# A few seconds per run: shows that everything works, nothing else.
SMOKE_N_ITR, SMOKE_TASKS, SMOKE_ROLLOUTS = 2, 2, 2
SMOKE: Settings = {
    "n_itr": SMOKE_N_ITR,
    "meta_batch_size": SMOKE_TASKS,
    "rollouts_per_meta_task": SMOKE_ROLLOUTS,
    "max_path_length": 10,
    "hidden_sizes": (8,),
}


FIGURE_2_ALGORITHMS = ("ProMP", "TRPO-MAML", "E-MAML-TRPO", "LVC-VPG", "E-MAML-VPG")


def run_of(name: str, folder: Path, settings: Settings) -> Run:
    """Return the run of an algorithm in a folder, with an experiment's settings."""
    entry = algorithm(name)
    return Run(entry.script, folder, {**entry.variant, **settings})


def of_figure(runs: Sequence[RunData], wanted: Callable[[RunData], Run], figure: str) -> list[RunData]:
    """The runs with the figure's settings, one of each seed; the others are named in a warning.

    Args:
      wanted: the run as the figure would make it, with the algorithm and the seed of one that was found.
    """
    kept: dict[tuple[str, int], RunData] = {}
    for run in runs:
        differing = [name for name in wanted(run).differing_from(run) if name in run.config]
        earlier = kept.get(key := (run.algorithm, run.config["seed"]))
        if differing:
            message = f"{run.path} has another {', '.join(differing)} than {figure}; left out"
            warnings.warn(message, RunDataWarning, stacklevel=2)
        elif earlier is not None:
            warnings.warn(f"{run.path} has the seed of {earlier.path}; left out", RunDataWarning, stacklevel=2)
        else:
            kept[key] = run
    return list(kept.values())


@dataclasses.dataclass(frozen=True, eq=False)
class Panel:
    """A panel of figure 2.

    Attributes:
      name: of its folder, and for --env.
      title: the paper's name of the task family.
      settings: what differs from 40 tasks x 20 rollouts x 100 steps, hidden layers (64, 64), inner_lr 0.1, one inner step.
      promp_settings: what differs for ProMP, besides.
      quick_n_itr, quick_seeds: the quick budget.
      paper_steps: where the paper's x axis ends, in env steps.
    """

    name: str
    title: str
    settings: Settings
    promp_settings: Settings
    quick_n_itr: int
    quick_seeds: tuple[int, ...]
    paper_steps: float

    @property
    def paper(self) -> dict[str, tuple[float | None, ...]]:
        """The paper's returns after adaptation by algorithm, at the PAPER_MARKS of paper_steps."""
        return paper_returns("figure2", self.name)


LONG = {"max_path_length": 200}
RAND_PARAMS = {**LONG, "inner_lr": 0.05}
RAND_PARAMS_PROMP = {"num_promp_steps": 3, "init_inner_kl_penalty": 1e-3, "adaptive_inner_kl_penalty": True}

PANELS = (
    Panel("half_cheetah", "HalfCheetahFwdBack", {"env": "HalfCheetahRandDirecEnv"}, {}, 200, (1, 2, 3), 1.2e8),
    Panel("ant", "AntRandDir", {"env": "AntRandDirec2DEnv"}, {}, 30, (1,), 5.1e7),
    Panel(
        "hopper_params",
        "HopperRandParams",
        {"env": "HopperRandParamsEnv", **RAND_PARAMS},
        RAND_PARAMS_PROMP,
        30,
        (1,),
        1.6e8,
    ),
    Panel("walker", "WalkerFwdBack", {"env": "Walker2DRandDirecEnv", **LONG}, {}, 30, (1,), 1.2e8),
    Panel(
        "humanoid",
        "HumanoidRandDir",
        {"env": "HumanoidRandDirec2DEnv", **LONG, "hidden_sizes": (128, 128)},
        {},
        30,
        (1,),
        3.2e8,
    ),
    Panel(
        "walker_params",
        "WalkerRandParams",
        {"env": "Walker2DRandParamsEnv", **RAND_PARAMS},
        RAND_PARAMS_PROMP,
        30,
        (1,),
        1.6e8,
    ),
)
