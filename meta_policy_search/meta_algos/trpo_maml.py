"""TRPO-MAML, E-MAML-TRPO and LVC-TRPO: a trust region around the adapted policies."""

from collections.abc import Sequence
from typing import Unpack

import tensorflow as tf
from typing_extensions import override

from meta_policy_search.choices import InnerType
from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.meta_algos.inner_loop import InnerSettings
from meta_policy_search.meta_algos.inner_objective import InnerObjective
from meta_policy_search.meta_algos.objectives import (
    exploration_loss,
    likelihood_ratio_loss,
)
from meta_policy_search.optimizers.conjugate_gradient_optimizer import ConjugateGradientOptimizer, ConjugateGradientSettings
from meta_policy_search.policies.base import Distribution, MetaPolicy
from meta_policy_search.types import Samples


class TRPOSettings(InnerSettings, total=False):
    """Settings of `TRPOMAML` by name."""

    step_size: float
    inner_type: InnerType
    loaded_dice_lambda: float
    exploration: bool
    exploration_weight: float
    optimizer: ConjugateGradientSettings | None


class TRPOMAML(MAMLAlgo):
    """maximise J^LR(theta') [+ E-MAML's term] subject to mean_i KL(pi_old^K || pi_theta'_i) <= step_size.

    | paper name | inner_type | exploration |
    |---|---|---|
    | TRPO-MAML (Finn et al. 2017) | log_likelihood | False |
    | E-MAML-TRPO (Stadie et al. 2018) | log_likelihood | True |
    | LVC-TRPO | likelihood_ratio | False |
    | TRPO-DiCE (DiCE in the adaptation only) | dice | False |

    Args:
      step_size: delta > 0, in nats.
      inner_type: the objective of the adaptation; "dice" needs the samples of `DiceSampleProcessor` with a return baseline.
      loaded_dice_lambda: lambda in [0, 1], of inner_type "loaded_dice": 0 is LVC, 1 DiCE with a baseline.
      exploration: add formulation II's credit for the pre-update behaviour.
      exploration_weight: factor of that term; 1 is the original's mean over rollouts, their number R the sum.
      optimizer: settings of `ConjugateGradientOptimizer`, such as hvp="finite_difference".
      inner: `inner`, an `InnerLoop`, or fields of it by name, such as inner_lr and num_inner_grad_steps.
    """

    def __init__(
        self,
        policy: MetaPolicy,
        *,
        step_size: float = 0.01,
        inner_type: InnerType = "likelihood_ratio",
        loaded_dice_lambda: float = 1.0,
        exploration: bool = False,
        exploration_weight: float = 1.0,
        optimizer: ConjugateGradientSettings | None = None,
        **inner: Unpack[InnerSettings],
    ):
        super().__init__(policy, **inner)
        self.inner_objective = InnerObjective(inner_type, loaded_dice_lambda)
        if exploration:
            self.inner.require_steps("exploration credits the behaviour before adaptation")
        self.exploration, self.exploration_weight = exploration, exploration_weight
        self.optimizer = ConjugateGradientOptimizer(self, step_size, **(optimizer or {}))

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
        loss = likelihood_ratio_loss(
            self.log_prob(after, samples), self.old_log_prob(samples), samples.advantages, samples.weights
        )
        if self.exploration:
            before = self.log_prob(distributions[0], batches[0])
            loss += self.exploration_weight * exploration_loss(before, batches[0].weights, samples.adj_avg_rewards)
        return loss

    @override
    def optimize_policy(self, batches: Sequence[Samples]) -> dict[str, float]:
        return self.optimizer.optimize(batches)
