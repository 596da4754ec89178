"""Tasks as a user writes them: JSON, by the example of one that the family draws. Nothing here loads TensorFlow."""

import json
from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np

from experiment_utils.config import ConfigError, Json
from meta_policy_search.envs.base import Task

IN_TRAINING = "in training"  # column of the table of tasks: whether training drew the task


def parse_tasks(words: Sequence[str], like: Task) -> list[Task]:
    """The tasks of some words: JSON each (-1, [2, 2], {"body_mass": [...]}), or a .json file that holds a list of them.

    Args:
      like: a task of the family; the others have its kind and shape.

    Raises:
      ConfigError: there is none, or a word is no JSON, or a task of another kind or shape, or this family's tasks can't be
        written as JSON.
    """
    values = [value for word in words for value in _values(word)]
    if not values:
        raise ConfigError(f"there is no task in {' '.join(words)}")
    return [as_task(value, like, f"task {number}") for number, value in enumerate(values)]


def parse_task(word: str, like: Task) -> Task:
    """The one task of a word; see `parse_tasks`."""
    tasks = parse_tasks([word], like)
    if len(tasks) != 1:
        raise ConfigError(f"{word} holds {len(tasks)} tasks; one is wanted")
    return tasks[0]


def as_task(value: Json, like: Task, where: str) -> Task:
    """A JSON value as what `like` is: a number, an array, or a dict of such."""
    if isinstance(like, dict):
        if not isinstance(value, dict) or set(value) != set(like):
            raise ConfigError(f"{where} is {_short(value)}; it must be an object with {', '.join(map(str, like))}")
        return {name: as_task(value[name], example, f"{name} of {where}") for name, example in like.items()}
    example = np.asarray(like)
    if example.dtype.kind not in "iuf":
        raise ConfigError(f"tasks of this family are {type(like).__name__}, which --tasks can't give")
    try:
        array = np.asarray(value)
    except ValueError:  # a ragged list
        array = np.asarray(None)
    fits = array.dtype.kind in ("iuf" if example.dtype.kind == "f" else "iu") and array.shape == example.shape
    if not fits or not np.isfinite(array).all():
        raise ConfigError(f"{where} is {_short(value)}; it must be like {_short(example.tolist())}")
    array = array.astype(example.dtype)
    return array if isinstance(like, np.ndarray) else array[()]


def task_text(task: Task) -> str:
    """A task in a table: a number or a short vector; nothing of what is longer."""
    return _short(np.round(task, 4).tolist()) if isinstance(task, int | float | np.generic | np.ndarray) else ""


def task_key(task: Task) -> Hashable:
    """Return what is equal for equal tasks; None for objects of which that can't be told."""
    if isinstance(task, np.ndarray | np.generic):
        return (np.shape(task), *np.ravel(task).tolist())
    if isinstance(task, dict):
        parts = [task_key(part) for part in task.values()]
        return None if None in parts else tuple(zip(task, parts, strict=True))
    if isinstance(task, tuple | list):
        parts = [task_key(part) for part in task]
        return None if None in parts else (type(task).__name__, *parts)
    if isinstance(task, bool | int | float | str):
        return ((), task)
    return None


def _values(word: str) -> list[Json]:
    try:
        if not word.endswith(".json"):
            return [json.loads(word)]
        values = json.loads(Path(word).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"can't read the tasks in {word}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"the task {word!r} is not JSON, such as -1 or [2, 2]: {error}") from error
    if not isinstance(values, list):
        raise ConfigError(f"{word} holds no list of tasks")
    return values


def _short(value: Json) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
