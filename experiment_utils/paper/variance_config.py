"""Settings of figure 3's experiment: an algorithm's own, and how its meta-gradient is measured."""

import dataclasses
from typing import Literal

from experiment_utils.config import Config, DICEMAMLConfig, VPGMAMLConfig

RoundTasks = Literal["same", "previous"]


@dataclasses.dataclass(frozen=True)
class GradientVarianceConfig(Config):
    """What the experiment adds to an algorithm's settings. Its default is the paper's; `measure_every` saves time."""

    sampling_rounds: int = 20
    """Sampling rounds R at the same theta; each gives one meta-gradient."""
    measure_every: int = 1
    """Measure in every so many iterations; the iterations between repeat the last measurement in the log."""
    round_tasks: RoundTasks = "same"
    """Tasks of the additional rounds: those of the iteration, or, as in the original, those of the previous iteration."""

    def __post_init__(self):
        super().__post_init__()
        self._require("sampling_rounds", self.sampling_rounds > 1, "2 or more")
        self._require("measure_every", self.measure_every > 0, "a positive number")


@dataclasses.dataclass(frozen=True)
class LVCVarianceConfig(VPGMAMLConfig, GradientVarianceConfig):
    """Settings of the experiment with LVC-VPG."""

    algo = "VPGMAML"


@dataclasses.dataclass(frozen=True)
class DiCEVarianceConfig(DICEMAMLConfig, GradientVarianceConfig):
    """Settings of the experiment with DiCE."""

    algo = "DICEMAML"
