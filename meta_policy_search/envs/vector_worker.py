"""What runs in a worker process: some single environments, stepped one after the other. TensorFlow is not loaded here."""

import dataclasses
import faulthandler
import multiprocessing
import pickle  # noqa: TID251, what the process wrote that started this one
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector.utils import batch_space
from typing_extensions import override

from meta_policy_search.envs.base import Info, SimulationError, Task, Tasks
from meta_policy_search.envs.environment_errors import described, simulation_error
from meta_policy_search.envs.single_env import Make, SingleEnv
from meta_policy_search.envs.spaces import kind_of

Argument = TypeVar("Argument")

NONE = -1  # no seed: leave this environment alone; no environment: nothing failed


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a shard returns besides the observations: arrays [m], or why it can't. gymnasium leaves one object as it is."""

    rewards: np.ndarray
    ended: np.ndarray
    infos: Mapping[str, np.ndarray]
    failure: SimulationError | None = None


class EnvShard(gymnasium.Env[np.ndarray, np.ndarray]):
    """m environments as one: observations [m, O], actions [m, ...], and an `Answer` as "answer" in the info dict.

    Args:
      make: makes one environment.
      observation_space, action_space: of one `SingleEnv`.
      worker: the number of this shard; its environments have the indices worker * m, ..., worker * m + m - 1.
      num_envs: m.
      scratch: a file with one integer per worker, in which this one notes which environment it is busy with, so that
        somebody knows if it dies of it.
    """

    def __init__(
        self, make: Make, observation_space: Box, action_space: Box | Discrete, *, worker: int, num_envs: int, scratch: str
    ):
        self.observation_space = batch_space(observation_space, num_envs)
        self.action_space = batch_space(action_space, num_envs)
        self._single_action_space = action_space
        self._make, self._worker, self._scratch = make, worker, scratch
        self._indices = range(worker * num_envs, (worker + 1) * num_envs)
        self._envs: list[SingleEnv] = []
        self._observations = np.zeros((num_envs, *observation_space.shape))
        self._rewards, self._ended = np.zeros(num_envs), np.zeros(num_envs, bool)
        self._infos: list[Info] = [{}] * num_envs
        self.new_tasks: bytes | Tasks | None = None  # [m] from the next reset on, from `pack_tasks`
        self._waiting: dict[int, Task] = {}  # those of environments that were not reset since

    @override
    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, Info]:
        """Resets the environments whose entry in options["seeds"], shape [M], is not NONE. Both options are needed."""
        if options is None:
            raise ValueError("EnvShard.reset needs the options seeds and new_round")
        if not self._envs:
            self._become_a_worker()
        seeds = options["seeds"][self._indices.start : self._indices.stop]
        failure = self._for_all(self._begin_round if options["new_round"] else self._reset, seeds)
        return self._observations, {"answer": Answer(self._rewards, self._ended, {}, failure)}

    @override
    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, Info]:
        failure = self._for_all(self._step, action)
        answer = Answer(self._rewards, self._ended, numbers_of_all(self._infos), failure)
        return self._observations, 0.0, False, False, {"answer": answer}

    def close_envs(self) -> SimulationError | None:
        """Closes all environments, also after one that raised; returns the first failure."""
        envs, self._envs = self._envs, []
        failures = [self._attempt(i, env.close) for i, env in enumerate(envs)]
        return next((failure for failure in failures if failure is not None), None)

    @override
    def close(self) -> None:
        """Closes what `close_envs` has not; nobody is left to hear of a failure."""
        self.close_envs()

    def _become_a_worker(self) -> None:
        if multiprocessing.parent_process() is not None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the trainer's affair
            faulthandler.enable()
        self._busy_with = np.memmap(self._scratch, int, mode="r+")

    def _for_all(self, method: Callable[[int, Argument], None], arguments: Iterable[Argument]) -> SimulationError | None:
        """Calls method(i, arguments[i]) for the environments i until one fails; returns the failure."""
        for i, argument in enumerate(arguments):
            failure = self._attempt(i, method, i, argument)
            if failure is not None:
                return failure
        return None

    def _attempt(self, i: int, method: Callable[..., None], *args: object) -> SimulationError | None:
        """Calls a method of environment i. A failure is returned: not every exception can be sent to the trainer."""
        self._busy_with[self._worker] = self._indices[i]
        try:
            method(*args)
        except SimulationError as failure:
            failure.envs = [self._indices[i]]
            return failure
        except KeyboardInterrupt as error:
            if multiprocessing.parent_process() is None:
                raise
            interrupted = simulation_error(error)  # a worker ignores Ctrl-C, so it is the environment's
            interrupted.envs = [self._indices[i]]
            return interrupted
        self._busy_with[self._worker] = NONE
        return None

    def _begin_round(self, i: int, seed: int) -> None:
        if i == len(self._envs):
            self._envs.append(self._made())
        self._envs[i].seed(int(seed))
        self._reset(i, seed)

    def _made(self) -> SingleEnv:
        try:
            env = SingleEnv(self._make)
        except ValueError as error:
            raise SimulationError(f"the environment can't be used: {error}", []) from error
        shape, wanted = env.observation_space.shape, self._observations.shape[1:]
        if shape != wanted or env.action_space != self._single_action_space:
            both = f"{list(wanted)} and {self._single_action_space}, then {list(shape)} and {env.action_space}"
            raise SimulationError(f"the environment's spaces differ from one to the next: {both}", [])
        return env

    def _reset(self, i: int, seed: int) -> None:
        if seed == NONE:
            return
        if self.new_tasks is not None:
            self._waiting = dict(enumerate(unpack_tasks(self.new_tasks)))
            self.new_tasks = None
        if i in self._waiting:
            self._envs[i].set_task(self._waiting.pop(i))
        self._observations[i], _ = self._envs[i].reset(seed=int(seed))

    def _step(self, i: int, action: np.ndarray) -> None:
        self._observations[i], self._rewards[i], terminated, truncated, self._infos[i] = self._envs[i].step(action)
        self._ended[i] = terminated or truncated


def pack_tasks(tasks: Tasks) -> bytes:
    """The tasks for another process.

    Raises:
      SimulationError: one can't be sent there.
    """
    for task in tasks:
        try:
            pickle.dumps(task)
        except Exception as error:  # pickle has many, and objects have their own
            raise _unsendable(f"a task, {kind_of(task)},", error) from error
    return pickle.dumps(list(tasks))


def unpack_tasks(tasks: bytes | Tasks) -> Tasks:
    """The tasks of `pack_tasks`; what never left its process is as it was."""
    if not isinstance(tasks, bytes):
        return tasks
    try:
        return pickle.loads(tasks)  # noqa: S301, likewise
    except Exception as error:  # as above
        raise _unsendable("a task", error) from error


def numbers_of_all(infos: Sequence[Mapping[str, object]]) -> dict[str, np.ndarray]:
    """What is a number in the infos of all environments, by name, [m] each."""
    columns = {name: [_as_float(info.get(name)) for info in infos] for name in infos[0] if isinstance(name, str)}
    return {name: np.array(values) for name, values in columns.items() if None not in values}


def _as_float(value: object) -> float | None:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if not isinstance(value, int | float | np.integer | np.floating | np.bool_):
        return None
    try:
        return float(value)
    except OverflowError:  # a whole number beyond all floats
        return None


def _unsendable(what: str, error: Exception) -> SimulationError:
    remedy = "--no_parallel (parallel=False) simulates without other processes"
    return SimulationError(f"{what} can't be sent to a worker process: {described(error)}; {remedy}", [])
