"""The grid by hand."""

import numpy as np
import pytest

from meta_policy_search.envs.grid_envs.grid_navigation import GridNavigationEnv

STAY, RIGHT, UP, LEFT, DOWN = range(5)


def walk(env: GridNavigationEnv, *actions: int) -> list[tuple[int, float]]:
    """Cells and rewards of one walker."""
    steps = [env.step_envs(np.array([action] * env.num_envs)) for action in actions]
    assert not any(step.terminated.any() for step in steps)
    return [(int(step.observations[0].argmax()), float(step.rewards[0])) for step in steps]


def test_moves_and_walls():
    env = GridNavigationEnv(reward_type="dense")
    env.set_task(np.array([4, 3]))
    assert env.reset_envs(np.random.default_rng(0))[0].tolist() == np.eye(25)[12].tolist()
    assert walk(env, RIGHT, RIGHT, RIGHT, UP, STAY) == [(13, -2), (14, -1), (14, -1), (19, 0), (19, 0)]
    assert walk(env, LEFT, DOWN, DOWN, DOWN, DOWN) == [(18, -1), (13, -2), (8, -3), (3, -4), (3, -4)]


def test_the_sparse_reward_is_paid_on_the_goal():
    env = GridNavigationEnv()
    env.set_task(np.array([3, 2]))
    env.reset_envs(np.random.default_rng(0))
    assert walk(env, UP, RIGHT, DOWN, STAY, LEFT) == [(17, 0), (18, 0), (13, 1), (13, 1), (12, 0)]


def test_only_the_walkers_that_are_asked_for_start_again():
    env = GridNavigationEnv(num_envs=3)
    walk(env, LEFT, LEFT)
    assert env.reset_envs(np.random.default_rng(0), np.array([1])).argmax() == 12
    assert env.cells.tolist() == [[0, 2], [2, 2], [0, 2]]


def test_an_unknown_reward_is_refused():
    with pytest.raises(ValueError, match="reward_type is 'none'; it can be 'sparse', 'dense'"):
        GridNavigationEnv(reward_type="none")
