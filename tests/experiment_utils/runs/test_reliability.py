"""Oracle: rliable 1.2.0 with pandas 2, on two matrices of scores; its own resamples are in the file, too."""

from pathlib import Path

import numpy as np
import pytest

from experiment_utils.runs.reliability import (
    estimate,
    improvement_probability,
    interquartile_mean,
    percentile_interval,
    performance_profile,
    stratified_resample,
)

RLIABLE = np.load(Path(__file__).resolve().parents[2] / "data" / "statistics" / "rliable.npz")
X, Y, THRESHOLDS = RLIABLE["x"], RLIABLE["y"], RLIABLE["taus"]  # [8, 3], [10, 3] with one tie, [5]


def test_the_statistics_are_rliables():
    assert interquartile_mean(X) == pytest.approx(float(RLIABLE["iqm"]))
    assert improvement_probability(X, Y) == pytest.approx(float(RLIABLE["probability_of_improvement"]))
    np.testing.assert_allclose(performance_profile(X, THRESHOLDS), RLIABLE["profile"])


def test_on_rliables_resamples_the_intervals_are_rliables():
    means = np.array([interquartile_mean(scores) for scores in RLIABLE["iqm_resamples"]])
    np.testing.assert_allclose(percentile_interval(means), RLIABLE["iqm_interval"])
    pairs = zip(RLIABLE["improvement_resamples_x"], RLIABLE["improvement_resamples_y"], strict=True)
    chances = np.array([improvement_probability(x, y) for x, y in pairs])
    np.testing.assert_allclose(percentile_interval(chances), RLIABLE["improvement_interval"])


def test_on_resamples_of_its_own_the_intervals_come_near_rliables_of_many():
    rng = np.random.default_rng(0)
    of_mean = estimate(interquartile_mean, X, rng=rng)
    np.testing.assert_allclose(of_mean[1:], RLIABLE["iqm_interval_many"], atol=1.0)  # it is 22 wide
    of_chance = estimate(improvement_probability, X, Y, rng=rng)
    np.testing.assert_allclose(of_chance[1:], RLIABLE["improvement_interval_many"], atol=0.02)  # 0.27 wide
    of_profile = estimate(lambda scores: performance_profile(scores, THRESHOLDS), X, rng=rng)
    np.testing.assert_allclose(of_profile[1:], RLIABLE["profile_interval_many"], atol=1.01 / X.size)  # steps of 1/24


def test_resamples_keep_each_score_in_its_task():
    scores = np.arange(12.0).reshape(4, 3)
    resampled = stratified_resample(scores, np.random.default_rng(1))
    np.testing.assert_array_equal(resampled % 3, np.tile([0.0, 1.0, 2.0], (4, 1)))
    assert len(np.unique(resampled // 3, axis=1).T) == 3  # the tasks draw their runs apart
