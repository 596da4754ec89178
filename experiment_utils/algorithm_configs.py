"""The settings of each algorithm, under the original's names. Importing this module is quick: no TensorFlow, no MuJoCo."""

import dataclasses

from typing_extensions import override

from experiment_utils.config import (
    BaselineName,
    ExplorationConfig,
    GradientConfig,
    InnerObjectiveConfig,
    OuterType,
)
from experiment_utils.validation import Count, Fraction, Natural, NotNegative, Positive
from meta_policy_search.choices import AdvantageInnerType, HvpType, InnerType


@dataclasses.dataclass(frozen=True)
class ProMPConfig(GradientConfig, InnerObjectiveConfig):
    """Settings of ProMP."""

    num_promp_steps: Count = 5
    """Meta-gradient steps per iteration."""
    clip_eps: Positive = 0.3
    """Clipping range epsilon of the likelihood ratio."""
    init_inner_kl_penalty: NotNegative = 5e-4
    """Coefficient eta of the KL penalty."""
    adaptive_inner_kl_penalty: bool = False
    """Halve or double eta where the KL misses target_inner_step by more than a factor of 1.5."""
    target_inner_step: Positive = 0.01
    """Target of the KL for adaptive_inner_kl_penalty, in nats."""
    anneal_factor: Positive = 1.0
    """Factor on clip_eps after every iteration."""
    num_minibatches: Count = 1
    """Meta-gradient steps per pass over the tasks; must divide meta_batch_size."""
    inner_type: AdvantageInnerType = "likelihood_ratio"
    """Objective of the adaptation: likelihood_ratio is the paper's; see docs/algorithms."""

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        adaptable = not self.adaptive_inner_kl_penalty or self.init_inner_kl_penalty > 0
        self._require("init_inner_kl_penalty", adaptable, "positive to be adapted: no factor changes 0")
        divides = self.meta_batch_size % self.num_minibatches == 0
        self._require("num_minibatches", divides, f"a divisor of meta_batch_size ({self.meta_batch_size})")


@dataclasses.dataclass(frozen=True)
class TRPOMAMLConfig(ExplorationConfig):
    """Settings of TRPO-MAML, E-MAML-TRPO and LVC-TRPO."""

    step_size: Positive = 0.01
    """Trust region delta: the largest KL after adaptation, in nats."""
    inner_type: AdvantageInnerType = "log_likelihood"
    """Objective of the adaptation: log_likelihood is MAML's, likelihood_ratio is LVC's; see docs/algorithms."""
    hvp: HvpType = "fisher"
    """Curvature of the trust region: fisher and hessian are exact, finite_difference is the original's."""


@dataclasses.dataclass(frozen=True)
class VPGMAMLConfig(GradientConfig, ExplorationConfig):
    """Settings of MAML-VPG, E-MAML-VPG and LVC-VPG."""

    inner_type: AdvantageInnerType = "log_likelihood"
    """Objective of the adaptation: log_likelihood is MAML's, likelihood_ratio is LVC's; see docs/algorithms."""


@dataclasses.dataclass(frozen=True)
class ReptileConfig(InnerObjectiveConfig):
    """Settings of Reptile."""

    learning_rate: Positive = 1e-3
    """Step size beta of Adam."""
    inner_type: AdvantageInnerType = "likelihood_ratio"
    """Objective of the adaptation; all have the same gradient, and Reptile needs nothing else of it."""
    loaded_dice_lambda: Fraction = 1.0
    """Lambda of inner_type loaded_dice."""

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("trainable_inner_step_size", not self.trainable_inner_step_size, "off: Reptile has no gradient of it")


@dataclasses.dataclass(frozen=True)
class SGMRLConfig(GradientConfig, InnerObjectiveConfig):
    """Settings of SG-MRL."""

    inner_type: AdvantageInnerType = "log_likelihood"
    """Objective of the adaptation: log_likelihood is the paper's; see docs/algorithms."""

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("num_inner_grad_steps", self.num_inner_grad_steps > 0, "1 or more: SG-MRL credits what is before them")


@dataclasses.dataclass(frozen=True)
class RL2Config(GradientConfig):
    """Settings of RL2."""

    num_inner_grad_steps: Natural = 0
    """0: the memory adapts, and no gradient."""
    num_ppo_steps: Count = 5
    """Gradient steps per iteration."""
    clip_eps: Positive = 0.3
    """Clipping range epsilon of the likelihood ratio."""
    rollouts_per_trial: Count = 5
    """Rollouts through which the memory is kept; must divide rollouts_per_meta_task."""
    memory_size: Count = 64
    """Units of the gated recurrent unit, below the hidden layers."""

    @property
    @override
    def rollouts_per_row(self) -> int:
        return self.rollouts_per_trial

    @property
    @override
    def observe_previous_step(self) -> bool:
        return True

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("num_inner_grad_steps", self.num_inner_grad_steps == 0, "0: RL2 adapts by its memory")
        self._require("adapted", self.adapted == "all", "left out: RL2 adapts by its memory")
        rollouts = self.rollouts_per_meta_task
        divides = rollouts % self.rollouts_per_trial == 0
        self._require("rollouts_per_trial", divides, f"a divisor of rollouts_per_meta_task ({rollouts})")


@dataclasses.dataclass(frozen=True)
class DICEMAMLConfig(GradientConfig, InnerObjectiveConfig):
    """Settings of DiCE."""

    baseline: BaselineName = "LinearTimeBaseline"
    """Baseline of the discounted reward of a step, fitted to each task's samples."""
    return_baseline: BaselineName = "LinearFeatureBaseline"
    """Baseline of the return, for advantages (outer_type vpg and trpo, most values of inner_type) and for tmaml."""
    inner_type: InnerType = "dice"
    """Objective of the adaptation; see docs/algorithms."""
    outer_type: OuterType = "dice"
    """Objective after adaptation: dice (DiCE), vpg (VPG-DiCE) or trpo (TRPO-DiCE)."""
    learning_rate: Positive = 1e-3
    """Step size beta of Adam, for outer_type dice and vpg."""
    step_size: Positive = 0.01
    """Trust region delta for outer_type trpo, in nats."""

    @property
    def takes_advantages(self) -> bool:
        """Whether the samples need a baseline of the return."""
        return self.outer_type != "dice" or self.inner_type not in ("dice", "tmaml")
