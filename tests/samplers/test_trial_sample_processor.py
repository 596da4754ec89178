"""Advantages of trials: by hand, over the ends of episodes."""

import numpy as np

from meta_policy_search.baselines.zero_baseline import ZeroBaseline
from meta_policy_search.samplers.trial_sample_processor import TrialSampleProcessor, returns_in_order
from meta_policy_search.types import Trajectories


def two_episodes() -> Trajectories:
    """One task, two rows: episodes of 2 and 2 steps; of 3 steps and one that is not finished."""
    rewards = np.array([[[1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 99.0]]])
    start = np.array([[[0, 0, 2, 2], [0, 0, 0, 3]]], np.int32)
    mask = np.array([[[True] * 4, [True, True, True, False]]])
    observations = np.zeros((1, 2, 4, 1), np.float32)
    return Trajectories(observations, np.zeros((1, 2, 4, 1)), rewards, start, mask, {}, {})


def test_a_return_goes_on_over_the_ends_of_episodes():
    processor = TrialSampleProcessor(ZeroBaseline(), discount=0.5, gae_lambda=1.0)
    samples, statistics = processor.process_samples(two_episodes())
    expected = [[1 + 0.5 * (2 + 0.5 * (3 + 0.5 * 4)), 2 + 0.5 * (3 + 0.5 * 4), 3 + 0.5 * 4, 4], [27.5, 35, 30, 0]]
    np.testing.assert_allclose(samples.advantages[0], expected)
    np.testing.assert_allclose(samples.weights[0], np.array([[1, 1, 1, 1], [1, 1, 1, 0]]) / 7)
    np.testing.assert_array_equal(samples.start, two_episodes().start)
    assert statistics["AverageReturn"] == (3 + 7 + 60) / 3
    assert statistics["AverageFirstReturn"] == (3 + 60) / 2
    assert statistics["AverageLastReturn"] == (7 + 60) / 2


def test_returns_are_in_the_order_of_the_episodes():
    ((first, second),) = returns_in_order(two_episodes())
    np.testing.assert_array_equal(first, [3, 7])
    np.testing.assert_array_equal(second, [60])
