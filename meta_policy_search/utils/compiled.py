"""The one way a method of the package is compiled."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from meta_policy_search.types import Samples

F = TypeVar("F", bound=Callable)

TIME_AXIS = 2  # of the arrays [N, R, T, ...] in Samples


def compiled(method: F) -> F:
    """Compiles a method with `tf.function`, once for all lengths T of the samples among its arguments.

    T differs from round to round when episodes end early, and the graph must not be traced again for that. So the time
    axis of every `Samples` is unknown to the graph; all other shapes are fixed, and other ones make another graph.

    Numbers, words and dataclasses among the attributes of the object (or of its `algo`, if it has one) are constants of the
    graph: where one has changed, everything is traced again. What changes often belongs in a `tf.Variable`.
    `tf.config.run_functions_eagerly(True)` makes the method steppable.
    """

    @functools.wraps(method)
    def door(self, *args):
        args = tuple(tuple(arg) if isinstance(arg, list) else arg for arg in args)
        return self.__dict__.setdefault("_compiled", _Graphs()).find(self, method, args)(*args)

    return door


class _Graphs:
    """The graphs of one object, by method and shapes. A copy of the object makes its own."""

    def __init__(self):
        self._settings, self.functions = [], {}

    def __reduce__(self) -> tuple:
        return _Graphs, ()

    def find(self, owner: Any, method: Callable, args: tuple) -> Callable:
        attributes = vars(getattr(owner, "algo", owner))
        settings = [(name, value) for name, value in attributes.items() if _is_setting(value)]
        if settings != self._settings:
            self._settings, self.functions = settings, {}
        key = (method, *map(_key, args))
        if key not in self.functions:
            signature = [_signature(arg) for arg in args]
            self.functions[key] = tf.function(functools.partial(method, owner), input_signature=signature)
        return self.functions[key]


def _is_setting(value: Any) -> bool:
    return isinstance(value, bool | int | float | str) or dataclasses.is_dataclass(value)


def _key(arg) -> tuple:
    return tuple((tuple(spec.shape), spec.dtype) for spec in tf.nest.flatten(_signature(arg)))


def _signature(arg):
    if isinstance(arg, Samples):
        return tf.nest.map_structure(lambda x: _spec(x, time_axis=TIME_AXIS), arg)
    if isinstance(arg, tuple):
        return tuple(_signature(item) for item in arg)
    return tf.nest.map_structure(_spec, arg)


def _spec(value: np.ndarray | tf.Tensor, time_axis: int | None = None) -> tf.TensorSpec:
    shape = list(value.shape)
    if time_axis is not None and len(shape) > time_axis:
        shape[time_axis] = None
    return tf.TensorSpec(shape, tf.as_dtype(value.dtype))
