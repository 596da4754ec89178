"""The policy for discrete actions, with one set of parameters per task."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from typing_extensions import override

from meta_policy_search.policies.base import Distribution
from meta_policy_search.policies.mlp_policy import MLPPolicy
from meta_policy_search.policies.networks import flat_arrays, mlp_array
from meta_policy_search.types import ArrayParams

tfd = tfp.distributions


class MetaCategoricalMLPPolicy(MLPPolicy):
    """pi_theta(a | s) = softmax(mlp_theta(s))_a.

    Args:
      obs_dim: of one observation, its size O or its shape; the network takes it as one vector.
      n_actions: number of actions A; an action is an integer from 0 to A - 1.
      hidden_sizes: units of the hidden layers.
      hidden_nonlinearity: between the layers, one of `networks.NONLINEARITIES`.
      rng: draws the initial weights, Glorot uniform; biases start at 0.
    """

    scope = "logits_network"
    recorded_as = "logits"

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
        self.n_actions = n_actions
        super().__init__(obs_dim, n_actions, hidden_sizes, hidden_nonlinearity, rng=rng, dtype=dtype)

    @override
    def head(self, outputs: tf.Tensor) -> Distribution:
        return tfd.Categorical(outputs)

    @override
    def noise(self, rng: np.random.Generator, batch_shape: tuple[int, ...]) -> np.ndarray:
        return rng.gumbel(size=(*batch_shape, self.n_actions))

    @override
    def act(
        self, params: ArrayParams, observations: np.ndarray, noise: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Actions [N, R] int32: argmax(logits + Gumbel noise) is a draw from the softmax of the logits."""
        inputs = flat_arrays(observations, self.obs_shape)
        logits = mlp_array(params, self.scope, inputs, len(self.hidden_sizes), self.hidden_nonlinearity)
        return np.argmax(logits + noise, axis=-1).astype(np.int32), {"logits": logits}

    @override
    def diagnostics(self, agent_infos: dict[str, np.ndarray], mask: np.ndarray) -> dict[str, float]:
        """The mean entropy of the distributions that acted, in nats."""
        log_prob = agent_infos["logits"][mask].astype(np.float64)
        log_prob -= np.logaddexp.reduce(log_prob, axis=-1, keepdims=True)
        return {"AveragePolicyEntropy": float(-np.sum(np.exp(log_prob) * log_prob, axis=-1).mean())}
