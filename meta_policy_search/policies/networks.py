"""Multi-layer perceptrons as pure functions of named parameters."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from meta_policy_search.policies.base import glorot_uniform
from meta_policy_search.types import Params

NONLINEARITIES: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "tanh": tf.tanh,
    "relu": tf.nn.relu,
    "elu": tf.nn.elu,
    "swish": tf.nn.silu,
}


def init_mlp(
    rng: np.random.Generator, scope: str, input_size: int, hidden_sizes: tuple[int, ...], output_size: int
) -> dict[str, np.ndarray]:
    """Glorot-uniform kernels [in, out] and zero biases [out], named `<scope>/hidden_<i>/kernel` ... `<scope>/output/bias`."""
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
            x = NONLINEARITIES[nonlinearity](x)
    return tf.reshape(x, tf.concat([leading, [x.shape[-1]]], axis=0))


def _layers(n_hidden: int) -> list[str]:
    return [f"hidden_{i}" for i in range(n_hidden)] + ["output"]
