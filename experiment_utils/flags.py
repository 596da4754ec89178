"""The fields of a dataclass as flags: their kinds, defaults and examples, and how words become values."""

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from experiment_utils.validation import field_types

SCALARS = {int: "INT", float: "FLOAT", str: "TEXT", Path: "PATH"}


@dataclasses.dataclass(frozen=True)
class Flag:
    """A field of a command line."""

    name: str
    hint: Any
    default: object
    is_positional: bool

    @property
    def is_switch(self) -> bool:
        """Whether the flag takes no value: --name or --no_name."""
        return without_annotations(self.hint) is bool

    @property
    def takes_one_value(self) -> bool:
        """Whether it is followed by exactly one word."""
        return (
            not self.is_positional and not self.is_switch and typing.get_origin(without_annotations(self.hint)) is not tuple
        )

    @property
    def example(self) -> str:
        """A right form, as the user would write it; "" if there is no default to show, or all choices are named anyway."""
        is_choice = typing.get_origin(without_annotations(self.hint)) is Literal
        words = as_words(self.default or None)
        return f", such as --{self.name} {' '.join(words)}" if words and not self.is_positional and not is_choice else ""


def flags_of(kind: type, default: object = None) -> list[Flag]:
    """Return the flags of a dataclass, those of nested dataclasses among them."""
    flags = []
    for field in dataclasses.fields(kind):
        hint = field_types(kind)[field.name]
        value = _default(field) if default is None else getattr(default, field.name)
        plain = without_annotations(hint)
        if isinstance(plain, type) and dataclasses.is_dataclass(plain):
            flags += flags_of(plain, value)
        else:
            flags.append(Flag(field.name, hint, value, tyro.conf.Positional in typing.get_args(hint)))
    return flags


flag_kinds = ConstructorRegistry()


@flag_kinds.primitive_rule
def _kind_of_flag(kind: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """How to read the words of a flag. What can't be read stays as it is: the dataclass says what is wrong with it."""
    several = typing.get_origin(kind.type) is tuple
    found = _reader(typing.get_args(kind.type)[0] if several else kind.type)
    if found is None:
        return None
    read, metavar = found
    return PrimitiveConstructorSpec(
        nargs="*" if several else 1,
        metavar=f"{metavar} ..." if several else metavar,
        instance_from_str=lambda words: tuple(map(read, words)) if several else read(words[0]),
        is_instance=lambda value: True,
        str_from_instance=lambda value: as_words(value) or ["none"],
    )


def _reader(hint: Any) -> tuple[Callable[[str], object], str] | None:
    """Return a function from a word to a value of the type, and what help calls such a word; None for other types."""
    hint = without_annotations(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return str, "{" + ",".join(map(str, arguments)) + "}"
    if origin in (Union, types.UnionType) and type(None) in arguments:
        return _reader(next(part for part in arguments if part is not type(None)))
    if origin is dict:
        return functools.partial(_read, json.loads), "JSON"
    return (functools.partial(_read, hint), SCALARS[hint]) if hint in SCALARS else None


def _read(read: Callable[[str], object], word: str) -> object:
    try:
        return read(word)
    except (ValueError, RecursionError):
        return word


def as_words(value: object) -> list[str]:
    """Return a value as the words of a command line."""
    if isinstance(value, dict):
        return [json.dumps(value)]
    if isinstance(value, tuple):
        return [str(part) for part in value]
    return [] if value is None else [str(value)]


def _default(field: dataclasses.Field[Any]) -> object:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default


def without_annotations(hint: Any) -> Any:
    """Return the type that an Annotated one annotates."""
    while typing.get_origin(hint) is Annotated:
        hint = typing.get_args(hint)[0]
    return hint
