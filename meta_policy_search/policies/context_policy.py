"""A Gaussian policy with a context, which alone adapts (CAVIA, Zintgraf et al. 2019)."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from meta_policy_search.policies.base import glorot_uniform
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from meta_policy_search.types import ArrayParams, Params

CONTEXT = "context"


class ContextPolicy(MetaGaussianMLPPolicy):
    """pi(a | s; theta, c) = N(a; mlp_theta(s, c), diag(exp(log_std))^2), with the context c [C] beside the observation.

    For CAVIA give the algorithm adapted=("context",) and not_meta_learned=("context",): every task then begins at c = 0.

    Args:
      context_dim: C.
      settings: of `MetaGaussianMLPPolicy`.
    """

    def __init__(self, obs_dim: int, action_dim: int, *, context_dim: int = 5, **settings):
        self.context_dim = context_dim
        super().__init__(obs_dim, action_dim, **settings)

    def init_params(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        params = super().init_params(rng)
        first = next(iter(params))  # the kernel [O, units] of the first layer
        of_context = glorot_uniform(rng, self.obs_dim + self.context_dim, params[first].shape[1])[: self.context_dim]
        return {**params, first: np.vstack([params[first], of_context]), CONTEXT: np.zeros(self.context_dim)}

    def distribution(self, params: Params, observations: tf.Tensor) -> tfp.distributions.Distribution:
        context = params[CONTEXT]
        if context.shape.rank == 2:  # [N, C] beside observations [N, ..., O]
            context = tf.reshape(context, [-1] + [1] * (len(observations.shape) - 2) + [self.context_dim])
        context = tf.broadcast_to(context, tf.concat([tf.shape(observations)[:-1], [self.context_dim]], axis=0))
        return super().distribution(params, tf.concat([observations, context], axis=-1))

    def act(
        self, params: ArrayParams, observations: np.ndarray, noise: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        context = np.broadcast_to(params[CONTEXT][:, np.newaxis], (*observations.shape[:-1], self.context_dim))
        return super().act(params, np.concatenate([observations, context], axis=-1), noise)
