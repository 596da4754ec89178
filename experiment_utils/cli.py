"""The command line of a run script, made from its config class."""

import contextlib
import dataclasses
import importlib.util
import io
import json
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Generic, TypeVar

import tyro

from experiment_utils.config import Config, ConfigError, config_from_dict, load_config, nearest, read_config_file
from experiment_utils.runs.run_dir import RunDir

MAY_CHANGE = ("n_itr", "sampler", "num_workers", "cpus_per_worker")  # when a run is resumed

C = TypeVar("C", bound=Config)
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Args(Generic[C]):
    """What the user asked for."""

    config: C
    run_dir: RunDir
    resume: bool


@dataclasses.dataclass(frozen=True)
class _Options:
    config_file: Path | None = None
    """Load the settings from this JSON file; flags override them."""
    dump_path: Path | None = None
    """Write the run here. Default: data/<algorithm>/run_<time>."""
    resume: bool = False
    """Go on with the run in dump_path, exactly where its last checkpoint is. Only n_itr and the sampler may change."""


def parse(defaults: C, description: str, argv: list[str] | None = None) -> Args[C]:
    """Return what the arguments ask for. Invalid ones end the process: one sentence on stderr, exit code 2."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        options, config = _parse(defaults, description, argv)
        if options.resume and options.dump_path is None:
            raise ConfigError("--resume needs the --dump_path of the run to go on with")
        run_dir = RunDir(options.dump_path or RunDir.default_path(config.algo))
        if options.resume:
            config = _resumed_config(defaults, config, run_dir, argv)
        else:
            run_dir.require_free()
        _require_env(config, defaults)
        run_dir.create()
        run_dir.lock()
        if not options.resume:
            run_dir.require_free()  # again: another run may have begun and ended since
    except ConfigError as error:
        sys.exit(fail(str(error)))
    return Args(config, run_dir, options.resume)


def say(lines: Iterable[object]) -> None:
    """Prints the lines. A reader that has gone away (`| head`) is no error."""
    try:
        for line in lines:
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()


def discard_output() -> None:
    """Discard what is still to be printed. Python would otherwise report a broken pipe when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(sentence: str, code: int = 2) -> int:
    """Prints the sentence to stderr and returns the exit code."""
    print(f"error: {sentence}", file=sys.stderr)
    return code


def _parse(defaults: C, description: str, argv: list[str]) -> tuple[_Options, C]:
    early = _config_file(argv)
    start = load_config(early, defaults, env_is_named="env" in _flags(argv)) if early else defaults

    @dataclasses.dataclass(frozen=True)
    class Args:
        config: Annotated[type(defaults), tyro.conf.arg(name="")] = start
        options: Annotated[_Options, tyro.conf.arg(name="")] = dataclasses.field(default_factory=_Options)

    names = [field.name for kind in (type(defaults), _Options) for field in dataclasses.fields(kind)]
    arguments = parse_arguments(Args, description, argv, names)
    return arguments.options, arguments.config


def parse_arguments(kind: type[T], description: str, argv: list[str] | None, names: list[str] | None = None) -> T:
    """The dataclass that the arguments describe; --help ends the process.

    Args:
      argv: None for those of the process.
      names: of the flags; None for the fields of `kind`.

    Raises:
      ConfigError: an argument is unknown, missing or of the wrong kind.
    """
    argv = sys.argv[1:] if argv is None else argv
    stderr = io.StringIO()
    try:
        with contextlib.redirect_stderr(stderr):
            arguments, unknown = tyro.cli(
                kind,
                args=argv,
                description=description,
                return_unknown_args=True,
                use_underscores=True,
                config=(tyro.conf.OmitArgPrefixes,),
                registry=_flag_kinds,
            )
    except BrokenPipeError:  # --help | head
        discard_output()
        sys.exit(0)
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        raise ConfigError(_first_sentence(stderr.getvalue())) from None
    if unknown:
        flag = unknown[0].lstrip("-").partition("=")[0].replace("-", "_")
        known = [field.name for field in dataclasses.fields(kind)] if names is None else names
        raise ConfigError(f"unknown argument {unknown[0]!r}; {nearest(flag, known)} (--help lists all)")
    return arguments


def _require_env(config: Config, defaults: Config) -> None:
    """Raise ConfigError for an unknown environment or option. The default needs no import of gymnasium."""
    if config.sampler == "ray" and importlib.util.find_spec("ray") is None:
        raise ConfigError("the sampler ray needs the package ray: pip install 'ray>=2.50'")
    if config.env != defaults.env or config.env_options or config.backend != defaults.backend:
        from experiment_utils.environments import require_env

        require_env(config)


_flag_kinds = tyro.constructors.ConstructorRegistry()


@_flag_kinds.primitive_rule
def _json_flag(kind: tyro.constructors.PrimitiveTypeInfo) -> tyro.constructors.PrimitiveConstructorSpec | None:
    """A setting that is a dict is given as one JSON object."""
    if kind.type_origin is not dict:
        return None
    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="JSON",
        instance_from_str=lambda words: json.loads(words[0]),
        is_instance=lambda value: isinstance(value, dict),
        str_from_instance=lambda value: [json.dumps(value)],
    )


def _config_file(argv: list[str]) -> Path | None:
    files = []
    for flag, value in zip(argv, [*argv[1:], ""], strict=True):
        name, _, attached = flag.partition("=")
        if name.replace("_", "-") == "--config-file" and (attached or not value.startswith("--")):
            files.append(Path(attached or value))
    if len(files) > 1:
        raise ConfigError(f"there can be one --config_file only, not {' and '.join(map(str, files))}")
    return files[0] if files else None


def _flags(argv: list[str]) -> set[str]:
    """The settings that the arguments name."""
    return {flag.partition("=")[0].lstrip("-").replace("-", "_").removeprefix("no_") for flag in argv if flag[:2] == "--"}


def _resumed_config(defaults: C, asked: C, run_dir: RunDir, argv: list[str]) -> C:
    """Return the config of the run in the directory, with n_itr as asked; raise ConfigError if anything else differs."""
    run_dir.require_no_links()
    saved = run_dir.read_config()
    if saved is None:
        if run_dir.progress.exists():
            raise ConfigError(f"{run_dir.path} has a {run_dir.progress.name}, but no {run_dir.params.name}; put it back")
        return asked
    flags, file = _flags(argv), _config_file(argv)
    config = config_from_dict(saved, defaults, f"the run in {run_dir.path}", env_is_named="env" in flags)
    given = flags | read_config_file(file).keys() if file else flags
    for name in (field.name for field in dataclasses.fields(config)):
        if name in given and name not in MAY_CHANGE and getattr(asked, name) != getattr(config, name):
            what = f"the run in {run_dir.path} has {name} {getattr(config, name)!r}"
            raise ConfigError(f"{what}; a resumed run can change only {', '.join(MAY_CHANGE)}")
    return dataclasses.replace(config, **{name: getattr(asked, name) for name in MAY_CHANGE if name in given})


def _first_sentence(box: str) -> str:
    """The message of tyro's error box, without the frame."""
    lines = [re.sub(r"[│╭╮╰╯]|─{2,}", "", line).strip() for line in box.splitlines()[1:]]
    message = " ".join(lines[: lines.index("")] if "" in lines else lines)
    return f"{message.rstrip('.')} (--help lists all)"
