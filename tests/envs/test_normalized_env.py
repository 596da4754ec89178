"""The action scaling of the paper's experiments."""

import copy

import gymnasium
import numpy as np
import pytest

from meta_policy_search.envs import FAMILIES, load_class
from meta_policy_search.envs.base import BatchStep
from meta_policy_search.envs.normalized_env import NormalizedEnv, scale_actions


class Echo:
    """Answers with the actions that it gets."""

    def __init__(self, action_space):
        self.action_space = action_space

    def step_envs(self, actions):
        return BatchStep(actions, np.zeros(len(actions)), np.zeros(len(actions), bool), {})


def test_ten_is_the_end_of_the_range_and_more_is_clipped():
    space = gymnasium.spaces.Box(np.array([-0.4, 0.0], np.float32), np.array([0.4, 3.0], np.float32))
    scaled = scale_actions(np.array([[-10.0, -10.0], [10.0, 10.0], [0.0, 0.0], [5.0, -5.0], [12.0, -99.0]]), space)
    np.testing.assert_allclose(scaled, [[-0.4, 0], [0.4, 3], [0, 1.5], [0.2, 0.75], [0.4, 0]], rtol=1e-6, atol=1e-7)


def test_a_policy_of_standard_deviation_one_moves_a_tenth_of_the_half_range():
    env = NormalizedEnv(load_class(FAMILIES["HalfCheetahRandDirecEnv"])())
    assert (env.action_space.low == -10).all()
    assert (env.action_space.high == 10).all()
    np.testing.assert_allclose(scale_actions(np.ones(6), env.env.action_space), 0.1)


def test_the_wrapped_environment_gets_the_scaled_actions():
    env = NormalizedEnv(Echo(gymnasium.spaces.Box(-0.4, 0.4, (2,), np.float32)))
    np.testing.assert_allclose(env.step_envs(np.array([[25.0, -2.5]])).observations, [[0.4, -0.1]], rtol=1e-6)


def test_discrete_actions_pass_through():
    env = NormalizedEnv(Echo(gymnasium.spaces.Discrete(4)))
    assert env.action_space == gymnasium.spaces.Discrete(4)
    np.testing.assert_array_equal(env.step_envs(np.array([3, 0])).observations, [3, 0])


def test_the_rest_is_the_wrapped_environments():
    env = NormalizedEnv(load_class(FAMILIES["HopperRandParamsEnv"])()).batch(3)
    assert isinstance(env, NormalizedEnv)
    assert (env.num_envs, env.observation_space.shape, env.dt) == (3, (11,), 0.016)


def test_discrete_actions_begin_where_the_wrapped_space_does():
    env = NormalizedEnv(Echo(gymnasium.spaces.Discrete(3, start=1)))
    assert env.action_space == gymnasium.spaces.Discrete(3)
    np.testing.assert_array_equal(env.step_envs(np.array([2, 0])).observations, [3, 1])


@pytest.mark.parametrize(
    ("family", "action"), [("HalfCheetahRandDirecEnv", np.full(6, 10.0)), ("MetaPointEnvCorner", [1, 1])]
)
def test_one_step_is_scaled_as_a_step_of_the_batch_is(family, action):
    env, batch = (NormalizedEnv(load_class(FAMILIES[family])()) for _ in range(2))
    env.reset(seed=1)
    batch.reset(seed=1)
    observation, reward, _, _, infos = env.step(action)
    together = batch.step_envs(np.array([action]))
    np.testing.assert_array_equal(observation, together.observations[0])
    assert (reward, infos) == (together.rewards[0], {name: value[0] for name, value in together.infos.items()})


def test_a_copy_is_one_of_its_own():
    env = NormalizedEnv(load_class(FAMILIES["MetaPointEnvCorner"])())
    other = copy.deepcopy(env)
    env.reset(seed=1)
    assert (other.env.states == 0).all()
    assert (env.env.states != 0).all()
