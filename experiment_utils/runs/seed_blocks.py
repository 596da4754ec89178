"""Comparing algorithms whose runs share seeds. A seed fixes theta_0 and the first tasks of all of them: seeds are blocks."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.stats

CONFIDENCE = 0.95
ROUNDING = 64 * np.finfo(np.float64).eps  # of scores, relative to the largest


class Anova(NamedTuple):
    """Two-way analysis of variance without replication, of K algorithms on B seeds."""

    f: float  # mean square between algorithms / mean square of what neither algorithm nor seed explains
    p_value: float  # that all algorithms are alike
    mean_square_error: float
    degrees_of_freedom: int  # (K - 1)(B - 1), of the error


class TukeyInterval(NamedTuple):
    """The difference of two algorithms' means, with an interval that holds for all pairs at once."""

    difference: float
    low: float
    high: float
    p_value: float


def blocked_anova(scores: np.ndarray) -> Anova:
    """Of scores [K, B] x_kb = mean + algorithm_k + seed_b + error.

    Raises:
      ValueError: there are fewer than two algorithms or seeds.
    """
    n_algorithms, n_seeds = scores.shape
    if min(scores.shape) < 2:
        raise ValueError(f"{n_algorithms} algorithms on {n_seeds} seeds can't be compared; it takes two of each")
    of_algorithms, of_seeds, mean = scores.mean(axis=1), scores.mean(axis=0), scores.mean()
    errors = scores - of_algorithms[:, np.newaxis] - of_seeds + mean
    freedom = (n_algorithms - 1) * (n_seeds - 1)
    mean_square_error = float((errors**2).sum() / freedom)
    between = n_seeds * ((of_algorithms - mean) ** 2).sum() / (n_algorithms - 1)
    if mean_square_error < (ROUNDING * np.abs(scores).max()) ** 2:
        mean_square_error = 0.0  # else p-values would be those of rounding errors
    f = float(between / mean_square_error) if mean_square_error else np.nan
    return Anova(f, float(scipy.stats.f.sf(f, n_algorithms - 1, freedom)), mean_square_error, freedom)


def tukey_intervals(scores: np.ndarray, confidence: float = CONFIDENCE) -> dict[tuple[int, int], TukeyInterval]:
    """mean_i - mean_j +- q sqrt(error / B) for all pairs i < j of scores [K, B], q of the studentised range.

    Tukey's honest significant difference with the error of `blocked_anova`. scipy's `tukey_hsd` takes unblocked groups only.
    """
    anova, (n_algorithms, n_seeds) = blocked_anova(scores), scores.shape
    standard_error = np.sqrt(anova.mean_square_error / n_seeds)
    studentised = scipy.stats.studentized_range(n_algorithms, anova.degrees_of_freedom)
    half = standard_error * studentised.ppf(confidence)
    intervals = {}
    for i, j in itertools.combinations(range(n_algorithms), 2):
        difference = float(scores[i].mean() - scores[j].mean())
        p_value = float(studentised.sf(abs(difference) / standard_error)) if standard_error else np.nan
        intervals[i, j] = TukeyInterval(difference, float(difference - half), float(difference + half), p_value)
    return intervals


def paired_bootstrap(differences: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The percentile interval of the mean of differences [B], by resampling seeds; NaN if one of them is."""
    if np.isnan(differences).any():
        return np.nan, np.nan
    result = scipy.stats.bootstrap(
        (differences,),
        np.mean,
        n_resamples=2000,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def sign_flip_p_value(first: np.ndarray, second: np.ndarray) -> float:
    """Two-sided p of the mean difference of scores [B] paired by seed, over all 2^B exchanges of the two within seeds.

    Exact, and never below 2 / 2^B: with three seeds it can't be less than 0.25. From 14 seeds on, of 9999 random exchanges.
    NaN if one of the scores is.
    """
    if np.isnan(first - second).any():
        return np.nan
    result = scipy.stats.permutation_test(
        (first, second),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    return float(result.pvalue)


def compare_all(scores: Mapping[str, Sequence[float] | np.ndarray]) -> pd.DataFrame:
    """A row per pair of algorithms, of their scores on the same seeds in the same order.

    Tukey's interval and p-value are of all pairs together, beside the analysis of variance's p; bootstrap interval and
    permutation p-value of the pair alone. What depends on a score that is not finite is NaN.
    """
    names, values = list(scores), np.array(list(scores.values()), np.float64)
    values[~np.isfinite(values)] = np.nan
    anova, rows = blocked_anova(values), []
    for (i, j), tukey in tukey_intervals(values).items():
        low, high = paired_bootstrap(values[i] - values[j])
        rows.append(
            {
                "first": names[i],
                "second": names[j],
                "first - second": tukey.difference,
                "Tukey low": tukey.low,
                "Tukey high": tukey.high,
                "Tukey p": tukey.p_value,
                "p of all alike": anova.p_value,
                "bootstrap low": low,
                "bootstrap high": high,
                "permutation p": sign_flip_p_value(values[i], values[j]),
                "seeds": values.shape[1],
            }
        )
    return pd.DataFrame(rows)
