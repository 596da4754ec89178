"""Tasks in Python's own types."""

import numpy as np

from meta_policy_search.envs.base import Task


def plain(task: Task) -> Task:
    """The task with Python's numbers and lists for numpy's, which a message can show."""
    match task:
        case np.ndarray() | np.generic():
            return task.tolist()
        case dict():
            return {plain(name): plain(value) for name, value in task.items()}
        case list():
            return [plain(value) for value in task]
        case tuple():
            return tuple(plain(value) for value in task)
    return task
