"""What the processor of DiCE fits for TMAML's control variate."""

import numpy as np

from meta_policy_search.baselines.zero_baseline import ZeroBaseline
from meta_policy_search.samplers.dice_sample_processor import DiceSampleProcessor
from meta_policy_search.types import HESSIAN_BASELINES, Trajectories


class Doubled:
    """Predicts twice its targets."""

    def fit_predict(self, observations: np.ndarray, times: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return 2 * targets


def test_they_predict_the_sum_of_adjusted_rewards_over_the_rest_of_the_episode():
    rng = np.random.default_rng(0)
    starts, lengths = [0, 0, 0, 3, 3, 5], [3, 2]  # two episodes, and an unfinished one
    trajectories = Trajectories(
        observations=rng.normal(size=(1, 1, 6, 2)),
        actions=rng.normal(size=(1, 1, 6, 1)),
        rewards=rng.normal(size=(1, 1, 6)),
        start=np.array(starts).reshape(1, 1, 6),
        mask=np.array([True] * 5 + [False]).reshape(1, 1, 6),
        agent_infos={},
        env_infos={},
    )
    processor = DiceSampleProcessor(ZeroBaseline(), max_path_length=4, hessian_baseline=Doubled())
    samples, _ = processor.process_samples(trajectories)
    adjusted, expected = samples.adjusted_rewards[0, 0], np.zeros(6)
    for begin, length in zip((0, 3), lengths, strict=True):
        for t in range(begin, begin + length):
            expected[t] = 2 * sum(adjusted[t : begin + length])
    np.testing.assert_allclose(samples.extras[HESSIAN_BASELINES][0, 0], expected, rtol=0, atol=1e-14)
    assert np.abs(adjusted).min(initial=1, where=samples.weights[0, 0] > 0) > 0
    plain, _ = DiceSampleProcessor(ZeroBaseline(), max_path_length=4).process_samples(trajectories)
    np.testing.assert_array_equal(plain.adjusted_rewards, samples.adjusted_rewards)
    assert not plain.extras
