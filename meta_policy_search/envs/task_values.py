"""Tasks in Python's own types, copies of them, and which are equal."""

import copy
from collections.abc import Hashable

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


def copy_of(task: Task) -> Task:
    """A task of one's own: what an environment does to it, no other meets. One that can't be copied is shared as it is."""
    try:
        return copy.deepcopy(task)
    except Exception:  # objects have their own
        return task


def task_key(task: Task) -> Hashable:
    """Return what is equal for equal tasks; None for objects that can't be compared so."""
    if isinstance(task, np.ndarray | np.generic):
        return (np.shape(task), *np.ravel(task).tolist())
    if isinstance(task, dict):
        parts = [task_key(part) for part in task.values()]
        return None if None in parts else frozenset(zip(task, parts, strict=True))
    if isinstance(task, tuple | list):
        parts = [task_key(part) for part in task]
        return None if None in parts else (type(task).__name__, *parts)
    if isinstance(task, bool | int | float | str):
        return ((), task)
    return None
