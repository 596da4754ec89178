"""Dataclasses that check their fields by their types; what is wrong with a field is one sentence."""

import dataclasses
import difflib
import functools
import json
import math
import typing
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta

from meta_policy_search.utils.reported_error import ReportedError

# what a setting can be, and how a message says it
Count = Annotated[int, Meta(ge=1, description="a positive whole number")]
Natural = Annotated[int, Meta(ge=0, description="0 or a positive whole number")]
Positive = Annotated[float, Meta(gt=0, description="a positive, finite number")]
NotNegative = Annotated[float, Meta(ge=0, description="0 or a positive, finite number")]
Fraction = Annotated[float, Meta(ge=0, le=1, description="a number between 0 and 1")]
Sizes = Annotated[tuple[Count, ...], Meta(min_length=1, description="positive whole numbers")]
WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a string", Path: "a path"}
WORDS |= {dict: 'a JSON object, such as {"reward_type": "dense"}'}


class ConfigError(ReportedError, ValueError):
    """A setting that can't be: one sentence that says which and what would be right."""


class InvalidSetting(ConfigError):
    """A value of the wrong kind or out of range.

    Args:
      name: of the setting.
      value: which it can't have.
      expected: what would be right, to follow "it must be".
    """

    def __init__(self, name: str, value: object, expected: str):
        super().__init__(f"{name} is {value!r}; it must be {expected}")
        self.name, self.value, self.expected = name, value, expected


@dataclasses.dataclass(frozen=True)
class Validated:
    """A frozen dataclass that checks its fields by their types.

    A list becomes the tuple, and a whole number the float, that the type says; numpy's numbers and arrays become Python's,
    and what is in a dict becomes what JSON makes of it.

    Raises:
      InvalidSetting: a value of another kind, or out of range.
    """

    def __post_init__(self) -> None:
        kind: type = type(self)
        for name, hint in field_types(kind).items():
            object.__setattr__(self, name, _validated(name, getattr(self, name), hint))


def nearest(name: str, known: list[str]) -> str:
    """A hint at the right name."""
    match = nearest_name(name, known)
    return f"did you mean {match!r}?" if match else f"known are {', '.join(sorted(known))}"


def nearest_name(name: str, known: list[str]) -> str | None:
    """The known name that is most like this one, if any is; upper and lower case are alike."""
    folded = {candidate.casefold(): candidate for candidate in known}
    return next((folded[match] for match in difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)), None)


@functools.cache
def field_types(kind: type) -> dict[str, Any]:
    """Return the annotations of a dataclass's fields by name. There is no type of annotations, hence Any here and below."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def expected_values(hint: Any) -> str:
    """Return what a value of this type is, to follow "it must be"."""
    described = [meta.description for meta in typing.get_args(hint)[1:] if isinstance(meta, Meta) and meta.description]
    if described:
        return described[-1]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return expected_values(arguments[0])
    if origin is Literal:
        return " or ".join(map(repr, arguments)) if len(arguments) < 3 else f"one of {', '.join(map(repr, arguments))}"
    if origin is tuple:
        return f"one value or several, each {expected_values(arguments[0])}"
    if type(None) in arguments:
        return expected_values(next(part for part in arguments if part is not type(None)))
    return WORDS.get(origin or hint, getattr(hint, "__name__", str(hint)))


def _validated(name: str, value: object, hint: Any) -> object:
    value = _python(value)
    if typing.get_origin(hint) is dict:
        hint, value = dict, _as_json(name, value)  # what is in it, the environment says
    try:
        value = msgspec.convert(value, hint, dec_hook=_instance)
    except msgspec.ValidationError as error:
        raise InvalidSetting(name, value, expected_values(hint)) from error
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidSetting(name, value, expected_values(hint))
    return value


def _python(value: object) -> object:
    """The value with Python's numbers and lists for numpy's."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, tuple):
        return tuple(_python(part) for part in value)
    return [_python(part) for part in value] if isinstance(value, list) else value


def _as_json(name: str, value: object) -> object:
    """The value as it comes back from a run's params.json, where tuples are lists."""
    try:
        read = json.loads(json.dumps(value, default=_numpy_only, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidSetting(name, value, f"{WORDS[dict]}: {error}") from error
    if isinstance(value, dict) and read.keys() != value.keys():
        raise InvalidSetting(name, value, f"{WORDS[dict]}: its keys are strings")
    return read


def _numpy_only(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} can't be written as JSON")


def _instance(kind: type, value: object) -> object:
    """Return an instance of a type that msgspec doesn't know; a path may be given as a string."""
    if kind is Path and isinstance(value, str):
        return Path(value)
    if isinstance(value, kind):
        return value
    raise TypeError
