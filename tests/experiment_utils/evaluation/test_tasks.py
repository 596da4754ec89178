import json
import re

import numpy as np
import pytest

from experiment_utils.algorithm_configs import ProMPConfig
from experiment_utils.evaluation.saved_policy import check_tasks
from experiment_utils.evaluation.tasks import parse_task, parse_tasks, task_text
from experiment_utils.validation import ConfigError
from meta_policy_search.envs import FAMILIES, load_class

BODY = {"body_mass": np.ones(2), "geom_friction": np.ones((1, 3))}


def test_numbers_become_numbers_of_the_familys_kind():
    tasks = parse_tasks(["1", "-0.5"], like=np.float64(2.0))
    assert tasks == [1.0, -0.5]
    assert all(type(task) is np.float64 for task in tasks)
    assert parse_tasks(["3"], like=np.int64(1))[0].dtype == np.int64


def test_vectors_become_arrays_and_objects_dicts_of_arrays():
    (vector,) = parse_tasks(["[1, 2]"], like=np.zeros(2))
    np.testing.assert_array_equal(vector, [1.0, 2.0])
    (body,) = parse_tasks(['{"body_mass": [1, 2], "geom_friction": [[1, 2, 3]]}'], like=BODY)
    np.testing.assert_array_equal(body["geom_friction"], [[1.0, 2.0, 3.0]])
    assert body["body_mass"].dtype == np.float64


def test_a_file_holds_a_list_of_tasks(tmp_path):
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps([[1, 2], [3, 4]]))
    tasks = parse_tasks([str(path), "[5, 6]"], like=np.zeros(2))
    np.testing.assert_array_equal(tasks, [[1, 2], [3, 4], [5, 6]])


def test_where_one_task_is_wanted_a_list_gets_a_sentence(tmp_path):
    path = tmp_path / "tasks.json"
    path.write_text("[1, 2]")
    assert parse_task("-1", like=np.float64(1)) == -1
    with pytest.raises(ConfigError, match="holds 2 tasks; one is wanted"):
        parse_task(str(path), like=np.float64(1))


@pytest.mark.parametrize(
    ("words", "like", "message"),
    [
        (["[1, 2"], np.zeros(2), r"'\[1, 2' is not JSON"),
        (["1", "[1, 2, 3]"], np.float64(1), r"task 1 is \[1, 2, 3\]; it must be like 1.0"),
        (["1"], np.zeros(2), r"task 0 is 1; it must be like \[0.0, 0.0\]"),
        (["[[1, 2], [3]]"], np.zeros(2), "it must be like"),
        (["0.5"], np.int64(3), "task 0 is 0.5; it must be like 3"),
        (["NaN"], np.float64(1), "it must be like"),
        (['"left"'], np.float64(1), "it must be like"),
        (["true"], np.float64(1), "it must be like"),
        (['{"body_mass": [1, 2]}'], BODY, "must be an object with body_mass, geom_friction"),
        (['{"body_mass": [1], "geom_friction": [[1, 2, 3]]}'], BODY, "body_mass of task 0 is"),
        (["1"], object(), "tasks of this family are object, which --tasks can't give"),
        ([], np.float64(1), "there is no task in"),
        (["no.json"], np.float64(1), "can't read the tasks in no.json: No such file"),
    ],
)
def test_what_is_no_task_of_the_family_is_named(words, like, message):
    with pytest.raises(ConfigError, match=message):
        parse_tasks(words, like)


def test_a_task_stands_in_a_table_if_it_is_short():
    assert task_text(np.float64(1 / 3)) == "0.3333"
    assert task_text(np.array([2.0, -2.0])) == "[2.0, -2.0]"
    assert task_text(BODY) == ""


@pytest.mark.parametrize(
    ("env", "words", "sentence"),
    [
        ("HalfCheetahRandDirecEnv", "5", "the task is 5.0; it must be -1 or 1"),
        ("AntRandDirec2DEnv", "[2, 2]", "it must be a direction of length 1"),
        ("MetaPointEnv1D", "0", "it must be -1 or 1"),
        ("MetaPointEnvCorner", "[1, 1]", "it must be a corner"),
        ("MetaPointEnvMomentum", "[0, 0]", "it must be a corner"),
        ("GridNavigationEnv", "[5, 0]", "it must be a cell from"),
        ("GridNavigationEnv", "[2, 2]", "it must be a cell from"),
    ],
)
def test_a_task_that_is_none_of_the_family_is_refused(env, words, sentence):
    with pytest.raises(ConfigError, match=f"{env} has no such task: .*{re.escape(sentence)}"):
        check_tasks([words], ProMPConfig(env=env))


@pytest.mark.parametrize("env", FAMILIES)
def test_every_task_that_a_family_draws_is_one_of_the_family(env):
    family = load_class(FAMILIES[env])()
    for task in [*family.draw_tasks(50, np.random.default_rng(0)), family.default_task()]:
        family.require_task(task)
