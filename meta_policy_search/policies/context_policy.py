"""A Gaussian policy with a context, which alone adapts (CAVIA, Zintgraf et al. 2019)."""

import math
from typing import Unpack

import numpy as np
import tensorflow as tf
from typing_extensions import override

from meta_policy_search.policies.base import glorot_uniform
from meta_policy_search.policies.meta_gaussian_mlp_policy import GaussianSettings, MetaGaussianMLPPolicy
from meta_policy_search.types import ArrayParams, Params

CONTEXT = "context"


class ContextPolicy(MetaGaussianMLPPolicy):
    """pi(a | s; theta, c) = N(a; mlp_theta(s, c), diag(exp(log_std))^2), with the context c [C] beside the observation.

    For CAVIA give the algorithm adapted=("context",) and not_meta_learned=("context",): every task then begins at c = 0.

    Args:
      context_dim: C.
      settings: of `MetaGaussianMLPPolicy`.
    """

    def __init__(
        self, obs_dim: int | tuple[int, ...], action_dim: int, *, context_dim: int = 5, **settings: Unpack[GaussianSettings]
    ):
        self.context_dim = context_dim
        super().__init__(obs_dim, action_dim, **settings)

    @override
    def init_params(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        params = super().init_params(rng)
        first = next(iter(params))  # the kernel [O, units] of the first layer
        of_context = glorot_uniform(rng, math.prod(self.obs_shape) + self.context_dim, params[first].shape[1])[
            : self.context_dim
        ]
        return {**params, first: np.vstack([params[first], of_context]), CONTEXT: np.zeros(self.context_dim)}

    @override
    def _inputs(self, params: Params, observations: tf.Tensor) -> tf.Tensor:
        vectors, context = super()._inputs(params, observations), params[CONTEXT]
        if context.shape.rank == 2:  # [N, C] beside vectors [N, ..., O]
            context = tf.reshape(context, [-1] + [1] * (len(vectors.shape) - 2) + [self.context_dim])
        context = tf.broadcast_to(context, tf.concat([tf.shape(vectors)[:-1], [self.context_dim]], axis=0))
        return tf.concat([vectors, context], axis=-1)

    @override
    def _input_arrays(self, params: ArrayParams, observations: np.ndarray) -> np.ndarray:
        vectors = super()._input_arrays(params, observations)
        context = np.broadcast_to(params[CONTEXT][:, np.newaxis], (*vectors.shape[:-1], self.context_dim))
        return np.concatenate([vectors, context], axis=-1)
