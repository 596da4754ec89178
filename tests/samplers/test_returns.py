import numpy as np

from meta_policy_search.samplers.returns import discounted_sums, generalized_advantages

TWO_EPISODES = np.array([[[0, 0, 2, 2, 2]]])


def test_discounted_sums_stop_at_the_end_of_the_episode():
    sums = discounted_sums(np.array([[[1.0, 2, 4, 8, 16]]]), TWO_EPISODES, 0.5)
    assert np.array_equal(sums, [[[1 + 1, 2, 4 + 4 + 4, 8 + 8, 16]]])


def test_generalized_advantages_match_hand_arithmetic_with_zero_value_at_the_end():
    rewards, baselines = np.array([[[1.0, 2, 3, 4, 5]]]), np.array([[[10.0, 20, 30, 40, 50]]])
    deltas = np.array([1 + 0.5 * 20 - 10, 2 - 20, 3 + 0.5 * 40 - 30, 4 + 0.5 * 50 - 40, 5 - 50])
    decay = 0.5 * 0.5
    expected = [
        deltas[0] + decay * deltas[1],
        deltas[1],
        deltas[2] + decay * (deltas[3] + decay * deltas[4]),
        deltas[3] + decay * deltas[4],
        deltas[4],
    ]
    assert np.allclose(generalized_advantages(rewards, baselines, TWO_EPISODES, 0.5, 0.5), [[expected]])


def test_lambda_one_gives_return_minus_baseline():
    rng = np.random.default_rng(0)
    rewards, baselines = rng.standard_normal((2, 1, 1, 5))
    expected = discounted_sums(rewards[None], TWO_EPISODES, 0.9) - baselines
    assert np.allclose(generalized_advantages(rewards[None], baselines[None], TWO_EPISODES, 0.9, 1.0), expected)
