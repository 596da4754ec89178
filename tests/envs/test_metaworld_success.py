"""The count of Meta-World's evaluation, by hand. That it is Meta-World's is in test_metaworld_envs.py."""

import numpy as np
import pytest

from meta_policy_search.envs.metaworld_success import first_episodes_success


def success_at(steps: list[list[int | None]], horizon: int = 10) -> np.ndarray:
    """[N, R, T] of the step of each episode's success, or None."""
    result = np.zeros((len(steps), len(steps[0]), horizon))
    for index in np.ndindex(result.shape[:2]):
        step = steps[index[0]][index[1]]
        if step is not None:
            result[(*index, slice(step, None))] = 1
    return result


def test_with_one_environment_per_task_it_is_the_share_of_its_first_episodes():
    success = success_at([[None, 3, None, 0], [1, 1, 1, None]])
    assert first_episodes_success(success, np.array(["a", "b"]), episodes=3) == pytest.approx((1 / 3 + 1) / 2)
    assert first_episodes_success(success, np.array(["a", "b"]), episodes=4) == pytest.approx((1 / 2 + 3 / 4) / 2)


def test_quick_successes_crowd_out_failures():
    """Three environments: one succeeds at the 4th step, and again at the 8th; the others' first episodes last 10 steps."""
    success = success_at([[None, None, None], [3, 3, 3], [None, None, None]])
    assert success.any(axis=2).mean() == pytest.approx(1 / 3)
    assert first_episodes_success(success, np.zeros(3)) == pytest.approx(2 / 3)


def test_of_episodes_that_end_at_the_same_step_the_first_environments_count():
    success = success_at([[None], [9]])
    assert first_episodes_success(success, np.zeros(2), episodes=1) == 0
    assert first_episodes_success(success[::-1], np.zeros(2), episodes=1) == 1
