"""Which attributes a computation has read, and whether they are still what they were."""

import contextlib
import dataclasses
import functools
import threading
import types
from collections.abc import Callable, Hashable, Iterator, Mapping, Set
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
from typing_extensions import override

SCALARS = (bool, int, float, complex, str, bytes, type(None), np.generic)
CONTAINERS = (list, tuple, Mapping, Set)
CONSTANTS = (tf.Variable, tf.Tensor, tf.DType, np.ndarray, type, types.ModuleType, types.FunctionType, types.MethodType)
MISSING = object()
LOOKUP = "__getattribute__"

HEAP_TYPE, IMMUTABLE_TYPE = 1 << 9, 1 << 8  # Py_TPFLAGS_*: made by a class statement or the like; not to be altered

GetAttribute = Callable[[object, str], object]

_recording = threading.RLock()  # it alters classes for a while, which is seen by all threads


class Read(NamedTuple):
    """An attribute, or a field of a dataclass that is one, and what it was when it was first read."""

    owner: object
    names: tuple[str, ...]
    snapshot: Hashable

    @property
    def path(self) -> str:
        """What a message calls it."""
        return ".".join([type(self.owner).__name__, *self.names])

    @property
    def has_changed(self) -> bool:
        """Whether it is something else now."""
        value = functools.reduce(lambda part, name: getattr(part, name, MISSING), self.names, self.owner)
        return _snapshot(value) != self.snapshot


class AttributeReads:
    """The attributes that were read of an object, and of the objects that were reached through them.

    Values are compared by content: numbers, strings, arrays, and containers of them; all other objects, such as
    `tf.Variable`s and functions, by identity. What is read in another way (a closure, a module's name, `vars`) is not seen.
    """

    def __init__(self) -> None:
        self._reads: dict[tuple[int, str], list[Read]] = {}

    @classmethod
    @contextlib.contextmanager
    def of(cls, owner: object) -> Iterator["AttributeReads"]:
        """Record what the block reads from the object."""
        reads, watched = cls(), {}

        def watch(value: object) -> None:
            if isinstance(value, CONTAINERS):
                for item in value.values() if isinstance(value, Mapping) else value:
                    watch(item)
            elif _has_attributes(value) and type(value) not in watched:
                watched[type(value)] = vars(type(value)).get(LOOKUP, MISSING)
                setattr(type(value), LOOKUP, _noting(type(value).__getattribute__, note))

        def note(reader: object, name: str, value: object) -> None:
            if name.startswith(("__", "_self_")) or (id(reader), name) in reads._reads or _is_code(reader, name):
                return
            fields = [(field.name,) for field in dataclasses.fields(value)] if _is_dataclass(value) else [()]
            found = [Read(reader, (name, *field), _snapshot(getattr(value, *field) if field else value)) for field in fields]
            reads._reads[id(reader), name] = found
            watch(value)

        with _recording:
            watch(owner)
            try:
                yield reads
            finally:
                for kind, original in reversed(watched.items()):
                    if original is MISSING:
                        delattr(kind, LOOKUP)
                    else:
                        setattr(kind, LOOKUP, original)

    def changed(self) -> list[str]:
        """The paths of the attributes that are no longer what they were."""
        return [read.path for reads in self._reads.values() for read in reads if read.has_changed]


class _Identity(NamedTuple):
    """Equal to nothing but itself. It keeps its object alive, so that no other one gets the same address."""

    value: object

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.value is other.value

    @override
    def __ne__(self, other: object) -> bool:
        return not self == other

    @override
    def __hash__(self) -> int:
        return id(self.value)


def _noting(original: GetAttribute, note: Callable[[object, str, object], None]) -> GetAttribute:
    """`__getattribute__` of a class, which notes what it finds, and what it doesn't."""

    def read(owner: object, name: str) -> object:
        try:
            value = original(owner, name)
        except AttributeError:
            if not hasattr(type(owner), "__getattr__"):
                note(owner, name, MISSING)
            raise
        note(owner, name, value)
        return value

    return read


def _is_dataclass(value: object) -> TypeGuard["DataclassInstance"]:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _has_attributes(value: object) -> bool:
    """Whether an object's attributes can be watched: not those of constants, of built-in types, and of TensorFlow's own."""
    if isinstance(value, (*SCALARS, *CONSTANTS)) or type(value).__module__.split(".")[0] == "tensorflow":
        return False
    return type(value).__flags__ & (HEAP_TYPE | IMMUTABLE_TYPE) == HEAP_TYPE


def _is_code(owner: object, name: str) -> bool:
    """Whether an attribute is a method or a property of the class: what these read is noted by itself."""
    found = next((vars(kind)[name] for kind in type(owner).__mro__ if name in vars(kind)), None)
    stored = isinstance(found, types.MemberDescriptorType) or name in getattr(owner, "__dict__", ())
    return hasattr(found, "__get__") and not stored


def _snapshot(value: object) -> Hashable:
    """What equals the snapshot of a later value exactly if a computation can't tell them apart."""
    if isinstance(value, SCALARS):
        return type(value), repr(value)  # not the number: 1 == True, 0.0 == -0.0, and NaN differs from itself
    if isinstance(value, np.ndarray) and value.dtype != object:
        return np.ndarray, value.shape, value.dtype.str, hash(value.tobytes())
    if isinstance(value, types.SimpleNamespace):
        return types.SimpleNamespace, _snapshot(vars(value))
    if isinstance(value, Mapping):
        return type(value), tuple((_snapshot(key), _snapshot(item)) for key, item in value.items())
    if isinstance(value, list | tuple | np.ndarray):
        return type(value), tuple(map(_snapshot, value))
    if isinstance(value, functools.partial):
        return functools.partial, _snapshot((value.func, value.args, value.keywords))
    if isinstance(value, Set):
        return type(value), frozenset(map(_snapshot, value))
    return _Identity(value)
