"""What every policy offers: a pure map from parameters and observations to an action distribution, and theta itself."""

import abc
import math
from collections.abc import Sequence
from typing import ClassVar, TypeAlias

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from meta_policy_search.types import ArrayParams, Params
from meta_policy_search.utils.compiled import Nest, compiled

Distribution: TypeAlias = tfp.distributions.Distribution

State: TypeAlias = Nest  # of a policy with a memory: arrays [N, R, ...]


class MetaPolicy(tf.Module, abc.ABC):
    """A policy with meta-parameters theta, and every adapted copy of it.

    theta lives in variables (`theta`, by name), so optimisers and checkpoints see it; adapted parameters are plain
    tensors with a leading task axis, passed in and out of the methods.

    A subclass declares `obs_dim` and defines the first four methods below; it then trains, acts and can be exported. The
    others have defaults that evaluate `distribution` in TensorFlow; a policy that acts in numpy is some times faster. Where
    the network is a multi-layer perceptron, begin with `MLPPolicy`.

    A policy with a memory, such as a recurrent network, overrides `initial_state` and `act_from_state`, by which samplers
    and `Actor` make every step. The state is kept from step to step of a sampling round, also where an episode ends and
    the next one begins (as in RL2, Duan et al. 2016); what it depends on besides (the last action and reward, whether an
    episode begins) must be in the observations, by a wrapper around the environment. `distribution` then runs the
    network over the time axis of its observations [N, R, T, ...], from the initial state on.

    Attributes:
      obs_dim: of one observation, its size O or its shape, such as (64, 64, 3). Observations arrive in this shape, [N, R, T,
        64, 64, 3] in training.
      closed_form_kl: False where tensorflow_probability knows no KL of two of its distributions, such as mixtures. It is
        then estimated from the recorded actions.
    """

    obs_dim: int | tuple[int, ...]
    closed_form_kl: ClassVar[bool] = True

    def __init__(self, rng: np.random.Generator, dtype: tf.DType = tf.float32):
        super().__init__()
        self.dtype = dtype
        self.theta = {
            name: tf.Variable(value, dtype=dtype, name=name.replace("/", "_"))
            for name, value in self.init_params(rng).items()
        }

    @property
    def obs_shape(self) -> tuple[int, ...]:
        """The shape of one observation."""
        return tuple(self.obs_dim) if isinstance(self.obs_dim, Sequence) else (int(self.obs_dim),)

    @abc.abstractmethod
    def init_params(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Initial parameters by name, in the order that flat parameter vectors use."""

    @abc.abstractmethod
    def distribution(self, params: Params, observations: tf.Tensor) -> Distribution:
        """pi_params(. | s). Parameters [N, ...] go with observations [N, ..., O], parameters without task axis with any."""

    @abc.abstractmethod
    def agent_infos(self, distribution: Distribution) -> dict[str, tf.Tensor]:
        """The parameters of a distribution, as they are recorded with the samples."""

    @abc.abstractmethod
    def distribution_of(self, agent_infos: dict[str, tf.Tensor]) -> Distribution:
        """The distribution with these parameters: the inverse of `agent_infos`."""

    def diagnostics(self, agent_infos: dict[str, np.ndarray], mask: np.ndarray) -> dict[str, float]:
        """What the log says of the distributions that acted; by default nothing."""
        return {}

    def noise(self, rng: np.random.Generator, batch_shape: tuple[int, ...]) -> np.ndarray:
        """The random numbers that `act` turns into actions, so that all randomness is an argument.

        By default the seeds of draws by TensorFlow, [..., 2] int32.
        """
        return rng.integers(2**31, size=(*batch_shape, 2), dtype=np.int32)

    def act(
        self, params: ArrayParams, observations: np.ndarray, noise: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Actions [N, R, A] of N policies on observations [N, R, O], and the parameters of their distributions.

        It is called once per time step. By default the distributions are evaluated and sampled in TensorFlow, one task
        after the other, so that a task's draws are the same wherever it is simulated. To start a graph costs several
        times the arithmetic of a small network, so the package's own policies act in numpy, and a test holds them to
        `distribution`. Parameters [N, ...].
        """
        actions, agent_infos = self._draw(*tf.nest.map_structure(tf.convert_to_tensor, (params, observations, noise[:, 0])))
        return actions.numpy(), {name: value.numpy() for name, value in agent_infos.items()}

    def mode(self, params: ArrayParams, observations: np.ndarray) -> np.ndarray:
        """The most probable actions [N, R, A] of N policies on observations [N, R, O], for acting without chance."""
        return self._modes(*tf.nest.map_structure(tf.convert_to_tensor, (params, observations))).numpy()

    def mode_of(self, distribution: Distribution) -> tf.Tensor:
        """The most probable action. A policy whose distribution has no `mode()`, such as a mixture, defines it here."""
        return distribution.mode()

    def initial_state(self, batch_shape: tuple[int, ...]) -> State:
        """What a policy with a memory begins a sampling round with, a nest of arrays [N, R, ...]; () without a memory."""
        return ()

    def act_from_state(
        self, params: ArrayParams, observations: np.ndarray, noise: np.ndarray | None, state: State
    ) -> tuple[np.ndarray, dict[str, np.ndarray], State]:
        """`act` for one step of a policy with a memory: actions and distributions as there, and the state after it.

        Args:
          noise: None for the most probable actions; the parameters of the distributions may then be left out.
          state: that of the step before, or `initial_state((N, R))`.
        """
        if noise is None:
            return self.mode(params, observations), {}, state
        return *self.act(params, observations, noise), state

    @compiled
    def _draw(self, params: Params, observations: tf.Tensor, seeds: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Actions [N, R, A] by the seeds [N, 2] of the tasks, and the parameters of their distributions [N, R, ...]."""

        def of_task(task: tuple[Params, tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            own, observed, seed = task
            alone = {name: value[tf.newaxis] for name, value in own.items()}
            distribution = self.distribution(alone, observed[tf.newaxis])
            agent_infos = self.agent_infos(distribution)
            return distribution.sample(seed=seed)[0], {name: value[0] for name, value in agent_infos.items()}

        distribution = self.distribution(params, observations)  # tells the types
        types = distribution.dtype, {name: value.dtype for name, value in self.agent_infos(distribution).items()}
        return tf.map_fn(of_task, (params, observations, seeds), fn_output_signature=types)

    @compiled
    def _modes(self, params: Params, observations: tf.Tensor) -> tf.Tensor:
        return self.mode_of(self.distribution(params, observations))

    def behaviour_distribution(self, agent_infos: dict[str, tf.Tensor]) -> Distribution:
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
