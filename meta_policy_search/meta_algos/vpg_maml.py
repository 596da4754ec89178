"""LVC-VPG, MAML-VPG and E-MAML-VPG: one step of Adam along the vanilla policy gradient."""

from collections.abc import Sequence
from typing import Unpack

import keras
import tensorflow as tf
from typing_extensions import override

from meta_policy_search.choices import InnerType
from meta_policy_search.meta_algos.base import MAMLAlgo, first_order_metrics
from meta_policy_search.meta_algos.inner_loop import InnerSettings
from meta_policy_search.meta_algos.inner_objective import InnerObjective
from meta_policy_search.meta_algos.objectives import (
    exploration_loss,
    log_likelihood_loss,
)
from meta_policy_search.optimizers.maml_first_order_optimizer import LearningRateSchedule, MAMLFirstOrderOptimizer
from meta_policy_search.policies.base import Distribution, MetaPolicy
from meta_policy_search.types import Samples


class VPGSettings(InnerSettings, total=False):
    """Settings of `VPGMAML` by name."""

    learning_rate: float | LearningRateSchedule
    optimizer: keras.optimizers.Optimizer | None
    inner_type: InnerType
    loaded_dice_lambda: float
    exploration: bool
    exploration_weight: float


class VPGMAML(MAMLAlgo):
    """maximise E_t[ log pi_theta'(a_t | s_t) A_t ], with `exploration` plus E-MAML's term, by one step of Adam.

    | paper name | inner_type | exploration |
    |---|---|---|
    | LVC-VPG | likelihood_ratio | False |
    | MAML-VPG | log_likelihood | False |
    | E-MAML-VPG | log_likelihood | True |
    | VPG-DiCE (DiCE in the adaptation only) | dice | False |

    Args:
      learning_rate: beta, of Adam; a number, or a schedule of Keras over its steps.
      optimizer: of Keras, new, instead of Adam and learning_rate.
      inner_type: the objective of the adaptation; "dice" needs the samples of `DiceSampleProcessor` with a return baseline.
      loaded_dice_lambda: lambda in [0, 1], of inner_type "loaded_dice": 0 is LVC, 1 DiCE with a baseline.
      exploration: add formulation II's credit for the pre-update behaviour.
      exploration_weight: factor of that term; 1 is the original's mean over rollouts, their number R the sum.
      inner: `inner`, an `InnerLoop`, or fields of it by name, such as inner_lr and num_inner_grad_steps.
    """

    def __init__(
        self,
        policy: MetaPolicy,
        *,
        learning_rate: float | LearningRateSchedule = 1e-3,
        optimizer: keras.optimizers.Optimizer | None = None,
        inner_type: InnerType = "likelihood_ratio",
        loaded_dice_lambda: float = 1.0,
        exploration: bool = False,
        exploration_weight: float = 1.0,
        **inner: Unpack[InnerSettings],
    ):
        super().__init__(policy, **inner)
        self.inner_objective = InnerObjective(inner_type, loaded_dice_lambda)
        if exploration:
            self.inner.require_steps("exploration credits the behaviour before adaptation")
        self.exploration, self.exploration_weight = exploration, exploration_weight
        self.optimizer = MAMLFirstOrderOptimizer(self.theta, learning_rate, optimizer=optimizer)

    @property
    @override
    def reads(self) -> tuple[str, ...]:
        return self.inner_objective.reads(self.inner)

    @override
    def inner_loss(self, distribution: Distribution, samples: Samples) -> tf.Tensor:
        log_prob, old_log_prob = self.log_prob(distribution, samples), self.old_log_prob(samples)
        return self.inner_objective.loss(log_prob, old_log_prob, samples)

    @override
    def outer_loss(self, distributions: Sequence[Distribution], batches: Sequence[Samples]) -> tf.Tensor:
        after, samples = distributions[-1], batches[-1]
        loss = log_likelihood_loss(self.log_prob(after, samples), samples.advantages, samples.weights)
        if self.exploration:
            before = self.log_prob(distributions[0], batches[0])
            loss += self.exploration_weight * exploration_loss(before, batches[0].weights, samples.adj_avg_rewards)
        return loss

    @override
    def optimize_policy(self, batches: Sequence[Samples]) -> dict[str, float]:
        return first_order_metrics(*self.optimizer.optimize(self.meta_gradient, self.meta_loss, batches))
