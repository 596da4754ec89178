"""What the code of an environment raises, as a `SimulationError`: one sentence, and the environment's own traceback."""

import contextlib
import traceback
from types import TracebackType

from typing_extensions import override

from meta_policy_search.envs.base import SimulationError

LONGEST_MESSAGE = 300  # characters; the traceback has all of it
LONGEST_TASK = 80  # characters of a task in a message

# modules that only call environments: their frames at the top of a traceback say nothing about the environment
CALLERS = (
    "contextlib",
    "experiment_utils",
    "functools",
    "gymnasium.core",
    "gymnasium.envs.registration",
    "gymnasium.wrappers",
    "importlib",
    "meta_policy_search.envs.base",
    "meta_policy_search.envs.environment_errors",
    "meta_policy_search.envs.gym_compatibility",
    "meta_policy_search.envs.gymnasium_vector_env",
    "meta_policy_search.envs.normalized_env",
    "meta_policy_search.envs.single_env",
    "meta_policy_search.envs.vector_worker",
    "meta_policy_search.samplers",
    "run_scripts",
)


class EnvironmentCode(contextlib.AbstractContextManager["EnvironmentCode", None]):
    """Raises a SimulationError where the code within raises anything but Ctrl-C, also what would end a process or a loop.

    It is no generator: contextlib takes a RuntimeError that is made of a StopIteration for that StopIteration.

    Args:
      passes: kinds of exceptions that are left as they are, besides.
    """

    def __init__(self, *passes: type[BaseException]):
        self._passes = (SimulationError, KeyboardInterrupt, *passes)

    @override
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None and not isinstance(error, self._passes):
            raise simulation_error(error) from error


environment_code = EnvironmentCode()


def simulation_error(error: BaseException) -> SimulationError:
    """The sentence, with the traceback as a note."""
    failure = SimulationError(f"the environment raised {described(error)}", [])
    failure.add_note(own_traceback(error))
    return failure


def described(error: BaseException) -> str:
    """Kind and message of an exception, on one line."""
    message = one_line(error, LONGEST_MESSAGE)
    return f"{type(error).__name__} ({message})" if message else type(error).__name__


def one_line(value: object, length: int) -> str:
    """str(value) on one line of at most so many characters; empty where an object of somebody's can't say what it is."""
    try:
        text = " ".join(str(value).split())
    except Exception:  # whatever it raises, the message that is being made is about something else
        return ""
    return text if len(text) <= length else f"{text[: length - 4]} ..."


def own_traceback(error: BaseException) -> str:
    """The traceback from the first line of the environment's on; without lines where it never gets there."""
    trace = error.__traceback__
    while trace is not None and _only_calls(trace):
        trace = trace.tb_next
    report = traceback.TracebackException(type(error), error, trace)
    return "".join(report.format())


def _only_calls(trace: TracebackType) -> bool:
    module = trace.tb_frame.f_globals.get("__name__", "")
    return any(module == caller or module.startswith(f"{caller}.") for caller in CALLERS)
