"""A base for policies whose network is a multi-layer perceptron, whatever its distribution."""

import abc
import math
from typing import ClassVar

import numpy as np
import tensorflow as tf
from typing_extensions import override

from meta_policy_search.policies.base import Distribution, MetaPolicy
from meta_policy_search.policies.networks import flat_observations, init_mlp, mlp, require_nonlinearity
from meta_policy_search.types import Params


class MLPPolicy(MetaPolicy):
    """pi_theta(a | s) = head(mlp_theta(s)): a subclass says how many outputs the network has, and what they mean.

    A policy of Beta distributions on the normalised actions [-10, 10]:

        class BetaPolicy(MLPPolicy):
            def __init__(self, obs_dim, action_dim, **settings):
                super().__init__(obs_dim, 2 * action_dim, **settings)

            def head(self, outputs):
                a, b = tf.split(1 + tf.nn.softplus(outputs), 2, axis=-1)
                low, size = np.array([-10, 20], self.dtype.as_numpy_dtype)
                return tfd.Independent(tfb.Shift(low)(tfb.Scale(size)(tfd.Beta(a, b))), 1)

    Another network takes the place of the perceptron by overriding `init_params` and `network`; one that knows nothing of
    the task axis, such as a convolution, is applied by `networks.task_by_task`.

    Args:
      obs_dim: of one observation, its size O or its shape; the perceptron takes it as one vector.
      n_outputs: of the network.
      hidden_sizes: units of the hidden layers.
      hidden_nonlinearity: between the layers, one of `networks.NONLINEARITIES`.
      rng: draws the initial weights, Glorot uniform; biases start at 0.

    Attributes:
      scope: the first part of the parameters' names.
      recorded_as: the name of the outputs among the `agent_infos`.
    """

    scope: ClassVar[str] = "network"
    recorded_as: ClassVar[str] = "outputs"

    def __init__(
        self,
        obs_dim: int | tuple[int, ...],
        n_outputs: int,
        hidden_sizes: tuple[int, ...] = (32, 32),
        hidden_nonlinearity: str = "tanh",
        *,
        rng: np.random.Generator,
        dtype: tf.DType = tf.float32,
    ):
        require_nonlinearity(hidden_nonlinearity)
        self.obs_dim, self.n_outputs = obs_dim, n_outputs
        self.hidden_sizes, self.hidden_nonlinearity = tuple(hidden_sizes), hidden_nonlinearity
        super().__init__(rng, dtype)

    @abc.abstractmethod
    def head(self, outputs: tf.Tensor) -> Distribution:
        """The distribution of actions that outputs [..., n_outputs] of the network stand for."""

    @override
    def init_params(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        return init_mlp(rng, self.scope, math.prod(self.obs_shape), self.hidden_sizes, self.n_outputs)

    def network(self, params: Params, observations: tf.Tensor) -> tf.Tensor:
        """The outputs [..., n_outputs] for observations [..., *obs_shape]; parameters as in `distribution`."""
        vectors = flat_observations(observations, self.obs_shape)
        return mlp(params, self.scope, vectors, len(self.hidden_sizes), self.hidden_nonlinearity)

    @override
    def distribution(self, params: Params, observations: tf.Tensor) -> Distribution:
        return self._with_outputs(self.network(params, observations))

    @override
    def agent_infos(self, distribution: Distribution) -> dict[str, tf.Tensor]:
        return {self.recorded_as: distribution.outputs}

    @override
    def distribution_of(self, agent_infos: dict[str, tf.Tensor]) -> Distribution:
        return self._with_outputs(agent_infos[self.recorded_as])

    def _with_outputs(self, outputs: tf.Tensor) -> Distribution:
        """`head`, with the outputs as an attribute of what it makes: that is what is recorded of it."""
        distribution = self.head(outputs)
        distribution.outputs = outputs
        return distribution
