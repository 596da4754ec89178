"""The Gaussian policy of the paper, with one set of parameters per task."""

import math
from typing import Required, TypedDict

import numpy as np
import tensorflow as tf
from typing_extensions import override

from meta_policy_search.policies.base import Distribution, MetaPolicy
from meta_policy_search.policies.diagonal_gaussian import DiagonalGaussian
from meta_policy_search.policies.networks import (
    flat_arrays,
    flat_observations,
    init_mlp,
    mlp,
    mlp_array,
    require_nonlinearity,
)
from meta_policy_search.types import ArrayParams, Params

LOG_STD = "log_std_network/log_std_var"


class GaussianSettings(TypedDict, total=False):
    """Settings of `MetaGaussianMLPPolicy` by name."""

    hidden_sizes: tuple[int, ...]
    hidden_nonlinearity: str
    learn_std: bool
    init_std: float
    min_std: float
    rng: Required[np.random.Generator]
    dtype: tf.DType


class MetaGaussianMLPPolicy(MetaPolicy):
    """pi_theta(a | s) = N(a; mlp_theta(s), diag(exp(log_std))^2), log_std independent of the state.

    Args:
      obs_dim: of one observation, its size O or its shape; the network takes it as one vector.
      action_dim: action size A.
      hidden_sizes: units of the hidden layers (paper: 64, 64; humanoid 128, 128).
      hidden_nonlinearity: between the layers, one of `networks.NONLINEARITIES`.
      learn_std: False fixes log_std at log(init_std); it is then no parameter, and neither adapted nor optimised.
      init_std: initial standard deviation, in the units of the normalised action (a twentieth of the environment's range).
      min_std: floor of the standard deviation, wherever the distribution is used. The original floors only the
        distribution of the meta-parameters, not the adapted ones; with realistic values neither ever bites.
      rng: draws the initial weights, Glorot uniform; biases start at 0.
    """

    def __init__(
        self,
        obs_dim: int | tuple[int, ...],
        action_dim: int,
        hidden_sizes: tuple[int, ...] = (32, 32),
        hidden_nonlinearity: str = "tanh",
        learn_std: bool = True,
        init_std: float = 1.0,
        min_std: float = 1e-6,
        *,
        rng: np.random.Generator,
        dtype: tf.DType = tf.float32,
    ):
        require_nonlinearity(hidden_nonlinearity)
        self.obs_dim, self.action_dim = obs_dim, action_dim
        self.hidden_sizes = tuple(hidden_sizes)
        self.hidden_nonlinearity = hidden_nonlinearity
        self.learn_std, self.init_log_std, self.min_log_std = learn_std, math.log(init_std), math.log(min_std)
        super().__init__(rng, dtype)

    @property
    def input_size(self) -> int:
        """Of what the network takes."""
        return math.prod(self.obs_shape)

    @override
    def init_params(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        params = init_mlp(rng, "mean_network", self.input_size, self.hidden_sizes, self.action_dim)
        if self.learn_std:
            params[LOG_STD] = np.full((1, self.action_dim), self.init_log_std)
        return params

    @override
    def distribution(self, params: Params, observations: tf.Tensor) -> Distribution:
        inputs = self._inputs(params, observations)
        mean = mlp(params, "mean_network", inputs, len(self.hidden_sizes), self.hidden_nonlinearity)
        log_std = params[LOG_STD] if self.learn_std else tf.constant(self.init_log_std, mean.dtype, [1, self.action_dim])
        log_std = tf.maximum(log_std, tf.constant(self.min_log_std, mean.dtype))  # tf.cast would round it to float32
        if log_std.shape.rank == 3:  # [N, 1, A] beside a mean of [N, ..., A]
            log_std = tf.reshape(log_std, [-1] + [1] * (mean.shape.rank - 2) + [self.action_dim])
        return DiagonalGaussian(mean, log_std)

    @override
    def agent_infos(self, distribution: Distribution) -> dict[str, tf.Tensor]:
        mean, log_std = distribution.loc, distribution.log_std
        return {"mean": mean, "log_std": tf.broadcast_to(log_std, tf.shape(mean))}

    @override
    def distribution_of(self, agent_infos: dict[str, tf.Tensor]) -> Distribution:
        return DiagonalGaussian(agent_infos["mean"], agent_infos["log_std"])

    @override
    def noise(self, rng: np.random.Generator, batch_shape: tuple[int, ...]) -> np.ndarray:
        return rng.standard_normal((*batch_shape, self.action_dim), dtype=np.float32)

    @override
    def act(
        self, params: ArrayParams, observations: np.ndarray, noise: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        inputs = self._input_arrays(params, observations)
        mean = mlp_array(params, "mean_network", inputs, len(self.hidden_sizes), self.hidden_nonlinearity)
        log_std = params[LOG_STD] if self.learn_std else np.asarray(self.init_log_std, mean.dtype)
        log_std = np.maximum(log_std, np.asarray(self.min_log_std, mean.dtype))
        return mean + np.exp(log_std) * noise, {"mean": mean, "log_std": np.broadcast_to(log_std, mean.shape)}

    @override
    def diagnostics(self, agent_infos: dict[str, np.ndarray], mask: np.ndarray) -> dict[str, float]:
        return {"AveragePolicyStd": float(np.mean(np.exp(agent_infos["log_std"][mask]), dtype=np.float64))}

    def _inputs(self, params: Params, observations: tf.Tensor) -> tf.Tensor:
        """What the network takes, [..., I]."""
        return flat_observations(observations, self.obs_shape)

    def _input_arrays(self, params: ArrayParams, observations: np.ndarray) -> np.ndarray:
        """`_inputs` in numpy, for parameters [N, ...] and observations [N, R, O]."""
        return flat_arrays(observations, self.obs_shape)
