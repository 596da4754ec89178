"""Command lines, made by tyro from dataclasses, and the sentences that answer a mistake in one."""

import contextlib
import io
import itertools
import sys
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import tyro

from experiment_utils.flags import Flag, as_words, flag_kinds, flags_of, without_annotations
from experiment_utils.script import discard_output
from experiment_utils.validation import ConfigError, InvalidSetting, expected_values, nearest, nearest_name

T = TypeVar("T")

OPEN = "--help lists all"
TRUE_WORDS, FALSE_WORDS = ("true", "yes", "on", "1"), ("false", "no", "off", "0")  # that switches don't take


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
                registry=flag_kinds,
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
    words = " ".join(as_words(error.value))
    unread = any(isinstance(part, str) for part in (error.value if isinstance(error.value, tuple) else (error.value,)))
    given = repr(words) if unread or not words else words
    return ConfigError(f"{error.name} is {given}; it must be {error.expected}{flag.example}")


def _what_is_missing(argv: Sequence[str], flags: dict[str, Flag]) -> str:
    """Return what tyro missed: the value of a flag, or a positional argument. All else is answered elsewhere."""
    for word, following in itertools.pairwise([*argv, "--"]):
        flag = flags.get(word.removeprefix("--").replace("-", "_"))
        if word.startswith("--") and following.startswith("--") and flag is not None and flag.takes_one_value:
            return f"--{flag.name} has no value; it must be {expected_values(flag.hint)}{flag.example} ({OPEN})"
    positional = " ".join(flag.name.upper() for flag in flags.values() if flag.is_positional)
    return f"an argument is missing; the order is: {Path(sys.argv[0]).name} {positional} ({OPEN})"


def _unknown(word: str, flags: dict[str, Flag]) -> str:
    options = [flag for flag in flags.values() if not flag.is_positional]
    names = [flag.name for flag in options] + [f"no_{flag.name}" for flag in options if flag.is_switch]
    match = nearest_name(word.lstrip("-").partition("=")[0].replace("-", "_"), names) if word.startswith("-") else None
    hint = f"; did you mean '--{match}'?" if match else ""
    return f"unknown argument {word!r}{hint} ({OPEN})"


def _subcommand(kind: type, argv: Sequence[str]) -> type:
    """Return the dataclass of the subcommand that the arguments begin with; `kind` itself where there are none."""
    options = {
        meta.name: option
        for option in typing.get_args(without_annotations(kind))
        for meta in typing.get_args(option)[1:]
        if hasattr(meta, "name")
    }
    if not options:
        return kind
    first = argv[0] if argv else ""
    if first in options or first in ("-h", "--help"):
        return without_annotations(options.get(first, next(iter(options.values()))))
    if first and not first.startswith("-"):
        raise ConfigError(f"there is no {first!r}; {nearest(first, list(options))} ({OPEN})")
    raise ConfigError(f"what to make comes first; it can be one of {', '.join(options)} ({OPEN})")
