"""The command line of a run script, made from its config class."""

import dataclasses
import importlib.util
import shlex
import sys
from pathlib import Path
from typing import Annotated, Generic, TypeVar

import tyro

from experiment_utils.algorithms import paper_name
from experiment_utils.cli import parse_arguments
from experiment_utils.config import Config, Json
from experiment_utils.config_files import config_from_dict, config_to_dict, may_change, read_config_file
from experiment_utils.runs.run_dir import RunDir
from experiment_utils.validation import ConfigError

C = TypeVar("C", bound=Config)
LARGE = 10**7  # env steps of a sampling round, of which more may not fit into memory


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
    """Go on with the run in dump_path where its last checkpoint is. Only n_itr may change, and how and where to simulate."""
    resume_or_start: bool = False
    """Like --resume; begin the run where there is none yet. For scripts that may be called again."""


def parse(defaults: C, description: str, argv: list[str] | None = None) -> Args[C]:
    """Return what the arguments ask for, with the run's directory created and locked.

    Raises:
      ConfigError: they are invalid, or the directory is in use. Nothing has been written then.
    """
    argv = sys.argv[1:] if argv is None else argv
    if {"-h", "--help"} & set(argv):
        description = f"{description}\n\n{_families()}"
    options, by_flags = _parse(defaults, description, argv)
    resume, run_dir = _run_dir(options, by_flags.algo)
    saved = saved_config(run_dir, defaults) if resume else None
    config = _with_file_and_saved(options, saved or defaults, by_flags, description, argv)
    if saved is not None:
        require_same_numbers(config, saved, run_dir)
    require_usable(config, defaults)
    run_dir.create()
    run_dir.lock()
    if not resume:
        run_dir.require_free()  # again: another run may have begun and ended since
    return Args(config, run_dir, resume)


def _parse(default: C, description: str, argv: list[str]) -> tuple[_Options, C]:
    @dataclasses.dataclass(frozen=True)
    class Arguments:
        config: Annotated[type(default), tyro.conf.arg(name="")] = default  # type: ignore[valid-type]  # known at run time
        options: Annotated[_Options, tyro.conf.arg(name="")] = dataclasses.field(default_factory=_Options)

    arguments = parse_arguments(Arguments, description, argv)
    return arguments.options, arguments.config


def _run_dir(options: _Options, algo: str) -> tuple[bool, RunDir]:
    """Return whether to go on with a run, and where it lies."""
    flag = "--resume" if options.resume else "--resume_or_start"
    if (options.resume or options.resume_or_start) and options.dump_path is None:
        raise ConfigError(f"{flag} needs the --dump_path of the run to go on with")
    run_dir = RunDir(options.dump_path or RunDir.default_path(algo))
    if options.resume and not run_dir.holds_a_run():
        what = f"there is no run in {run_dir.path}: it has no {run_dir.params.name}"
        raise ConfigError(f"{what}; look at the path, or begin a run there by --resume_or_start")
    resume = options.resume or (options.resume_or_start and run_dir.holds_a_run())
    if not resume:
        run_dir.require_free()
    return resume, run_dir


def saved_config(run_dir: RunDir, defaults: C) -> C:
    """Return the settings of the run in the directory.

    Raises:
      ConfigError: there are none, or they can't be read, or a link leads out of the directory.
    """
    run_dir.require_no_links()
    saved = run_dir.read_config()
    if saved is None:
        raise ConfigError(f"{run_dir.path} has a {run_dir.progress.name}, but no {run_dir.params.name}; put it back")
    _require_algorithm(saved, defaults, f"the run in {run_dir.path}")
    return config_from_dict(saved, defaults, f"the run in {run_dir.path}")


def _require_algorithm(values: dict[str, Json], defaults: Config, source: str) -> None:
    """Raise ConfigError, in the paper's names, if the settings are those of another algorithm than the script's."""
    if values.get("algo", defaults.algo) != defaults.algo:
        what = f"{source} is for {paper_name(values)}"
        raise ConfigError(f"{what}, this script trains {paper_name(config_to_dict(defaults))}")


def _with_file_and_saved(options: _Options, start: C, by_flags: C, description: str, argv: list[str]) -> C:
    """Return the settings: those of the flags, else of the file, else of `start`.

    An environment that is code of the user's own is accepted from the flags only: a file may be anybody's.
    """
    if argv.count("--config_file") + argv.count("--config-file") > 1:
        raise ConfigError("there can be one --config_file only")
    if options.config_file is not None:
        source = f"the config file {options.config_file}"
        values = read_config_file(options.config_file)
        _require_algorithm(values, start, source)
        start = config_from_dict(values, start, source)
    _, config = _parse(start, description, argv)
    if ":" in config.env and config.env != by_flags.env:
        where = options.config_file or options.dump_path
        what = f"{where} names code of its own as the environment"
        raise ConfigError(f"{what}; if you trust it, add --env {shlex.quote(config.env)}")
    return config


def require_same_numbers(config: C, saved: C, run_dir: RunDir) -> None:
    """Raise ConfigError if a setting that a resumed run can't change differs from the saved one."""
    allowed = may_change(type(config))
    for field in dataclasses.fields(config):
        value = getattr(saved, field.name)
        if field.name not in allowed and getattr(config, field.name) != value:
            what = f"the run in {run_dir.path} has {field.name} {value!r}, not {getattr(config, field.name)!r}"
            raise ConfigError(f"{what}; a resumed run can change only {', '.join(allowed)}")


def require_usable(config: Config, defaults: Config) -> None:
    """Check packages, environment, options and size, which needs imports that the default need not wait for."""
    if config.sampler == "ray" and importlib.util.find_spec("ray") is None:
        raise ConfigError("the sampler ray needs the package ray: pip install 'ray>=2.50'")
    if config.track != "none" and importlib.util.find_spec(config.track) is None:
        raise ConfigError(f"track {config.track} needs its package: pip install {config.track}")
    if config.env != defaults.env or config.env_options or config.backend != defaults.backend:
        from experiment_utils.environments import require_env

        require_env(config)
    if config.eval_every:
        from experiment_utils.environments import make_held_out_env

        make_held_out_env(config).close()
    if config.meta_batch_size * config.rollouts_per_meta_task * config.max_path_length > LARGE:
        from experiment_utils.environments import make_env
        from experiment_utils.memory import require_memory

        require_memory(config, make_env(config, num_threads=1))


def _families() -> str:
    from meta_policy_search.envs import FAMILIES

    return f"Task families for --env: {', '.join(FAMILIES)}. What they are: docs/environments.md."
