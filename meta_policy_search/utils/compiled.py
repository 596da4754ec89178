"""The one way a method of the package is compiled, and runs on all cores."""

import dataclasses
import functools
import math
import os
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeAlias, TypeVar, overload

import joblib
import numpy as np
import tensorflow as tf
from typing_extensions import override

from meta_policy_search.types import Samples
from meta_policy_search.utils.attribute_reads import AttributeReads

TIME_AXIS = 2  # of the arrays [N, R, T, ...] in Samples
ROWS_PER_SLICE = 100  # of the tasks of a slice together: large enough to be worth a call, small enough for a core's cache
RETRACES_BEFORE_WARNING = 3

Join = Callable[[Sequence[np.ndarray], Sequence[int]], np.ndarray]
Method = TypeVar("Method", bound=Callable[..., object])
Function = Callable[..., "Nest"]  # of whatever arguments its method has, all of them nests
Nest: TypeAlias = "tf.Tensor | np.ndarray | Mapping[str, Nest] | tuple[Nest, ...]"  # tf.nest's; `Samples` are tuples
Nests: TypeAlias = tuple[Nest, ...]  # the arguments of a method


def each_task(parts: Sequence[np.ndarray], sizes: Sequence[int]) -> np.ndarray:
    """Results of each task: those of the slices [n, ...] one after the other, [N, ...]."""
    return np.concatenate(parts)


def mean_over_tasks(parts: Sequence[np.ndarray], sizes: Sequence[int]) -> np.ndarray:
    """Results that are means over tasks: the mean of the slices', by their numbers of tasks, summed in their order."""
    return np.asarray(sum(part * (size / sum(sizes)) for part, size in zip(parts, sizes, strict=True)))


@overload
def compiled(method: Method) -> Method: ...
@overload
def compiled(*, join: Join) -> Callable[[Method], Method]: ...
def compiled(method: Function | None = None, *, join: Join | None = None) -> Callable[..., object]:
    """Compile a method with `tf.function`, once for all lengths T of the samples among its arguments.

    T differs from round to round when episodes end early, and the graph must not be traced again for that. So the time
    axis of every `Samples` is unknown to the graph; all other shapes are fixed, and other ones make another graph.

    All else that the graph reads from the object, its policy and so on, such as `inner_lr`, is a constant of it. Where one
    of these attributes has changed, the graph is traced again, which takes seconds; so what changes often belongs in a
    `tf.Variable`. `tf.config.run_functions_eagerly(True)` makes the method steppable.

    Args:
      join: `each_task` or `mean_over_tasks`, if the method's result is one of these. It then runs in slices of the tasks,
        as many at a time as there are cores. The slices depend on the number of tasks and rows only, and are joined in
        their order, so the result has the same bits on any number of cores. `Samples` are cut along their task axis, and
        with `each_task` all other arguments are too.
    """
    if method is None:
        return functools.partial(compiled, join=join)

    @functools.wraps(method)
    def call(self: object, *args: "Nest | list[Nest]") -> object:
        if tf.inside_function():  # part of a larger graph
            return method(self, *args)
        nests = tuple(tuple(arg) if isinstance(arg, list) else arg for arg in args)
        return _function(self, method, nests)(*nests) if join is None else _run_in_slices(self, method, nests, join)

    return call


def trace_counts(owner: object) -> list[int]:
    """How often each graph of an object's compiled methods was traced."""
    graphs = vars(owner).get("_compiled")
    return list(graphs.trace_counts.values()) if graphs else []


@dataclasses.dataclass(frozen=True)
class _Slice:
    """A method on `size` tasks of its arguments, from a given one on."""

    method: Function
    size: int
    is_cut: tuple[bool, ...]  # of each argument

    def __call__(self, owner: object, begin: tf.Tensor, *args: Nest) -> Nest:
        return self.method(
            owner, *(self._cut(begin, arg) if cut else arg for cut, arg in zip(self.is_cut, args, strict=True))
        )

    def _cut(self, begin: tf.Tensor, arg: Nest) -> Nest:
        return tf.nest.map_structure(lambda x: tf.ensure_shape(x[begin : begin + self.size], [self.size, *x.shape[1:]]), arg)


def slice_sizes(n_tasks: int, rows_per_task: int) -> list[int]:
    """How many tasks are in each slice: numbers that differ by 1 at most, and not at all where a good divisor is at hand."""
    fewest = min(n_tasks, math.ceil(n_tasks * rows_per_task / ROWS_PER_SLICE))
    even = (number for number in range(fewest, 2 * fewest) if n_tasks % number == 0)  # two sizes would be two graphs
    number = next(even, fewest)
    return [n_tasks // number + (i < n_tasks % number) for i in range(number)]


def _run_in_slices(owner: object, method: Function, args: Nests, join: Join) -> Nest:
    sizes = [1] if tf.config.get_visible_devices("GPU") else slice_sizes(*_tasks_and_rows(args))
    if len(sizes) == 1:  # also on a GPU, which works best on all tasks at once
        return _function(owner, method, args)(*args)
    args = tf.nest.map_structure(tf.convert_to_tensor, args)
    is_cut = tuple(join is each_task or bool(_samples(arg)) for arg in args)
    calls = [(tf.constant(begin), *args) for begin in np.cumsum([0, *sizes[:-1]])]
    functions = {size: _function(owner, _Slice(method, size, is_cut), calls[0]) for size in set(sizes)}

    def run(size: int, call: Nests) -> Nest:
        return tf.nest.map_structure(np.asarray, functions[size](*call))

    parts = list((map if tf.config.functions_run_eagerly() else _threads().map)(run, sizes, calls))
    return tf.nest.map_structure(lambda *values: tf.convert_to_tensor(join(values, sizes)), *parts)


def _threads() -> ThreadPoolExecutor:
    """As many threads as TensorFlow has for operations, by default one for each core."""
    return _thread_pool(tf.config.threading.get_inter_op_parallelism_threads() or joblib.cpu_count())


@functools.cache
def _thread_pool(size: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(size, thread_name_prefix="slice")


os.register_at_fork(after_in_child=_thread_pool.cache_clear)  # a child process has none of the threads


def _samples(arg: Nest) -> list[Samples]:
    return [item for item in (arg if type(arg) is tuple else (arg,)) if isinstance(item, Samples)]


def _tasks_and_rows(args: Nests) -> tuple[int, int]:
    n_tasks, rows, *_ = next(samples for arg in args for samples in _samples(arg)).weights.shape
    return n_tasks, rows


def _function(owner: object, method: Function, args: Nests) -> Function:
    """What runs the method on such arguments: its graph, or itself."""
    if tf.config.functions_run_eagerly():
        return functools.partial(method, owner)
    return owner.__dict__.setdefault("_compiled", _Graphs()).find(owner, method, args)


class _Graph(NamedTuple):
    function: Function
    reads: AttributeReads


class _Graphs:
    """The graphs of one object, by method and shapes. A copy of the object makes its own."""

    def __init__(self) -> None:
        self.graphs: dict[Hashable, _Graph] = {}
        self.trace_counts: Counter[Hashable] = Counter()
        self._changes: Counter[tuple[Hashable, str]] = Counter()

    @override
    def __reduce__(self) -> tuple[type["_Graphs"], tuple[()]]:
        return _Graphs, ()

    def find(self, owner: object, method: Function, args: Nests) -> Function:
        key = (method, *map(_shapes, args))
        graph = self.graphs.get(key)
        changed = graph.reads.changed() if graph else []
        if graph is None or changed:
            self._warn_of(key, changed)
            self.graphs[key] = graph = _trace(owner, method, args)
            self.trace_counts[key] += 1
        return graph.function

    def _warn_of(self, key: Hashable, changed: Sequence[str]) -> None:
        for path in changed:
            self._changes[key, path] += 1
            if self._changes[key, path] == RETRACES_BEFORE_WARNING:
                warnings.warn(
                    f"{path} has changed {RETRACES_BEFORE_WARNING} times since it was compiled into a graph, and every time "
                    "the graph is traced again, which takes seconds; make it a tf.Variable, or keep it elsewhere",
                    stacklevel=2,
                )


def _trace(owner: object, method: Function, args: Nests) -> _Graph:
    function = tf.function(functools.partial(method, owner), input_signature=[_signature(arg) for arg in args])
    with AttributeReads.of(owner) as reads:
        graph = function.get_concrete_function()  # to call it takes half the time that to call the function would
    return _Graph(graph, reads)


def _shapes(arg: Nest, time_axis: int | None = None) -> tuple[Hashable, ...]:
    """What makes another graph: the structure, types and shapes, but for the time axis of samples."""
    if isinstance(arg, Mapping):
        return tuple((name, _shapes(value, time_axis)) for name, value in arg.items())
    if isinstance(arg, tuple):
        return tuple(_shapes(item, TIME_AXIS if isinstance(arg, Samples) else time_axis) for item in arg)
    shape = list(arg.shape)
    if time_axis is not None and len(shape) > time_axis:
        shape[time_axis] = None
    return *shape, tf.as_dtype(arg.dtype)


def _signature(arg: Nest) -> Nest:
    """The same for `tf.function`."""
    if isinstance(arg, Samples):
        return tf.nest.map_structure(lambda x: _spec(x, TIME_AXIS), arg)
    if isinstance(arg, tuple):
        return tuple(_signature(item) for item in arg)
    return tf.nest.map_structure(_spec, arg)


def _spec(value: np.ndarray | tf.Tensor, time_axis: int | None = None) -> tf.TensorSpec:
    return tf.TensorSpec(_shapes(value, time_axis)[:-1], tf.as_dtype(value.dtype))
