"""What the scripts that use a trained run share: flags, and how they begin, fail and end."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import tyro

from experiment_utils.cli import parse_arguments
from experiment_utils.evaluation.saved_policy import check_tasks, find_policy
from experiment_utils.own_algorithms import import_algorithms
from experiment_utils.script import run_script, say
from experiment_utils.tensorflow_setup import configure_tensorflow
from experiment_utils.validation import Natural, Validated
from meta_policy_search.envs.base import SimulationError
from meta_policy_search.utils.reported_error import ReportedError


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunArgs(Validated):
    """Which policy to use. Scripts add fields of their own."""

    run_dir: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="RUN_DIR")]]
    """The directory of a run."""
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
        config, _ = find_policy(self.run_dir, self.itr, self.env, self.of_held_out)
        if self.task_words:
            check_tasks(self.task_words, config)

    @property
    def of_held_out(self) -> bool:
        """Whether the tasks are those that training never draws."""
        return False

    @property
    def task_words(self) -> Sequence[str]:
        """The tasks that the user named; none by default."""
        return ()


R = TypeVar("R", bound=RunArgs)


class UnusedRun(ReportedError):
    """What a run has trained could not be used to the end: why."""

    exit_code = 1


def use_run(
    kind: type[R], description: str, argv: list[str] | None, act: Callable[[R], Iterable[object]], failed: str
) -> int:
    """The main function of a script; returns the exit code. A mistake is answered before TensorFlow is loaded.

    Args:
      kind: dataclass of the arguments.
      act: does it; returns what to print, a line each.
      failed: what to say where a simulation or an adaptation gives up, after the reason.
    """
    return run_script(lambda: _use(parse_arguments(kind, description, argv), act, failed))


def _use(args: R, act: Callable[[R], Iterable[object]], failed: str) -> None:
    if args.algorithm is not None:
        import_algorithms(args.algorithm)
    args.check()
    configure_tensorflow()
    from meta_policy_search.adaptation import AdaptationError
    from meta_policy_search.samplers.meta_sampler import SamplingError

    try:
        say(act(args))
    except (AdaptationError, SamplingError, SimulationError) as error:
        raise UnusedRun(f"{error}; {failed}") from error
