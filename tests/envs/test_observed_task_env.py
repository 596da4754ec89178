"""The oracle's environment shows the task and changes nothing else."""

import functools

import numpy as np
import pytest

from experiment_utils.algorithm_configs import ProMPConfig
from experiment_utils.environments import make_env, make_held_out_env
from experiment_utils.validation import ConfigError
from meta_policy_search.envs.gymnasium_vector_env import GymnasiumVectorEnv
from meta_policy_search.envs.mujoco_envs.hopper_rand_params import HopperRandParamsEnv
from meta_policy_search.envs.observed_task_env import ObservedTaskEnv, task_vector
from meta_policy_search.envs.point_envs.point_env_2d_momentum import MetaPointEnvMomentum
from meta_policy_search.envs.task_values import task_key
from tests.envs.own_envs import Quiet


def test_the_observation_ends_with_the_task_and_all_else_is_the_familys():
    goals = np.array([[2.0, -2.0], [-2.0, 2.0], [2.0, 2.0]])
    plain, shown = (
        kind(num_envs=3) for kind in (MetaPointEnvMomentum, functools.partial(ObservedTaskEnv, make=MetaPointEnvMomentum))
    )
    for env in (plain, shown):
        env.set_tasks(goals)
    assert shown.observation_space.shape == (6,)
    first, second = (env.reset_envs(np.random.default_rng(1)) for env in (plain, shown))
    np.testing.assert_array_equal(second, np.hstack([first, goals]))
    again = [env.reset_envs(np.random.default_rng(2), np.array([0, 2])) for env in (plain, shown)]
    np.testing.assert_array_equal(again[1], np.hstack([again[0], goals[[0, 2]]]))
    one, other = (env.step_envs(np.full((3, 2), 0.05)) for env in (plain, shown))
    np.testing.assert_array_equal(other.observations, np.hstack([one.observations, goals]))
    np.testing.assert_array_equal(other.rewards, one.rewards)


def test_a_batch_of_it_shows_each_environments_own_task():
    env = make_env(ProMPConfig(env="HalfCheetahRandVelEnv", observe_task=True, parallel=False)).batch(2)
    env.set_tasks([0.5, 2.5])
    observations = env.reset_envs(np.random.default_rng(0))
    np.testing.assert_array_equal(observations[:, -1], [0.5, 2.5])
    assert observations.shape == (2, 18)
    env.close()


def test_a_task_of_several_arrays_is_shown_one_after_the_other():
    task = HopperRandParamsEnv().draw_tasks(1, np.random.default_rng(0))[0]
    expected = [number for values in task.values() for number in values.ravel()]
    np.testing.assert_array_equal(task_vector(task), expected)
    np.testing.assert_array_equal(task_vector({"a": (1, [True, 2.5])}), [1, 1, 2.5])


def test_equal_tasks_are_shown_alike_whatever_the_order_of_their_keys():
    a, b = {"goal": 1.0, "mass": (2.0, {"x": 3.0, "y": 4.0})}, {"mass": (2.0, {"y": 4.0, "x": 3.0}), "goal": 1.0}
    np.testing.assert_array_equal(task_vector(b, like=a), [1, 2, 3, 4])
    assert task_key(a) == task_key(b) != task_key({**a, "goal": 2.0})
    with pytest.raises(ValueError, match="can't be observed: it has other keys than"):
        task_vector({"goal": 1.0}, like=a)


def test_tasks_of_different_sizes_cannot_be_shown():
    env = ObservedTaskEnv(make=functools.partial(GymnasiumVectorEnv, make=Quiet, parallel=False), num_envs=2)
    with pytest.raises(ValueError, match="tasks of 2 and of 3 numbers can't be observed"):
        env.set_tasks([np.zeros(2), np.zeros(3)])
    env.close()


@pytest.mark.parametrize("task", ["left", {"goal": "left"}, [], None])
def test_a_task_that_is_no_numbers_cannot_be_shown(task):
    with pytest.raises(ValueError, match="can't be observed: it is not made of numbers"):
        task_vector(task)


def test_the_setting_that_shows_the_task_makes_the_observation_larger():
    config = ProMPConfig(env="MetaPointEnvCorner", observe_task=True, parallel=False)
    assert make_env(config).observation_space.shape == (4,)
    with pytest.raises(ConfigError, match="MetaPointEnvCorner has no held-out tasks"):
        make_held_out_env(config)
