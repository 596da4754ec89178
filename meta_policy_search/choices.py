"""The choices that settings have. Importing this module is quick: configs and the command line need them too."""

from typing import Literal

Physics = Literal["paper", "modern"]  # of MuJoCo
Backend = Literal["mujoco", "mujoco-py"]
StepSizeShape = Literal["entry", "parameter", "parameter_and_step"]
AdvantageInnerType = Literal["likelihood_ratio", "log_likelihood", "loaded_dice", "second_order"]  # needs advantages only
InnerType = Literal["dice", "tmaml", AdvantageInnerType]
HvpType = Literal["fisher", "hessian", "finite_difference"]
