"""The one way a method of the package is compiled."""

import functools
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import tensorflow as tf

from meta_policy_search.types import Samples

F = TypeVar("F", bound=Callable)

TIME_AXIS = 2  # of the arrays [N, R, T, ...] in Samples


def compiled(method: F) -> F:
    """Compiles a method with `tf.function`, once for all lengths T of the samples among its arguments.

    T differs from round to round when episodes end early, and the graph must not be traced again for that. So the time
    axis of every `Samples` is unknown to the graph; all other shapes are fixed, and other ones make another graph.
    `tf.config.run_functions_eagerly(True)` makes the method steppable.
    """

    @functools.wraps(method)
    def door(self, *args):
        functions = self.__dict__.setdefault("_compiled", {})
        key = (method, *(_key(arg) for arg in args))
        if key not in functions:
            signature = [_signature(arg) for arg in args]
            functions[key] = tf.function(functools.partial(method, self), input_signature=signature)
        return functions[key](*args)

    return door


def _key(arg) -> tuple:
    return tuple((tuple(spec.shape), spec.dtype) for spec in tf.nest.flatten(_signature(arg)))


def _signature(arg):
    if isinstance(arg, Samples):
        return tf.nest.map_structure(lambda x: _spec(x, time_axis=TIME_AXIS), arg)
    if isinstance(arg, list | tuple):
        return type(arg)(_signature(item) for item in arg)
    return tf.nest.map_structure(_spec, arg)


def _spec(value: np.ndarray | tf.Tensor, time_axis: int | None = None) -> tf.TensorSpec:
    shape = list(value.shape)
    if time_axis is not None and len(shape) > time_axis:
        shape[time_axis] = None
    return tf.TensorSpec(shape, tf.as_dtype(value.dtype))
