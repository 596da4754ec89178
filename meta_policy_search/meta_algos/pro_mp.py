"""ProMP: proximal meta-policy search (Rothfuss et al. 2018, equation 7 and algorithm 1)."""

from collections.abc import Sequence
from typing import Unpack

import keras
import tensorflow as tf
from typing_extensions import override

from meta_policy_search.choices import InnerType
from meta_policy_search.meta_algos.base import MAMLAlgo, first_order_metrics
from meta_policy_search.meta_algos.inner_loop import InnerSettings
from meta_policy_search.meta_algos.inner_objective import InnerObjective
from meta_policy_search.meta_algos.objectives import clipped_ratio_loss
from meta_policy_search.optimizers.maml_first_order_optimizer import LearningRateSchedule, MAMLFirstOrderOptimizer
from meta_policy_search.policies.base import Distribution, MetaPolicy
from meta_policy_search.types import Samples


class ProMP(MAMLAlgo):
    """maximise J^CLIP(theta') - mean_k eta_k KL(pi_old^k || pi_theta^k), theta' = theta + alpha grad J^LR(theta).

    Args:
      learning_rate: beta, of Adam; a number, or a schedule of Keras over its steps.
      optimizer: of Keras, new, instead of Adam and learning_rate.
      num_promp_steps: meta-gradient steps on the same samples.
      clip_eps: epsilon > 0 of the clipped likelihood ratio after adaptation.
      init_inner_kl_penalty: eta >= 0, for each of the K inner steps.
      adaptive_inner_kl_penalty: after every iteration halve eta_k where the KL is below target_inner_step / 1.5, and
        double it where it is above 1.5 * target_inner_step.
      target_inner_step: that target, in nats.
      anneal_factor: factor on clip_eps after every iteration; 1 keeps it. The original has the option, but no effect of it.
      num_minibatches: meta-gradient steps per pass over the tasks; a minibatch is a slice of the tasks.
      inner_type: the objective of the adaptation; the paper's is "likelihood_ratio".
      loaded_dice_lambda: lambda in [0, 1], of inner_type "loaded_dice": 0 is LVC, 1 DiCE with a baseline.
      inner: `inner`, an `InnerLoop`, or fields of it by name, such as inner_lr and num_inner_grad_steps.
    """

    def __init__(
        self,
        policy: MetaPolicy,
        *,
        learning_rate: float | LearningRateSchedule = 1e-3,
        optimizer: keras.optimizers.Optimizer | None = None,
        num_promp_steps: int = 5,
        clip_eps: float = 0.2,
        init_inner_kl_penalty: float = 1e-2,
        adaptive_inner_kl_penalty: bool = True,
        target_inner_step: float = 0.01,
        anneal_factor: float = 1.0,
        num_minibatches: int = 1,
        inner_type: InnerType = "likelihood_ratio",
        loaded_dice_lambda: float = 1.0,
        **inner: Unpack[InnerSettings],
    ):
        super().__init__(policy, **inner)
        self.inner_objective = InnerObjective(inner_type, loaded_dice_lambda)
        self.adaptive_inner_kl_penalty = adaptive_inner_kl_penalty
        self.target_inner_step = target_inner_step
        self.anneal_factor = anneal_factor
        self.inner_kl_coeff = tf.Variable([init_inner_kl_penalty] * self.num_inner_grad_steps, dtype=policy.dtype)
        self.clip_eps = tf.Variable(clip_eps, dtype=policy.dtype)
        self.optimizer = MAMLFirstOrderOptimizer(self.theta, learning_rate, num_promp_steps, num_minibatches, optimizer)

    @property
    @override
    def reads(self) -> tuple[str, ...]:
        return self.inner_objective.reads(self.inner)

    @override
    def inner_loss(self, distribution: Distribution, samples: Samples) -> tf.Tensor:
        return self.inner_objective.loss(self.log_prob(distribution, samples), self.old_log_prob(samples), samples)

    @override
    def outer_loss(self, distributions: Sequence[Distribution], batches: Sequence[Samples]) -> tf.Tensor:
        after, samples = distributions[-1], batches[-1]
        return clipped_ratio_loss(
            self.log_prob(after, samples), self.old_log_prob(samples), samples.advantages, samples.weights, self.clip_eps
        )

    @override
    def penalty(self, inner_kl: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(self.inner_kl_coeff * inner_kl) if self.num_inner_grad_steps else super().penalty(inner_kl)

    @override
    def optimize_policy(self, batches: Sequence[Samples]) -> dict[str, float]:
        before, after = self.optimizer.optimize(self.meta_gradient, self.meta_loss, batches)
        if self.adaptive_inner_kl_penalty:
            self.inner_kl_coeff.assign(adapt_kl_coeff(self.inner_kl_coeff, after.inner_kl, self.target_inner_step))
        self.clip_eps.assign(self.anneal_factor * self.clip_eps)
        kl_coeff = {"KLCoeffInner": float(tf.reduce_mean(self.inner_kl_coeff))} if self.num_inner_grad_steps else {}
        return {**first_order_metrics(before, after), **kl_coeff}


def adapt_kl_coeff(kl_coeff: tf.Tensor, kl: tf.Tensor, kl_target: float) -> tf.Tensor:
    """eta / 2 where KL < target / 1.5, 2 eta where KL > 1.5 target, else eta (PPO's adaptive penalty); [K]."""
    return tf.where(kl < kl_target / 1.5, kl_coeff / 2, tf.where(kl > kl_target * 1.5, kl_coeff * 2, kl_coeff))
