"""What the paper's experiments are: algorithms, panels, settings, and the values read off its curves."""

import dataclasses
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from experiment_utils.algorithms import algorithm
from experiment_utils.runs.results import RunData, RunDataWarning
from experiment_utils.runs.run_spec import Run, Settings

Budget = Literal["smoke", "quick", "paper"]

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
      paper: returns after adaptation read off the paper's curves (ICLR version) at 25, 50, 75 and 100 % of paper_steps, mean
        of 3 seeds, to about +-5; None where they could not be read.
    """

    name: str
    title: str
    settings: Settings
    promp_settings: Settings
    quick_n_itr: int
    quick_seeds: tuple[int, ...]
    paper_steps: float
    paper: Mapping[str, tuple[float | None, ...]]


LONG = {"max_path_length": 200}
RAND_PARAMS = {**LONG, "inner_lr": 0.05}
RAND_PARAMS_PROMP = {"num_promp_steps": 3, "init_inner_kl_penalty": 1e-3, "adaptive_inner_kl_penalty": True}

PANELS = (
    Panel(
        "half_cheetah",
        "HalfCheetahFwdBack",
        {"env": "HalfCheetahRandDirecEnv"},
        {},
        200,
        (1, 2, 3),
        1.2e8,
        {
            "ProMP": (265, 292, 303, 313),
            "TRPO-MAML": (190, 229, 248, 261),
            "E-MAML-TRPO": (216, 243, 259, 265),
            "LVC-VPG": (193, 204, 190, 232),
            "E-MAML-VPG": (133, 107, 93, 95),
        },
    ),
    Panel(
        "ant",
        "AntRandDir",
        {"env": "AntRandDirec2DEnv"},
        {},
        30,
        (1,),
        5.1e7,
        {
            "ProMP": (135, 159, 173, 178),
            "TRPO-MAML": (123, 147, 156, 162),
            "E-MAML-TRPO": (124, 150, 160, 166),
            "LVC-VPG": (101, 117, 131, 138),
            "E-MAML-VPG": (98, 120, 122, 123),
        },
    ),
    Panel(
        "hopper_params",
        "HopperRandParams",
        {"env": "HopperRandParamsEnv", **RAND_PARAMS},
        RAND_PARAMS_PROMP,
        30,
        (1,),
        1.6e8,
        {
            "ProMP": (214, 250, 260, 269),
            "TRPO-MAML": (225, 223, 225, 230),
            "E-MAML-TRPO": (228, 225, None, 223),
            "LVC-VPG": (227, 234, 241, 251),
            "E-MAML-VPG": (None, None, None, None),
        },
    ),
    Panel(
        "walker",
        "WalkerFwdBack",
        {"env": "Walker2DRandDirecEnv", **LONG},
        {},
        30,
        (1,),
        1.2e8,
        {
            "ProMP": (235, 276, 310, 349),
            "TRPO-MAML": (232, 256, 283, 298),
            "E-MAML-TRPO": (None, 263, 275, 290),
            "LVC-VPG": (185, 211, 234, 258),
            "E-MAML-VPG": (219, None, None, 208),
        },
    ),
    Panel(
        "humanoid",
        "HumanoidRandDir",
        {"env": "HumanoidRandDirec2DEnv", **LONG, "hidden_sizes": (128, 128)},
        {},
        30,
        (1,),
        3.2e8,
        {
            "ProMP": (532, 571, 601, 597),
            "TRPO-MAML": (356, 380, 393, 401),
            "E-MAML-TRPO": (350, 373, 390, 397),
            "LVC-VPG": (530, 548, 561, 576),
            "E-MAML-VPG": (526, 535, 538, 548),  # the last one between 537 and 560
        },
    ),
    Panel(
        "walker_params",
        "WalkerRandParams",
        {"env": "Walker2DRandParamsEnv", **RAND_PARAMS},
        RAND_PARAMS_PROMP,
        30,
        (1,),
        1.6e8,
        {
            "ProMP": (263, 303, 318, 320),
            "TRPO-MAML": (256, 279, 293, 298),
            "E-MAML-TRPO": (254, 287, 293, 292),
            "LVC-VPG": (227, 267, 292, 306),
            "E-MAML-VPG": (None, 253, 244, 234),
        },
    ),
)
PAPER_MARKS = (0.25, 0.5, 0.75, 1.0)  # fractions of paper_steps
