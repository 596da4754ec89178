"""Tasks of any type that environments draw: JSON gives back the drawn type, or says that it can't."""

import enum
from typing import NamedTuple

import numpy as np
import pytest

from experiment_utils.evaluation.tasks import parse_task, task_text
from experiment_utils.validation import ConfigError


class Pair(NamedTuple):
    """A task with names."""

    x: float
    name: str


class Direction(enum.StrEnum):
    """A task that is a word, and more than that."""

    LEFT = "left"


@pytest.mark.parametrize(
    ("word", "like", "task"),
    [
        ("1", 2.0, 1.0),
        ("1", 2, 1),
        ("true", False, True),
        ("true", np.bool_(False), np.bool_(True)),
        ('"left"', "right", "left"),
        ('"left"', np.str_("right"), np.str_("left")),
        ("null", None, None),
        ("[0, 1]", (1, 0), (0, 1)),
        ("[0.5, 1]", [1.5, 2.5], [0.5, 1.0]),
        ('[[0, 1], {"on": true}]', ((1, 0), {"on": False}), ((0, 1), {"on": True})),
        ('{"goal": ["a", 1], "7": 2}', {"goal": ("b", 2), 7: 1}, {"goal": ("a", 1), 7: 2}),
        ('[1, "a"]', Pair(2.0, "b"), Pair(1.0, "a")),
        ("1", np.float32(2), np.float32(1)),
        ("200", np.uint8(2), np.uint8(200)),
    ],
)
def test_json_gives_back_the_drawn_type(word, like, task):
    parsed = parse_task(word, like)
    assert parsed == task
    assert type(parsed) is type(task)
    parts = parsed if isinstance(parsed, tuple | list) else [parsed]
    assert [type(part) for part in parts] == [type(part) for part in (task if isinstance(task, tuple | list) else [task])]


def test_arrays_of_truth_values_and_words_are_given_back_too():
    np.testing.assert_array_equal(parse_task("[true, false]", np.zeros(2, bool)), [True, False])
    np.testing.assert_array_equal(parse_task('["up", "down"]', np.array(["a", "b"])), ["up", "down"])


@pytest.mark.parametrize(
    ("word", "like", "message"),
    [
        ("1", True, "is 1; it must be like true"),
        ("true", 1, "is true; it must be like 1"),
        ("1", "left", 'it must be like "left"'),
        ("[1]", (1, 2), r"is \[1\]; it must be like \[1, 2\]"),
        ('[1, "a"]', (1, 2), 'entry 1 .* is "a"; it must be like 2'),
        ("300", np.uint8(2), "it must be like 2"),
        ('"left"', Direction.LEFT, "tasks of this family are Direction, which --tasks can't give"),
        ("[1]", {1, 2}, "tasks of this family are set, which --tasks can't give"),
    ],
)
def test_what_is_of_another_type_is_named(word, like, message):
    with pytest.raises(ConfigError, match=message):
        parse_task(word, like)


def test_a_table_names_tasks_of_all_types():
    tasks = [True, np.bool_(False), "left", None, (0, 1), {"goal": np.array([1 / 3, 2.0])}, Direction.LEFT, np.arange(99)]
    texts = ["True", "False", "left", "None", "(0, 1)", "{'goal': [0.3333, 2.0]}", "left", ""]
    assert [task_text(task) for task in tasks] == texts
