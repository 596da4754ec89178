"""ML1, where Meta-World is installed."""

import numpy as np
import pytest

pytest.importorskip("metaworld", reason="Meta-World is installed by hand, see docs/metaworld.md")

from meta_policy_search.envs.gymnasium_vector_env import GymnasiumVectorEnv
from meta_policy_search.envs.metaworld_envs import WELD, ML1PickPlaceEnv, ML1PushEnv, ML1ReachEnv

FAMILIES = [ML1ReachEnv, ML1PushEnv, ML1PickPlaceEnv]


@pytest.mark.parametrize("family", FAMILIES)
def test_train_and_test_goals_are_apart(family):
    train, test = family(), family(split="test")
    goals = [{goal.data for goal in env.goals} for env in (train, test)]
    assert [len(side) for side in goals] == [50, 50]
    assert not goals[0] & goals[1]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_seed_fixes_tasks_and_steps_and_the_goal_is_hidden(family):
    seen = []
    for _ in range(2):
        env = family()
        env.reset(seed=4)
        task = env.sample_tasks(5)[4]
        env.set_task(task)
        seen.append([task, env.reset(seed=5)[0], *env.step(np.full(4, 0.5, np.float32))[:2]])
        assert not seen[-1][1][-3:].any()
        assert env.get_task() == task
    for a, b in zip(*seen, strict=True):
        np.testing.assert_array_equal(a, b)


def test_welds_have_metaworlds_numbers():
    env = ML1ReachEnv()._env
    np.testing.assert_array_equal(env.model.eq_data[0, : len(WELD)], WELD)


def test_it_is_a_batch_in_the_sampler():
    envs, rng = GymnasiumVectorEnv(make=ML1ReachEnv, parallel=False).batch(3), np.random.default_rng(0)
    envs.set_tasks(envs.sample_tasks(3, rng))
    assert envs.reset_envs(rng).shape == (3, 39)
    step = envs.step_envs(rng.uniform(-1, 1, (3, 4)))
    assert np.isfinite(step.rewards).all()
    assert "success" in step.infos
