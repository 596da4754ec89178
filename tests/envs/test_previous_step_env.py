"""What RL2's environment shows of the step before."""

import functools

import numpy as np

from meta_policy_search.envs.grid_envs.grid_navigation import GridNavigationEnv
from meta_policy_search.envs.point_envs.point_env_2d_momentum import MetaPointEnvMomentum
from meta_policy_search.envs.previous_step_env import PreviousStepEnv


def make(num_envs: int = 2) -> PreviousStepEnv:
    env = PreviousStepEnv(make=functools.partial(MetaPointEnvMomentum, reward_type="dense"), num_envs=num_envs)
    env.set_tasks([[2.0, 2.0]] * num_envs)
    return env


def test_the_observation_ends_with_action_reward_and_whether_an_episode_has_ended():
    env = make()
    first = env.reset_envs(np.random.default_rng(0))
    assert env.observation_space.shape == (4 + 2 + 2,)
    assert (first[:, 4:] == 0).all()
    step = env.step_envs(np.array([[0.05, -0.1], [7.0, 0.0]]))  # in [-0.1, 0.1], so 7 is 0.1
    np.testing.assert_allclose(step.observations[:, 4:6], [[0.5, -1.0], [1.0, 0.0]], atol=1e-6)
    np.testing.assert_array_equal(step.observations[:, 6], step.rewards)
    assert (step.observations[:, 7] == 0).all()


def test_the_end_of_an_episode_is_shown_once_and_the_last_step_is_kept():
    env = make()
    env.reset_envs(np.random.default_rng(0))
    last = env.step_envs(np.full((2, 2), 0.05))
    begun = env.reset_envs(np.random.default_rng(1), np.array([1]))
    np.testing.assert_array_equal(begun[0, 4:7], last.observations[1, 4:7])
    assert begun[0, 7] == 1
    assert not np.array_equal(begun[0, :4], last.observations[1, :4])
    after = env.step_envs(np.zeros((2, 2)))
    np.testing.assert_array_equal(after.observations[:, 7], [0, 0])


def test_a_new_round_knows_nothing_of_the_one_before():
    env = make()
    env.reset_envs(np.random.default_rng(0))
    env.step_envs(np.full((2, 2), 0.05))
    env.reset_envs(np.random.default_rng(1), np.array([0, 1]))  # all of them, and still no new round
    assert env.extra(np.arange(2)).any()
    assert not env.reset_envs(np.random.default_rng(2))[:, 4:].any()


def test_gymnasiums_reset_begins_anew_or_goes_on_with_the_trial():
    env = make(1)
    env.reset(seed=0)
    last, reward, *_ = env.step(np.array([0.05, -0.1]))
    begun, _ = env.reset(options={"trial_goes_on": True})
    np.testing.assert_array_equal(begun[4:], [*last[4:6], reward, 1.0])
    np.testing.assert_array_equal(env.step(np.zeros(2))[0][-1], 0.0)
    assert not env.reset()[0][4:].any()


def test_a_discrete_action_is_one_of_n():
    env = PreviousStepEnv(make=GridNavigationEnv, num_envs=3)
    env.reset_envs(np.random.default_rng(0))
    size = env.env.observation_space.shape[0]
    shown = env.step_envs(np.array([0, 4, 2])).observations[:, size : size + 5]
    np.testing.assert_array_equal(shown, np.eye(5)[[0, 4, 2]])
