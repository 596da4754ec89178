"""Tasks as a user writes them: JSON, by the example of one that the family draws. Nothing here loads TensorFlow."""

import enum
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiment_utils.config import Json
from experiment_utils.validation import ConfigError
from meta_policy_search.envs.base import Task
from meta_policy_search.envs.environment_errors import one_line
from meta_policy_search.envs.task_values import plain

LONGEST = 60  # characters of a task

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
    """A JSON value as what `like` is: a number, a truth value, a word, None, an array, or a tuple, list or dict of such."""
    match like:
        case enum.Enum():
            pass  # JSON has its value, which is not the task
        case dict():
            return _as_dict(value, like, where)
        case tuple() | list():
            return _as_sequence(value, like, where)
        case bool() | str() | None | np.bool_():
            example = like.item() if isinstance(like, np.generic) else like
            if type(value) is not type(example):
                raise _unlike(value, example, where)
            return value if like is None else type(like)(value)
        case int() | float() | np.number() | np.ndarray():
            return _as_numbers(value, like, where)
    raise ConfigError(f"tasks of this family are {type(like).__name__}, which --tasks can't give")


def task_text(task: Task) -> str:
    """A task in a table: a value or a short vector; nothing of what is longer than a line has room for."""
    text = one_line(_rounded(plain(task)), LONGEST + 1)
    return text if len(text) <= LONGEST else ""


def _as_dict(value: Json, like: dict[Any, Task], where: str) -> dict[Any, Task]:
    names = {str(name): name for name in like}  # JSON has only words for names
    if not isinstance(value, dict) or set(value) != set(names):
        raise ConfigError(f"{where} is {_short(value)}; it must be an object with {', '.join(names)}")
    return {name: as_task(value[word], like[name], f"{word} of {where}") for word, name in names.items()}


def _as_sequence(value: Json, like: tuple[Task, ...] | list[Task], where: str) -> tuple[Task, ...] | list[Task]:
    if not isinstance(value, list) or len(value) != len(like):
        raise _unlike(value, plain(like), where)
    values = [as_task(*pair, f"entry {i} of {where}") for i, pair in enumerate(zip(value, like, strict=True))]
    make: Callable[..., tuple[Task, ...] | list[Task]] = type(like)
    return make(*values) if hasattr(like, "_fields") else make(values)


def _as_numbers(value: Json, like: float | np.number | np.ndarray, where: str) -> Task:
    example = np.asarray(like)
    try:
        array = np.asarray(value)
    except ValueError:  # a ragged list
        array = np.asarray(None)
    kinds = {"f": "iuf", "i": "iu", "u": "iu", "b": "b", "U": "U"}.get(example.dtype.kind, "")
    fits = array.dtype.kind in kinds and array.shape == example.shape
    if not fits or (array.dtype.kind == "f" and not np.isfinite(array).all()):
        raise _unlike(value, example.tolist(), where)
    own = array if example.dtype.kind == "U" else array.astype(example.dtype)
    if example.dtype.kind in "iu" and (own != array).any():
        raise _unlike(value, example.tolist(), where)
    return own if isinstance(like, np.ndarray) else type(like)(own[()])


def _unlike(value: Json, like: object, where: str) -> ConfigError:
    return ConfigError(f"{where} is {_short(value)}; it must be like {_short(like)}")


def _rounded(task: Task) -> Task:
    match task:
        case float():
            return round(task, 4)
        case dict():
            return {name: _rounded(value) for name, value in task.items()}
        case list():
            return [_rounded(value) for value in task]
        case tuple():
            return tuple(_rounded(value) for value in task)
    return task


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


def _short(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
