"""Settings of figure 3's experiment: an algorithm's own, and how its meta-gradient is measured."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from experiment_utils.algorithm_configs import DICEMAMLConfig, VPGMAMLConfig
from experiment_utils.config import Config
from experiment_utils.validation import Count

Experiment = Literal["figure3", "figure3_point"]
RoundTasks = Literal["same", "previous"]

HERE = Path(__file__).resolve().parent
SCRIPTS = {"LVC": HERE / "run_variance_lvc.py", "DiCE": HERE / "run_variance_dice.py"}
COSINE_DISTANCE, RELATIVE_STD = "Meta-GradientCosAbs", "Meta-GradientRStd"
SPREADS = {"cosine distance": COSINE_DISTANCE, "relative std": RELATIVE_STD}  # label -> column; the steadier first


@dataclasses.dataclass(frozen=True)
class GradientVarianceConfig(Config):
    """What the experiment adds to an algorithm's settings. Its default is the paper's; `measure_every` saves time."""

    sampling_rounds: Annotated[int, Meta(ge=2, description="a whole number, 2 or more")] = 20
    """Sampling rounds R at the same theta; each gives one meta-gradient."""
    measure_every: Count = 1
    """Measure in every so many iterations; the iterations between repeat the last measurement in the log."""
    round_tasks: RoundTasks = "same"
    """Tasks of the additional rounds: those of the iteration, or, as in the original, those of the previous iteration."""


@dataclasses.dataclass(frozen=True)
class LVCVarianceConfig(VPGMAMLConfig, GradientVarianceConfig):
    """Settings of the experiment with LVC-VPG."""

    algo = "VPGMAML"


@dataclasses.dataclass(frozen=True)
class DiCEVarianceConfig(DICEMAMLConfig, GradientVarianceConfig):
    """Settings of the experiment with DiCE."""

    algo = "DICEMAML"
