"""What every policy offers: a pure map from parameters and observations to an action distribution, and theta itself."""

import abc
import math
from typing import ClassVar

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from meta_policy_search.types import ArrayParams, Params


class MetaPolicy(tf.Module, abc.ABC):
    """A policy with meta-parameters theta, and every adapted copy of it.

    theta lives in variables (`theta`, by name), so optimisers and checkpoints see it; adapted parameters are plain
    tensors with a leading task axis, passed in and out of the methods.

    Attributes:
      closed_form_kl: False where tensorflow_probability knows no KL of two of its distributions, such as mixtures. It is
        then estimated from the recorded actions.
    """

    closed_form_kl: ClassVar[bool] = True

    def __init__(self, rng: np.random.Generator, dtype: tf.DType = tf.float32):
        super().__init__()
        self.dtype = dtype
        self.theta = {
            name: tf.Variable(value, dtype=dtype, name=name.replace("/", "_"))
            for name, value in self.init_params(rng).items()
        }

    @abc.abstractmethod
    def init_params(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Initial parameters by name, in the order that flat parameter vectors use."""

    @abc.abstractmethod
    def distribution(self, params: Params, observations: tf.Tensor) -> tfp.distributions.Distribution:
        """pi_params(. | s). Parameters [N, ...] go with observations [N, ..., O], parameters without task axis with any."""

    @abc.abstractmethod
    def agent_infos(self, distribution: tfp.distributions.Distribution) -> dict[str, tf.Tensor]:
        """The parameters of a distribution, as they are recorded with the samples."""

    @abc.abstractmethod
    def distribution_of(self, agent_infos: dict[str, tf.Tensor]) -> tfp.distributions.Distribution:
        """The distribution with these parameters: the inverse of `agent_infos`."""

    @abc.abstractmethod
    def noise(self, rng: np.random.Generator, batch_shape: tuple[int, ...]) -> np.ndarray:
        """The random numbers that `act` turns into actions, so that all randomness is an argument."""

    @abc.abstractmethod
    def act(
        self, params: ArrayParams, observations: np.ndarray, noise: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Actions [N, R, A] of N policies on observations [N, R, O], and the parameters of their distributions.

        It is called once per time step, where starting a TensorFlow graph costs several times the arithmetic; so it is
        numpy, and a test holds it to `distribution`. Parameters [N, ...].
        """

    @abc.abstractmethod
    def diagnostics(self, agent_infos: dict[str, np.ndarray], mask: np.ndarray) -> dict[str, float]:
        """What the log says of the distributions that acted."""

    def behaviour_distribution(self, agent_infos: dict[str, tf.Tensor]) -> tfp.distributions.Distribution:
        """The distribution that acted, from what was recorded of it. It is data: no gradient flows into it."""
        return self.distribution_of({name: tf.stop_gradient(value) for name, value in agent_infos.items()})

    def stacked_theta(self, n_tasks: int) -> dict[str, tf.Tensor]:
        """theta copied along a leading task axis, [N, ...]: every task starts its adaptation from the same point."""
        return stack_params(self.theta, n_tasks)


def stack_params(params: Params, n_tasks: int) -> dict[str, tf.Tensor]:
    """Each parameter [...] repeated to [N, ...]."""
    return {name: tf.repeat(value[tf.newaxis], n_tasks, axis=0) for name, value in params.items()}


def glorot_uniform(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """A [fan_in, fan_out] kernel, U(-l, l) with l = sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)."""
    limit = math.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, (fan_in, fan_out))
