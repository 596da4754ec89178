"""PPO in each task alone: what a policy can do without a meta-policy, or from one on, given enough rollouts."""

import numpy as np
import tensorflow as tf

from meta_policy_search.meta_algos.base import MAMLAlgo, gradients_of
from meta_policy_search.meta_algos.objectives import clipped_ratio_loss
from meta_policy_search.optimizers.maml_first_order_optimizer import MAMLFirstOrderOptimizer
from meta_policy_search.types import Params, Samples
from meta_policy_search.utils.compiled import compiled, each_task


class PerTaskPPO(tf.Module):
    """theta_i <- theta_i - beta Adam(grad -J_i^CLIP(theta_i)), `epochs` steps on each batch, for N tasks that share nothing.

    Adam works on each number alone, so one optimiser of the parameters [N, ...] is N optimisers.

    Args:
      algo: any of the policy's, whose log-probabilities it takes.
      params: to begin with, [N, ...] by name.
      learning_rate: beta > 0.
      clip_eps: epsilon > 0.
      epochs: steps of Adam on each batch.
    """

    def __init__(
        self,
        algo: MAMLAlgo,
        params: Params,
        *,
        learning_rate: float = 1e-3,
        clip_eps: float = 0.3,
        epochs: int = 5,
    ):
        super().__init__()
        self.algo, self.clip_eps, self.epochs = algo, clip_eps, epochs
        self.params = {name: tf.Variable(value) for name, value in params.items()}
        self.optimizer = MAMLFirstOrderOptimizer(self.params, learning_rate)

    def optimize(self, samples: Samples) -> None:
        """Move the parameters on samples that they drew.

        Raises:
          FloatingPointError: it made one NaN or infinite.
        """
        samples = tf.nest.map_structure(tf.convert_to_tensor, samples)
        for _ in range(self.epochs):
            params = {name: tf.convert_to_tensor(value) for name, value in self.params.items()}
            self.optimizer.apply(self._gradient(params, samples))
        for name, value in self.params.items():
            if not np.isfinite(value.numpy()).all():
                raise FloatingPointError(f"PPO made {name} NaN or infinite")

    @compiled(join=each_task)
    def _gradient(self, params: Params, samples: Samples) -> dict[str, tf.Tensor]:
        """Of each task's loss, [N, ...]."""
        with tf.GradientTape() as tape:
            tape.watch(params)
            log_prob = self.algo.log_prob(self.algo.policy.distribution(params, samples.observations), samples)
            old = self.algo.old_log_prob(samples)
            losses = clipped_ratio_loss(log_prob, old, samples.advantages, samples.weights, self.clip_eps)
            loss = tf.reduce_sum(losses)
        return gradients_of(tape, loss, params)
