"""TRPO in each task alone, beside `PerTaskPPO`."""

import numpy as np
import tensorflow as tf

from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.optimizers.conjugate_gradient_optimizer import assign
from meta_policy_search.policies.base import MetaPolicy
from meta_policy_search.types import Params, Samples


class PerTaskTRPO(tf.Module):
    """One TRPO step of each task's own parameters on each batch (Schulman et al. 2015), for N tasks that share nothing.

    A step is that of `TRPOMAML` without inner steps, of one task after another.

    Args:
      policy: whose distribution it takes; its theta is left as it is.
      params: to begin with, [N, ...] by name.
      step_size: delta > 0, in nats.
    """

    def __init__(self, policy: MetaPolicy, params: Params, *, step_size: float = 0.01):
        super().__init__()
        self.algo = TRPOMAML(policy, num_inner_grad_steps=0, step_size=step_size)
        self.params = {name: tf.Variable(value) for name, value in params.items()}

    def optimize(self, samples: Samples) -> None:
        """Move the parameters on samples that they drew; those of a task without a better point in reach stay.

        Raises:
          FloatingPointError: a gradient is NaN or infinite.
        """
        theta = self.algo.policy.theta
        meta_policy = {name: tf.identity(value) for name, value in theta.items()}
        try:
            for task in range(samples.weights.shape[0]):
                assign(theta, {name: value[task] for name, value in self.params.items()})
                self.algo.optimize_policy([tf.nest.map_structure(lambda x, n=task: np.asarray(x)[n : n + 1], samples)])
                for name, value in theta.items():
                    self.params[name][task].assign(value)
        finally:
            assign(theta, meta_policy)
