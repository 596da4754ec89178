"""Where the tasks of training come from: the family's own distribution, a fixed set of it, a curriculum."""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import SimulationError, Task, Tasks
from meta_policy_search.envs.batch_env import BatchEnv
from meta_policy_search.envs.task_values import task_key

ATTEMPTS = 1000  # draws for each task that is wanted, after which there are no more such tasks


class TaskSource:
    """Draws the tasks of every sampling round; this one from the family's own distribution. The base of all others.

    A subclass defines what it needs. What it draws must depend on nothing but `rng` and its `state`, which is saved in the
    checkpoint: then a resumed run is exact.
    """

    def sample_tasks(self, env: BatchEnv, n_tasks: int, rng: np.random.Generator) -> Tasks:
        """`n_tasks` tasks of a meta-iteration.

        Raises:
          SimulationError: there are none, or the environment raised.
        """
        return env.sample_tasks(n_tasks, rng)

    def observe(self, tasks: Tasks, returns: np.ndarray) -> None:
        """Called after every meta-update with its tasks and their mean returns [N] after adaptation.

        The return of a task of which no episode was finished is NaN.
        """

    def held_out(self) -> "TaskSource | None":
        """What draws tasks that this source never draws; None if only the family can say which they are."""

    def metrics(self) -> dict[str, float]:
        """What the log says of it, the same keys in every iteration."""
        return {}

    def state(self) -> Any:
        """What later draws depend on, as JSON. None: nothing."""

    def restore(self, state: Any) -> None:
        """Take over the `state` of a checkpoint.

        Raises:
          ValueError, KeyError or TypeError: it is not valid.
        """


class FixedTasks(TaskSource):
    """The same tasks in all of training; each comes once before any comes again. All others are held out.

    Args:
      tasks: of which there is at least one.
    """

    def __init__(self, tasks: Tasks):
        if len(tasks) == 0:
            raise ValueError("there must be at least one task to train on")
        self.tasks = list(tasks)

    @classmethod
    def drawn(cls, env: BatchEnv, n_tasks: int, rng: np.random.Generator) -> "FixedTasks":
        """`n_tasks` different tasks, drawn from the family.

        Raises:
          SimulationError: it has fewer, or the environment raised.
        """
        return cls(_different(env, n_tasks, rng))

    @override
    def sample_tasks(self, env: BatchEnv, n_tasks: int, rng: np.random.Generator) -> Tasks:
        rounds = math.ceil(n_tasks / len(self.tasks))
        order = np.concatenate([rng.permutation(len(self.tasks)) for _ in range(rounds)])
        return [self.tasks[i] for i in order[:n_tasks]]

    @override
    def held_out(self) -> TaskSource:
        return OtherTasks(self.tasks)


class OtherTasks(TaskSource):
    """The family's distribution without some tasks.

    Args:
      tasks: that are never drawn.
    """

    def __init__(self, tasks: Tasks):
        self._known = {_key(task) for task in tasks}

    @override
    def sample_tasks(self, env: BatchEnv, n_tasks: int, rng: np.random.Generator) -> Tasks:
        return _accepted(env, n_tasks, rng, lambda task: _key(task) not in self._known, "that training doesn't draw")


class Curriculum(TaskSource):
    """Harder tasks once the easier ones are solved: those of the family up to a difficulty that rises by levels.

    After a meta-update whose tasks had a mean return of `promote_at` or more after adaptation, the next level begins.

    Args:
      difficulty: of a task.
      levels: the highest difficulty that is drawn, level after level.
      promote_at: the return that ends a level.
    """

    def __init__(self, difficulty: Callable[[Task], float], *, levels: Sequence[float], promote_at: float):
        if len(levels) == 0:
            raise ValueError("a curriculum needs at least one level")
        self._difficulty, self._levels, self._promote_at = difficulty, tuple(levels), promote_at
        self.level = 0

    @override
    def sample_tasks(self, env: BatchEnv, n_tasks: int, rng: np.random.Generator) -> Tasks:
        highest = self._levels[self.level]
        return _accepted(env, n_tasks, rng, lambda task: self._difficulty(task) <= highest, f"up to difficulty {highest}")

    @override
    def observe(self, tasks: Tasks, returns: np.ndarray) -> None:
        finished = returns[~np.isnan(returns)]
        if len(finished) and finished.mean() >= self._promote_at:
            self.level = min(self.level + 1, len(self._levels) - 1)

    @override
    def metrics(self) -> dict[str, float]:
        return {"CurriculumLevel": float(self.level)}

    @override
    def state(self) -> dict[str, int]:
        return {"level": self.level}

    @override
    def restore(self, state: Mapping[str, int]) -> None:
        if type(state["level"]) is not int or not 0 <= state["level"] < len(self._levels):
            raise ValueError(f"the level {state['level']!r} of the curriculum is none of {len(self._levels)}")
        self.level = state["level"]


def _accepted(
    env: BatchEnv, n_tasks: int, rng: np.random.Generator, accepts: Callable[[Task], bool], which: str
) -> list[Task]:
    """The first `n_tasks` draws of the family that are accepted; `which` says of them which they are."""
    found: list[Task] = []
    for _ in range(ATTEMPTS):
        found += [task for task in env.sample_tasks(n_tasks, rng) if accepts(task)]
        if len(found) >= n_tasks:
            return found[:n_tasks]
    raise SimulationError(f"{n_tasks * ATTEMPTS} draws of {env.family_name} gave {len(found)} tasks {which}", [])


def _different(env: BatchEnv, n_tasks: int, rng: np.random.Generator) -> list[Task]:
    known: set[Hashable] = set()

    def is_new(task: Task) -> bool:
        before = len(known)
        known.add(_key(task))
        return len(known) > before

    return _accepted(env, n_tasks, rng, is_new, "that differ")


def _key(task: Task) -> Hashable:
    """What is equal for equal tasks."""
    key = task_key(task)
    if key is None:
        raise SimulationError(f"tasks of the type {type(task).__name__} can't be compared, so none can be held out", [])
    return key
