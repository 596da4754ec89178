"""Multi-layer perceptrons as pure functions of named parameters."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from meta_policy_search.policies.base import glorot_uniform
from meta_policy_search.types import ArrayParams, Params


class Nonlinearity(NamedTuple):
    """One function twice: differentiable, and for acting."""

    tensor: Callable[[tf.Tensor], tf.Tensor]
    array: Callable[[np.ndarray], np.ndarray]


NONLINEARITIES = {
    "tanh": Nonlinearity(tf.tanh, np.tanh),
    "relu": Nonlinearity(tf.nn.relu, lambda x: np.maximum(x, 0)),
    "elu": Nonlinearity(tf.nn.elu, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
}


def require_nonlinearity(name: str) -> None:
    """Raise ValueError for a name that is none of NONLINEARITIES."""
    if name not in NONLINEARITIES:
        raise ValueError(f"hidden_nonlinearity is {name!r}; it can be one of {', '.join(NONLINEARITIES)}")


def init_mlp(
    rng: np.random.Generator, scope: str, input_size: int, hidden_sizes: tuple[int, ...], output_size: int
) -> dict[str, np.ndarray]:
    """Glorot-uniform kernels [in, out], zero biases [out], named `<scope>/hidden_<i>/kernel` ... `<scope>/output/bias`."""
    params = {}
    sizes = (input_size, *hidden_sizes, output_size)
    for layer, fan_in, fan_out in zip(_layers(len(hidden_sizes)), sizes[:-1], sizes[1:], strict=True):
        params[f"{scope}/{layer}/kernel"] = glorot_uniform(rng, fan_in, fan_out)
        params[f"{scope}/{layer}/bias"] = np.zeros(fan_out)
    return params


def mlp(params: Params, scope: str, inputs: tf.Tensor, n_hidden: int, nonlinearity: str) -> tf.Tensor:
    """y = h W + b with tanh (or another nonlinearity) between the layers and a linear output.

    Kernels [in, out] apply to inputs [..., in]; kernels with a task axis [N, in, out] to inputs [N, ..., in], each
    task's data through its own network in one batched product.
    """
    stacked = params[f"{scope}/output/kernel"].shape.rank == 3
    leading = tf.shape(inputs)[:-1]
    rows = [tf.shape(inputs)[0], -1] if stacked else [-1]
    x = tf.reshape(inputs, [*rows, inputs.shape[-1]])
    for layer in _layers(n_hidden):
        kernel, bias = params[f"{scope}/{layer}/kernel"], params[f"{scope}/{layer}/bias"]
        x = tf.matmul(x, kernel) + (bias[:, tf.newaxis] if stacked else bias)
        if layer != "output":
            x = NONLINEARITIES[nonlinearity].tensor(x)
    return tf.reshape(x, tf.concat([leading, [x.shape[-1]]], axis=0))


def mlp_array(params: ArrayParams, scope: str, inputs: np.ndarray, n_hidden: int, nonlinearity: str) -> np.ndarray:
    """`mlp` in numpy, for parameters [N, ...] and inputs [N, R, in]."""
    x = inputs
    for layer in _layers(n_hidden):
        x = x @ params[f"{scope}/{layer}/kernel"] + params[f"{scope}/{layer}/bias"][:, np.newaxis]
        if layer != "output":
            x = NONLINEARITIES[nonlinearity].array(x)
    return x


def task_by_task(
    network: Callable[[Params, tf.Tensor], tf.Tensor], params: Params, inputs: tf.Tensor, theta: Params
) -> tf.Tensor:
    """A network that is written for the parameters of one task, such as a convolution, applied to each task's inputs.

    Parameters [N, ...] go with inputs [N, ...], whose parts go through the network one after the other; parameters of the
    shapes of `theta`, without task axis, go with any.
    """
    if all(len(value.shape) == len(theta[name].shape) for name, value in params.items()):
        return network(params, inputs)
    n_tasks = next(iter(params.values())).shape[0]
    parts = [network({name: value[task] for name, value in params.items()}, inputs[task]) for task in range(n_tasks)]
    return tf.stack(parts)


def flat_observations(observations: tf.Tensor, obs_shape: tuple[int, ...]) -> tf.Tensor:
    """Observations [..., *obs_shape] as vectors [..., O], O the number of their entries."""
    if len(obs_shape) == 1:
        return observations
    leading = observations.shape[: -len(obs_shape)]
    flat = tf.reshape(observations, tf.concat([tf.shape(observations)[: len(leading)], [math.prod(obs_shape)]], axis=0))
    return tf.ensure_shape(flat, [*leading, math.prod(obs_shape)])


def flat_arrays(observations: np.ndarray, obs_shape: tuple[int, ...]) -> np.ndarray:
    """`flat_observations` in numpy."""
    if len(obs_shape) == 1:
        return observations
    return observations.reshape(*observations.shape[: -len(obs_shape)], math.prod(obs_shape))


def _layers(n_hidden: int) -> list[str]:
    return [f"hidden_{i}" for i in range(n_hidden)] + ["output"]
