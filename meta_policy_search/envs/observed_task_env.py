"""Environments that show their task: the oracle that a policy which must find it out is compared with."""

from collections.abc import Iterator

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import Task, Tasks
from meta_policy_search.envs.wrapped_env import WrappedEnv


class ObservedTaskEnv(WrappedEnv):
    """M environments of a family whose observation ends with the task, flattened: [O] -> [O + size of a task].

    Arguments of `WrappedEnv`.

    Raises:
      ValueError: a task has something in it that is no number.
    """

    @override
    def set_tasks(self, tasks: Tasks) -> None:
        super().set_tasks(tasks)
        self._vectors = np.stack([task_vector(task) for task in tasks])

    @override
    def extra(self, envs: np.ndarray) -> np.ndarray:
        return self._vectors[envs]


def task_vector(task: Task) -> np.ndarray:
    """All numbers of a task one after the other, float64 [size]; those of a dict in its order.

    Raises:
      ValueError: something in it is no number.
    """
    parts = [np.asarray(part) for part in _parts(task)]
    if not parts or any(part.dtype.kind not in "biuf" for part in parts):
        raise ValueError(f"the task {task!r} can't be observed: it is not made of numbers")
    return np.concatenate([part.ravel().astype(np.float64) for part in parts])


def _parts(task: Task) -> Iterator[Task]:
    if isinstance(task, dict | tuple | list):
        for part in task.values() if isinstance(task, dict) else task:
            yield from _parts(part)
    else:
        yield task
