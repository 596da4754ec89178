"""DiCE (Foerster et al. 2018) in the adaptation, and, in DICEMAML, in the meta-objective too."""

from collections.abc import Sequence
from typing import Unpack

import keras
import tensorflow as tf
from typing_extensions import override

from meta_policy_search.choices import InnerType
from meta_policy_search.meta_algos.base import MAMLAlgo, first_order_metrics
from meta_policy_search.meta_algos.inner_loop import InnerSettings
from meta_policy_search.meta_algos.inner_objective import InnerObjective
from meta_policy_search.meta_algos.objectives import dice_loss
from meta_policy_search.meta_algos.trpo_maml import TRPOMAML, TRPOSettings
from meta_policy_search.meta_algos.vpg_maml import VPGMAML, VPGSettings
from meta_policy_search.optimizers.maml_first_order_optimizer import LearningRateSchedule, MAMLFirstOrderOptimizer
from meta_policy_search.policies.base import Distribution, MetaPolicy
from meta_policy_search.types import Samples


class DICEMAML(MAMLAlgo):
    """maximise J^DiCE(theta') with theta' = theta + alpha grad J^DiCE(theta), by one step of Adam (paper, equation 57).

    Its samples come from `DiceSampleProcessor`. Adjusted rewards have unit deviation and are summed over the rest of the
    episode by the gradient, so its inner gradient is up to sqrt(H) times that of normalised advantages.

    Args:
      learning_rate: beta, of Adam; a number, or a schedule of Keras over its steps.
      optimizer: of Keras, new, instead of Adam and learning_rate.
      inner_type: the objective of the adaptation; "tmaml" needs the processor's hessian_baseline, others than it and "dice"
        its return_baseline.
      loaded_dice_lambda: lambda in [0, 1], of inner_type "loaded_dice": 0 is LVC, 1 DiCE with a baseline.
      inner: `inner`, an `InnerLoop`, or fields of it by name, such as inner_lr and num_inner_grad_steps.
    """

    def __init__(
        self,
        policy: MetaPolicy,
        *,
        learning_rate: float | LearningRateSchedule = 1e-3,
        optimizer: keras.optimizers.Optimizer | None = None,
        inner_type: InnerType = "dice",
        loaded_dice_lambda: float = 1.0,
        **inner: Unpack[InnerSettings],
    ):
        super().__init__(policy, **inner)
        self.inner_objective = InnerObjective(inner_type, loaded_dice_lambda)
        self.optimizer = MAMLFirstOrderOptimizer(self.theta, learning_rate, optimizer=optimizer)

    @property
    @override
    def reads(self) -> tuple[str, ...]:
        of_advantages = not self.inner_objective.of_rewards and self.num_inner_grad_steps > 0
        return ("advantages", "adjusted_rewards") if of_advantages else ("adjusted_rewards",)

    @override
    def inner_loss(self, distribution: Distribution, samples: Samples) -> tf.Tensor:
        return self.inner_objective.loss(self.log_prob(distribution, samples), self.old_log_prob(samples), samples)

    @override
    def outer_loss(self, distributions: Sequence[Distribution], batches: Sequence[Samples]) -> tf.Tensor:
        log_prob, samples = self.log_prob(distributions[-1], batches[-1]), batches[-1]
        return dice_loss(log_prob, samples.adjusted_rewards, samples.start, samples.weights)

    @override
    def optimize_policy(self, batches: Sequence[Samples]) -> dict[str, float]:
        return first_order_metrics(*self.optimizer.optimize(self.meta_gradient, self.meta_loss, batches))


def VPG_DICEMAML(policy: MetaPolicy, **settings: Unpack[VPGSettings]) -> VPGMAML:  # noqa: N802, the original's name
    """DiCE in the adaptation, the log-likelihood with advantages after it; settings of `VPGMAML`."""
    own: VPGSettings = {"inner_type": "dice", **settings}
    return VPGMAML(policy, **own)


def TRPO_DICEMAML(policy: MetaPolicy, **settings: Unpack[TRPOSettings]) -> TRPOMAML:  # noqa: N802, the original's name
    """DiCE in the adaptation, the likelihood ratio in a trust region after it; settings of `TRPOMAML`."""
    own: TRPOSettings = {"inner_type": "dice", **settings}
    return TRPOMAML(policy, **own)
