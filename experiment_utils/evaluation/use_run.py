"""What the scripts that use a trained run share: flags, and how they begin, fail and end."""

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, TypeVar

import tyro

from experiment_utils.algorithms import import_algorithms
from experiment_utils.cli import parse_arguments
from experiment_utils.config import ConfigError, Natural, Validated
from experiment_utils.experiment import configure_tensorflow
from experiment_utils.runs.run_dir import RunDir
from experiment_utils.script import fail, say, show_notes


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunArgs(Validated):
    """Which policy to use. Scripts add fields of their own."""

    run_dir: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="RUN_DIR")]]
    """The folder of a run."""
    itr: str = "best"
    """The policy: best, last, or an iteration that the run has kept."""
    seed: Natural = 0
    """Seed of all random draws."""
    env: str | None = None
    """The run's environment, where it is not the package's own: its code will be executed."""

    algorithm: str | None = None
    """The module or .py file that registers the run's algorithm, where it is your own: its code will be executed."""

    def check(self) -> None:
        """Raise ConfigError for what can't be done, as far as that is seen without TensorFlow."""


R = TypeVar("R", bound=RunArgs)


def use_run(kind: type[R], description: str, argv: list[str] | None, act: Callable[[R], Iterable], failed: str) -> int:
    """The main function of a script; returns the exit code. A mistake is answered before TensorFlow is loaded.

    Args:
      kind: dataclass of the arguments.
      act: does it; returns what to print, a line each.
      failed: what to say where a simulation or an adaptation gives up, after the reason.
    """
    try:
        args = parse_arguments(kind, description, argv)
        args.check()
        RunDir(args.run_dir).require_config()
        if args.algorithm is not None:
            import_algorithms(args.algorithm)
    except ConfigError as error:
        return fail(str(error))
    configure_tensorflow()
    from meta_policy_search.meta_trainer import AdaptationError
    from meta_policy_search.samplers.meta_sampler import SamplingError

    try:
        say(act(args))
    except ConfigError as error:
        show_notes(error)
        return fail(str(error))
    except OSError as error:
        return fail(f"can't write {error.filename or args.run_dir} ({error.strerror or error})")
    except (AdaptationError, SamplingError) as error:
        show_notes(error)
        return fail(f"{error}; {failed}", code=1)
    return 0
