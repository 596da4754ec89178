"""What many seeds say, with stratified bootstrap intervals (Agarwal et al. 2021, "Deep RL at the edge of the precipice").

Equal to their package rliable, which can't be installed here: it needs arch < 8, and arch 7 fails to import beside pandas 3.
Scores are [R, T], R runs on each of T tasks; a single family of tasks has T = 1.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.stats

CONFIDENCE = 0.95
N_RESAMPLES = 2000
LEAST_RUNS = 8  # below, the intervals are too short: they hold the truth less often than they say


class Estimate(NamedTuple):
    """A statistic with its bootstrap interval; floats, or arrays of one shape."""

    value: float | np.ndarray
    low: float | np.ndarray
    high: float | np.ndarray


def interquartile_mean(scores: np.ndarray) -> float:
    """The mean of the middle half of all scores [R, T] together."""
    return float(scipy.stats.trim_mean(scores, proportiontocut=0.25, axis=None))


def improvement_probability(first: np.ndarray, second: np.ndarray) -> float:
    """P(X > Y) + P(X = Y) / 2 of a run X of the first [R, T] and Y of the second [S, T], averaged over tasks."""
    pairs = first[:, np.newaxis, :] - second[np.newaxis, :, :]  # [R, S, T]
    return float((0.5 + 0.5 * np.sign(pairs)).mean())


def performance_profile(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """The share of scores [R, T] above each threshold, [P]."""
    return (scores[..., np.newaxis] > thresholds).mean(axis=(0, 1))


def stratified_resample(scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Scores [R, T] with the runs of each task drawn anew, with replacement and apart from the other tasks'."""
    rows = rng.integers(len(scores), size=scores.shape)
    return np.take_along_axis(scores, rows, axis=0)


def estimate(
    statistic: Callable[..., float | np.ndarray],
    *scores: np.ndarray,
    rng: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """A statistic of one or more algorithms' scores, each [R, T], with the percentile interval of its resamples."""
    resampled = [statistic(*(stratified_resample(part, rng) for part in scores)) for _ in range(n_resamples)]
    return Estimate(statistic(*scores), *percentile_interval(np.array(resampled), confidence))


def percentile_interval(resampled: np.ndarray, confidence: float = CONFIDENCE) -> tuple[np.ndarray, np.ndarray]:
    """The middle part of the statistics [n, ...] of n resamples."""
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(resampled, (tail, 1.0 - tail), axis=0)
    return low, high
