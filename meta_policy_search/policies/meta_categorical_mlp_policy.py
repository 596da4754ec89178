"""The policy for discrete actions, with one set of parameters per task."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from typing_extensions import override

from meta_policy_search.policies.base import Distribution, MetaPolicy
from meta_policy_search.policies.networks import (
    flat_arrays,
    flat_observations,
    init_mlp,
    mlp,
    mlp_array,
    require_nonlinearity,
)
from meta_policy_search.types import ArrayParams, Params

tfd = tfp.distributions

SCOPE = "logits_network"


class MetaCategoricalMLPPolicy(MetaPolicy):
    """pi_theta(a | s) = softmax(mlp_theta(s))_a.

    Args:
      obs_dim: of one observation, its size O or its shape; the network takes it as one vector.
      n_actions: number of actions A; an action is an integer from 0 to A - 1.
      hidden_sizes: units of the hidden layers.
      hidden_nonlinearity: between the layers, one of `networks.NONLINEARITIES`.
      rng: draws the initial weights, Glorot uniform; biases start at 0.
    """

    def __init__(
        self,
        obs_dim: int | tuple[int, ...],
        n_actions: int,
        hidden_sizes: tuple[int, ...] = (32, 32),
        hidden_nonlinearity: str = "tanh",
        *,
        rng: np.random.Generator,
        dtype: tf.DType = tf.float32,
    ):
        require_nonlinearity(hidden_nonlinearity)
        self.obs_dim, self.n_actions = obs_dim, n_actions
        self.hidden_sizes, self.hidden_nonlinearity = tuple(hidden_sizes), hidden_nonlinearity
        super().__init__(rng, dtype)

    @override
    def init_params(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        return init_mlp(rng, SCOPE, math.prod(self.obs_shape), self.hidden_sizes, self.n_actions)

    @override
    def distribution(self, params: Params, observations: tf.Tensor) -> Distribution:
        inputs = flat_observations(observations, self.obs_shape)
        return tfd.Categorical(mlp(params, SCOPE, inputs, len(self.hidden_sizes), self.hidden_nonlinearity))

    @override
    def agent_infos(self, distribution: Distribution) -> dict[str, tf.Tensor]:
        return {"logits": distribution.logits}

    @override
    def distribution_of(self, agent_infos: dict[str, tf.Tensor]) -> Distribution:
        return tfd.Categorical(agent_infos["logits"])

    @override
    def noise(self, rng: np.random.Generator, batch_shape: tuple[int, ...]) -> np.ndarray:
        return rng.gumbel(size=(*batch_shape, self.n_actions))

    @override
    def act(
        self, params: ArrayParams, observations: np.ndarray, noise: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Actions [N, R] int32: argmax(logits + Gumbel noise) is a draw from the softmax of the logits."""
        inputs = flat_arrays(observations, self.obs_shape)
        logits = mlp_array(params, SCOPE, inputs, len(self.hidden_sizes), self.hidden_nonlinearity)
        return np.argmax(logits + noise, axis=-1).astype(np.int32), {"logits": logits}

    @override
    def diagnostics(self, agent_infos: dict[str, np.ndarray], mask: np.ndarray) -> dict[str, float]:
        """The mean entropy of the distributions that acted, in nats."""
        log_prob = agent_infos["logits"][mask].astype(np.float64)
        log_prob -= np.logaddexp.reduce(log_prob, axis=-1, keepdims=True)
        return {"AveragePolicyEntropy": float(-np.sum(np.exp(log_prob) * log_prob, axis=-1).mean())}
