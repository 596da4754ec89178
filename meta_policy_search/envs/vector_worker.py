"""What runs in a worker process: some single environments, stepped one after the other. TensorFlow is not loaded here."""

import faulthandler
import inspect
import multiprocessing
import random
import signal
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete, Space
from gymnasium.vector.utils import batch_space

from meta_policy_search.envs.base import Task
from meta_policy_search.envs.gym_compatibility import GymCompatibility

TASK_METHODS = ("sample_tasks", "set_task", "get_task")
NONE = -1  # no seed: leave this environment alone; no environment: nothing failed

Make = Callable[[], gymnasium.Env]


class EnvShard(gymnasium.Env):
    """m environments as one: observations [m, O], actions [m, ...], and all the rest in the info dict.

    The rest is `rewards` [m], `ended` [m], `infos` (name -> [m]), and `failed`: the index of an environment that raised,
    with `complaint` and `traceback`, or NONE. Exceptions are answers, because not every one can be sent to another process.

    Args:
      make: makes one environment.
      observation_space, action_space: of one environment.
      worker: the number of this shard; its environments have the indices worker * m, ..., worker * m + m - 1.
      num_envs: m.
      scratch: a file with one integer per worker, in which this one notes which environment it is busy with, so that
        somebody knows if it dies of it.
    """

    def __init__(
        self, make: Make, observation_space: Space, action_space: Space, *, worker: int, num_envs: int, scratch: str
    ):
        self.observation_space = batch_space(observation_space, num_envs)
        self.action_space = batch_space(action_space, num_envs)
        self._make, self._worker, self._scratch = make, worker, scratch
        self._indices = range(worker * num_envs, (worker + 1) * num_envs)
        self._envs: list[gymnasium.Env] = []
        self._observations = np.zeros(self.observation_space.shape, self.observation_space.dtype)
        self._rewards, self._ended = np.zeros(num_envs), np.zeros(num_envs, bool)
        self._infos: list[dict[str, Any]] = [{}] * num_envs
        self._info_names: list[str] | None = None  # of this round
        self._new_tasks: dict[int, Task] = {}

    @property
    def tasks(self) -> Sequence[Task]:
        """The tasks [m] from the next reset on."""
        return self._tasks

    @tasks.setter
    def tasks(self, tasks: Sequence[Task]) -> None:
        self._tasks, self._new_tasks = tasks, dict(enumerate(tasks))

    def reset(self, *, seed: int | None = None, options: dict[str, Any]) -> tuple[np.ndarray, dict[str, Any]]:
        """Resets the environments whose entry in options["seeds"], shape [M], is not NONE."""
        if not self._envs:
            self._become_a_worker()
        seeds = options["seeds"][self._indices.start : self._indices.stop]
        reset = self._begin_round if options["new_round"] else self._reset
        if options["new_round"]:
            self._info_names = None
        return self._observations, self._for_all(reset, seeds)

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        answer = self._for_all(self._step, action)
        if self._info_names is None:
            self._info_names = [name for name in self._infos[0] if all(_is_number(info.get(name)) for info in self._infos)]
        infos = {name: np.array([info.get(name, np.nan) for info in self._infos], float) for name in self._info_names}
        answer |= {"rewards": self._rewards, "ended": self._ended, "infos": infos}
        return self._observations, 0.0, False, False, answer

    def close(self) -> None:
        for env in self._envs:
            env.close()

    def _become_a_worker(self) -> None:
        if multiprocessing.parent_process() is not None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the trainer's affair
            faulthandler.enable()
        self._busy_with = np.memmap(self._scratch, int, mode="r+")

    def _for_all(self, method: Callable[[int, Any], None], arguments: Iterable[Any]) -> dict[str, Any]:
        """Calls method(i, arguments[i]) for the environments i, and says which one failed."""
        try:
            for i, argument in enumerate(arguments):
                self._busy_with[self._worker] = self._indices[i]
                method(i, argument)
        except Exception as error:  # whatever it is, the trainer is told
            return {"failed": self._indices[i], "complaint": complaint(error), "traceback": traceback.format_exc()}
        self._busy_with[self._worker] = NONE
        return {"failed": NONE}

    def _begin_round(self, i: int, seed: int) -> None:
        if i == len(self._envs):
            self._envs.append(prepare(self._make()))
        seed_everything(self._envs[i], int(seed))
        self._reset(i, seed)

    def _reset(self, i: int, seed: int) -> None:
        if seed == NONE:
            return
        if i in self._new_tasks:
            self._envs[i].get_wrapper_attr("set_task")(self._new_tasks.pop(i))
        self._observations[i], _ = self._envs[i].reset(seed=int(seed))

    def _step(self, i: int, action: np.ndarray) -> None:
        self._observations[i], self._rewards[i], terminated, truncated, self._infos[i] = self._envs[i].step(action)
        self._ended[i] = terminated or truncated


def prepare(env: Any) -> gymnasium.Env:
    """The environment with gymnasium's signatures and a flat observation.

    Raises:
      ValueError: it has no tasks, or a space that no policy of the package fits.
    """
    if not isinstance(env, gymnasium.Env) or "seed" not in inspect.signature(env.reset).parameters:
        env = GymCompatibility(env)
    missing = [name for name in TASK_METHODS if not env.has_wrapper_attr(name)]
    if missing:
        raise ValueError(f"it has no {missing[0]}; meta-training needs {', '.join(TASK_METHODS)}")
    require_action_space(env.action_space)
    if isinstance(env.observation_space, Box) and len(env.observation_space.shape) == 1:
        return env
    if not env.observation_space.is_np_flattenable:
        raise ValueError(f"its observation space {env.observation_space} can't be flattened to a vector of fixed size")
    return gymnasium.wrappers.FlattenObservation(env)


def require_action_space(space: Space) -> None:
    """Complains about a space that no policy of the package fits."""
    if isinstance(space, Discrete):
        return
    if not isinstance(space, Box) or len(space.shape) != 1:
        raise ValueError(f"its action space is {space}; it must be a Discrete or a one-dimensional Box")
    if not (np.isfinite(space.low).all() and np.isfinite(space.high).all()):
        raise ValueError(f"its action space is {space}; it must have finite bounds, to which actions are scaled")


def complaint(error: Exception) -> str:
    """What an environment's exception is called in a message."""
    return f"the environment raised {type(error).__name__} ({error})"


def seed_everything(env: gymnasium.Env, seed: int) -> None:
    """Seeds what an environment might draw from besides its own generator, which `reset(seed=...)` seeds."""
    env.action_space.seed(seed)
    env.observation_space.seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number | np.bool_) or (isinstance(value, np.ndarray) and value.ndim == 0)
