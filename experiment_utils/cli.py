"""Command lines, made by tyro from dataclasses, and the sentences that answer a mistake in one."""

import contextlib
import dataclasses
import functools
import io
import itertools
import json
import sys
import types
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from experiment_utils.script import discard_output
from experiment_utils.validation import ConfigError, InvalidSetting, expected_values, field_types, nearest

T = TypeVar("T")

SCALARS = {int: "INT", float: "FLOAT", str: "TEXT", Path: "PATH"}
OPEN = "--help lists all"
TRUE_WORDS, FALSE_WORDS = ("true", "yes", "on", "1"), ("false", "no", "off", "0")  # that switches don't take


@dataclasses.dataclass(frozen=True)
class Flag:
    """A field of a command line."""

    name: str
    hint: Any
    default: Any
    is_positional: bool

    @property
    def is_switch(self) -> bool:
        """Whether the flag takes no value: --name or --no_name."""
        return _without_annotations(self.hint) is bool

    @property
    def takes_one_value(self) -> bool:
        """Whether it is followed by exactly one word."""
        return (
            not self.is_positional and not self.is_switch and typing.get_origin(_without_annotations(self.hint)) is not tuple
        )

    @property
    def example(self) -> str:
        """A right form, as the user would write it; "" if there is no default to show."""
        words = _words(self.default or None)
        return f", such as --{self.name} {' '.join(words)}" if words and not self.is_positional else ""


def parse_arguments(kind: type[T], description: str, argv: Sequence[str] | None = None, default: T | None = None) -> T:
    """Return the dataclass that the arguments describe; --help ends the process.

    Nested dataclasses and subcommands are tyro's. Values are checked by the dataclasses (`Validated`), not here.

    Args:
      argv: None for those of the process.
      default: whose values hold where there is no flag; None for the class's own.

    Raises:
      ConfigError: an argument is unknown, missing or of the wrong kind.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    _require_letters(argv)
    chosen = _subcommand(kind, argv)
    flags = {flag.name: flag for flag in flags_of(chosen, default)}
    _require_no_value_of_switches(argv, flags)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            arguments, unknown = tyro.cli(
                kind,
                args=argv,
                description=_keeping_examples(description),
                default=tyro.MISSING_NONPROP if default is None else default,
                return_unknown_args=True,
                use_underscores=True,
                config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes),
                registry=_flag_kinds,
            )
    except BrokenPipeError:  # --help | head
        discard_output()
        sys.exit(0)
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        if refused := _refused_by_dataclass(stop):
            raise _in_users_words(refused, flags) from refused
        raise ConfigError(_what_is_missing(argv, flags)) from None
    except InvalidSetting as error:  # of a nested dataclass
        raise _in_users_words(error, flags) from error
    if unknown:
        raise ConfigError(_unknown(unknown[0], flags))
    return arguments


def _keeping_examples(description: str) -> str:
    """Indent the lines that are commands: tyro joins other lines to paragraphs."""
    return "\n".join(f"    {line}" if line.startswith("python ") else line for line in description.splitlines())


def flags_of(kind: type, default: Any = None) -> list[Flag]:
    """Return the flags of a dataclass, those of nested dataclasses among them."""
    flags = []
    for field in dataclasses.fields(kind):
        hint = field_types(kind)[field.name]
        value = _default(field) if default is None else getattr(default, field.name)
        plain = _without_annotations(hint)
        if dataclasses.is_dataclass(plain):
            flags += flags_of(plain, value)
        else:
            flags.append(Flag(field.name, hint, value, tyro.conf.Positional in typing.get_args(hint)))
    return flags


def _require_letters(argv: Sequence[str]) -> None:
    """Raise ConfigError for letters that the locale doesn't know: neither TensorFlow nor a page can name such a path."""
    for word in argv:
        try:
            word.encode()
        except UnicodeEncodeError as error:
            what = f"{word!r} has letters that the locale doesn't know"
            raise ConfigError(f"{what}; set LC_ALL=C.UTF-8, or choose a name without them") from error


def _require_no_value_of_switches(argv: Sequence[str], flags: dict[str, Flag]) -> None:
    for word, following in itertools.pairwise([*argv, ""]):
        name, _, attached = word.removeprefix("--").replace("-", "_").partition("=")
        value = attached or following
        is_switch = word.startswith("--") and name in flags and flags[name].is_switch
        if is_switch and (attached or value.lower() in (*TRUE_WORDS, *FALSE_WORDS)):
            right = {**dict.fromkeys(TRUE_WORDS, f"--{name}"), **dict.fromkeys(FALSE_WORDS, f"--no_{name}")}
            form = right.get(value.lower(), f"--{name}, or --no_{name} for the opposite")
            raise ConfigError(f"--{name} takes no value, not {value!r}; write {form}")


def _refused_by_dataclass(stop: BaseException) -> InvalidSetting | None:
    """Return what a dataclass raised and tyro answered with an exit."""
    error: BaseException | None = stop
    while error is not None and not isinstance(error, InvalidSetting):
        error = error.__context__
    return error


def _in_users_words(error: InvalidSetting, flags: dict[str, Flag]) -> ConfigError:
    flag = flags.get(error.name)
    if flag is None:
        return error
    words = " ".join(_words(error.value))
    unread = any(isinstance(part, str) for part in (error.value if isinstance(error.value, tuple) else (error.value,)))
    given = repr(words) if unread or not words else words
    example = "" if _is_choice(flag.hint) else flag.example
    return ConfigError(f"{error.name} is {given}; it must be {error.expected}{example}")


def _what_is_missing(argv: Sequence[str], flags: dict[str, Flag]) -> str:
    """Return what tyro missed: the value of a flag, or a positional argument. All else is answered elsewhere."""
    for word, following in itertools.pairwise([*argv, "--"]):
        flag = flags.get(word.removeprefix("--").replace("-", "_"))
        if word.startswith("--") and following.startswith("--") and flag is not None and flag.takes_one_value:
            return f"--{flag.name} has no value; it must be {expected_values(flag.hint)}{flag.example} ({OPEN})"
    positional = " ".join(flag.name.upper() for flag in flags.values() if flag.is_positional)
    return f"an argument is missing; the order is: {Path(sys.argv[0]).name} {positional} ({OPEN})"


def _unknown(word: str, flags: dict[str, Flag]) -> str:
    name = word.lstrip("-").partition("=")[0].replace("-", "_")
    hint = nearest(name, [flag.name for flag in flags.values() if not flag.is_positional]) if word.startswith("-") else ""
    return f"unknown argument {word!r}; {hint} ({OPEN})" if hint.startswith("did") else f"unknown argument {word!r} ({OPEN})"


def _subcommand(kind: type, argv: Sequence[str]) -> type:
    """Return the dataclass of the subcommand that the arguments begin with; `kind` itself where there are none."""
    options = {
        meta.name: option
        for option in typing.get_args(_without_annotations(kind))
        for meta in typing.get_args(option)[1:]
        if hasattr(meta, "name")
    }
    if not options:
        return kind
    first = argv[0] if argv else ""
    if first in options or first in ("-h", "--help"):
        return _without_annotations(options.get(first, next(iter(options.values()))))
    known = ", ".join(options)
    what = f"there is no {first!r}" if first and not first.startswith("-") else "what to make comes first"
    raise ConfigError(f"{what}; it can be one of {known} ({OPEN})")


_flag_kinds = ConstructorRegistry()


@_flag_kinds.primitive_rule
def _kind_of_flag(kind: PrimitiveTypeInfo) -> PrimitiveConstructorSpec | None:
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
        str_from_instance=lambda value: _words(value) or ["none"],
    )


def _reader(hint: Any) -> tuple[Callable[[str], Any], str] | None:
    """Return a function from a word to a value of the type, and what help calls such a word; None for other types."""
    hint = _without_annotations(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return str, "{" + ",".join(map(str, arguments)) + "}"
    if origin in (Union, types.UnionType) and type(None) in arguments:
        return _reader(next(part for part in arguments if part is not type(None)))
    if origin is dict:
        return functools.partial(_read, json.loads), "JSON"
    return (functools.partial(_read, hint), SCALARS[hint]) if hint in SCALARS else None


def _read(read: Any, word: str) -> Any:
    try:
        return read(word)
    except (ValueError, RecursionError):
        return word


def _words(value: Any) -> list[str]:
    """Return a value as the words of a command line."""
    if isinstance(value, dict):
        return [json.dumps(value)]
    if isinstance(value, tuple):
        return [str(part) for part in value]
    return [] if value is None else [str(value)]


def _default(field: dataclasses.Field) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default


def _is_choice(hint: Any) -> bool:
    return typing.get_origin(_without_annotations(hint)) is Literal


def _without_annotations(hint: Any) -> Any:
    while typing.get_origin(hint) is Annotated:
        hint = typing.get_args(hint)[0]
    return hint
