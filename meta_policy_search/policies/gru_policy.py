"""A Gaussian policy with a gated recurrent unit as its memory, with one set of parameters per task."""

from types import ModuleType
from typing import TypeAlias, Unpack

import numpy as np
import tensorflow as tf
from typing_extensions import override

from meta_policy_search.policies.base import State, glorot_uniform
from meta_policy_search.policies.meta_gaussian_mlp_policy import GaussianSettings, MetaGaussianMLPPolicy
from meta_policy_search.policies.networks import flat_arrays, flat_observations
from meta_policy_search.types import ArrayParams, Params

Array: TypeAlias = np.ndarray | tf.Tensor

KERNEL, RECURRENT, BIAS = "memory/kernel", "memory/recurrent_kernel", "memory/bias"
GATES = 3  # update, reset and candidate, in this order along the last axis of the kernels, as in Keras
ROW_AXIS, TIME_AXIS = 1, 2  # of observations [N, R, T, ...]


class MetaGRUPolicy(MetaGaussianMLPPolicy):
    """pi(a_t | s_0 .. s_t) = N(a_t; mlp_theta(h_t), diag(exp(log_std))^2), h_t = GRU_theta(h_(t-1), s_t), h_(-1) = 0.

    z = sigmoid(s W_z + h U_z + b_z + c_z) and r = sigmoid(s W_r + h U_r + b_r + c_r) with c the second row of the bias,
    h' = z h + (1 - z) tanh(s W_n + b_n + r (h U_n + c_n)): Keras's GRUCell, "reset_after" (Cho et al. 2014, as in cuDNN).

    A row [T] of a sampling round is one course of the memory, whatever episodes are in it.

    Args:
      obs_dim: of one observation.
      action_dim: action size A.
      memory_size: units M of h.
      settings: of `MetaGaussianMLPPolicy`; the perceptron takes h.
    """

    def __init__(
        self, obs_dim: int | tuple[int, ...], action_dim: int, *, memory_size: int = 64, **settings: Unpack[GaussianSettings]
    ):
        self.memory_size = memory_size
        super().__init__(obs_dim, action_dim, **settings)

    @property
    @override
    def input_size(self) -> int:
        return self.memory_size

    @override
    def init_params(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        inputs, units = int(np.prod(self.obs_shape)), self.memory_size
        kernels = [glorot_uniform(rng, inputs, units) for _ in range(GATES)]
        recurrent = [np.linalg.qr(rng.standard_normal((units, units)))[0] for _ in range(GATES)]  # orthogonal
        memory = {KERNEL: np.hstack(kernels), RECURRENT: np.hstack(recurrent), BIAS: np.zeros((2, GATES * units))}
        return {**memory, **super().init_params(rng)}

    @override
    def initial_state(self, batch_shape: tuple[int, ...]) -> State:
        return np.zeros((*batch_shape, self.memory_size), self.dtype.as_numpy_dtype)

    @override
    def act_from_state(
        self, params: ArrayParams, observations: np.ndarray, noise: np.ndarray | None, state: State
    ) -> tuple[np.ndarray, dict[str, np.ndarray], State]:
        inputs, bias = flat_arrays(observations, self.obs_shape), params[BIAS][:, :, np.newaxis]  # [N, 2, 1, 3 M]
        after = _gru_step(np, inputs @ params[KERNEL] + bias[:, 0], state @ params[RECURRENT] + bias[:, 1], state)
        still = np.zeros((*after.shape[:-1], self.action_dim), after.dtype) if noise is None else noise
        return *self.act(params, after, still), after

    @override
    def _input_arrays(self, params: ArrayParams, observations: np.ndarray) -> np.ndarray:
        return observations  # the memory [N, R, M]

    @override
    def _inputs(self, params: Params, observations: tf.Tensor) -> tf.Tensor:
        """The memory [N, R, T, M] after each of the observations [N, R, T, ...]."""
        inputs = flat_observations(observations, self.obs_shape)
        rows, length = tf.shape(inputs)[ROW_AXIS], tf.shape(inputs)[TIME_AXIS]
        kernel, recurrent, bias = params[KERNEL], params[RECURRENT], params[BIAS]
        if kernel.shape.rank == 2:  # [...] for all tasks
            kernel, recurrent, bias = (value[tf.newaxis] for value in (kernel, recurrent, bias))
        flat = tf.reshape(inputs, [tf.shape(inputs)[0], -1, inputs.shape[-1]])  # [N, R T, I]
        projected = tf.matmul(flat, kernel) + bias[:, :1]
        projected = tf.reshape(projected, [-1, rows, length, GATES * self.memory_size])

        def step(state: tf.Tensor, of_inputs: tf.Tensor) -> tf.Tensor:
            return _gru_step(tf, of_inputs, tf.matmul(state, recurrent) + bias[:, 1:], state)

        first = tf.zeros_like(projected[:, :, 0, : self.memory_size])
        states = tf.scan(step, tf.transpose(projected, [2, 0, 1, 3]), first)  # [T, N, R, M]
        return tf.transpose(states, [1, 2, 0, 3])


def _gru_step(xp: ModuleType, of_inputs: Array, of_state: Array, state: Array) -> Array:
    """h' [N, R, M] in numpy or TensorFlow, for s W + b [N, R, 3 M], h U + c [N, R, 3 M] and h [N, R, M]."""
    units = state.shape[-1]
    update, reset = (_sigmoid(xp, of_inputs[..., part] + of_state[..., part]) for part in _gates(units)[:2])
    candidate = xp.tanh(of_inputs[..., 2 * units :] + reset * of_state[..., 2 * units :])
    return update * state + (1 - update) * candidate


def _gates(units: int) -> list[slice]:
    return [slice(gate * units, (gate + 1) * units) for gate in range(GATES)]


def _sigmoid(xp: ModuleType, x: Array) -> Array:
    return 0.5 * (1 + xp.tanh(0.5 * x))  # 1 / (1 + exp(-x)) without overflow
