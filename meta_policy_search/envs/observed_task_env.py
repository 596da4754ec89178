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
      ValueError: a task has something in it that is no number, other keys than another, or more or fewer numbers.
    """

    @override
    def set_tasks(self, tasks: Tasks) -> None:
        super().set_tasks(tasks)
        self._first = getattr(self, "_first", tasks[0])  # the family's default task
        vectors = [task_vector(task, self._first) for task in tasks]
        sizes = sorted({len(vector) for vector in vectors})
        if len(sizes) > 1:
            raise ValueError(f"tasks of {sizes[0]} and of {sizes[1]} numbers can't be observed: an observation has one size")
        self._vectors = np.stack(vectors)

    @override
    def extra(self, envs: np.ndarray) -> np.ndarray:
        return self._vectors[envs]


def task_vector(task: Task, like: Task = None) -> np.ndarray:
    """All numbers of a task one after the other, float64 [size].

    Args:
      like: a task whose dicts say in which order theirs are; None for each dict's own order.

    Raises:
      ValueError: something in it is no number, or a dict has other keys.
    """
    parts = [np.asarray(part) for part in _parts(task, like)]
    if not parts or any(part.dtype.kind not in "biuf" for part in parts):
        raise ValueError(f"the task {task!r} can't be observed: it is not made of numbers")
    return np.concatenate([part.ravel().astype(np.float64) for part in parts])


def _parts(task: Task, like: Task) -> Iterator[Task]:
    if isinstance(task, dict):
        names = like if isinstance(like, dict) else task
        if task.keys() != names.keys():
            raise ValueError(f"the task {task!r} can't be observed: it has other keys than {like!r}")
        for name, part in names.items():
            yield from _parts(task[name], part)
    elif isinstance(task, tuple | list):
        others = like if isinstance(like, tuple | list) and len(like) == len(task) else [None] * len(task)
        for part, other in zip(task, others, strict=True):
            yield from _parts(part, other)
    else:
        yield task
