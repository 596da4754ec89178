import warnings

import numpy as np
import pytest
import scipy.stats

from experiment_utils.runs.seed_blocks import (
    blocked_anova,
    compare_all,
    paired_bootstrap,
    sign_flip_p_value,
    tukey_intervals,
)

SCORES = np.array([[1.0, 2.0, 6.0], [4.0, 4.0, 10.0], [6.0, 8.0, 13.0]])
RNG = np.random.default_rng(5)
PAIR = RNG.normal(size=(2, 6)) + np.array([[0.0], [0.8]]) + RNG.normal(size=6) * 3


def test_the_analysis_of_variance_is_that_of_hand_arithmetic():
    """Means by algorithm 3, 6, 9 and by seed 11/3, 14/3, 29/3; mean 6. Sums of squares: 54, 62, and 2 of the errors."""
    anova = blocked_anova(SCORES)
    assert anova.degrees_of_freedom == 4
    assert anova.mean_square_error == pytest.approx(2 / 4)
    assert anova.f == pytest.approx((54 / 2) / (2 / 4))
    assert anova.p_value == pytest.approx(1 / (1 + 54 / 2) ** 2)  # of F with 2 and 4 degrees: (1 + 2 F / 4)^-2


def test_what_a_seed_adds_to_all_algorithms_changes_nothing():
    shifted = tukey_intervals(SCORES + np.array([100.0, -40.0, 7.0]))
    for pair, interval in tukey_intervals(SCORES).items():
        np.testing.assert_allclose(shifted[pair], interval, rtol=1e-9)


def test_tukeys_half_width_is_that_of_the_table_of_the_studentised_range():
    """q = 5.040 at 5 % for 3 means and 4 degrees of freedom (Pearson and Hartley's table)."""
    interval = tukey_intervals(SCORES)[0, 1]
    assert interval.difference == pytest.approx(-3.0)
    assert (interval.high - interval.low) / 2 == pytest.approx(5.040 * np.sqrt(0.5 / 3), rel=1e-3)


def test_of_two_algorithms_tukeys_p_is_that_of_the_paired_t_test():
    paired = scipy.stats.ttest_rel(*PAIR)
    interval, expected = tukey_intervals(PAIR)[0, 1], paired.confidence_interval(0.95)
    assert interval.p_value == pytest.approx(paired.pvalue, rel=1e-6)
    np.testing.assert_allclose((interval.low, interval.high), expected, rtol=1e-6)
    assert blocked_anova(PAIR).f == pytest.approx(paired.statistic**2)


@pytest.mark.parametrize("shape", [(1, 4), (4, 1)])
def test_one_algorithm_or_one_seed_is_refused(shape):
    with pytest.raises(ValueError, match="it takes two of each"):
        blocked_anova(np.ones(shape))


def test_the_sign_flips_are_counted_exactly():
    """Of the 16 sums +-1 +-2 +-3 +-10, four are as far from 0 as 14: +-16 and +-14."""
    differences = np.array([-1.0, 2.0, 3.0, 10.0])
    assert sign_flip_p_value(differences, np.zeros(4)) == pytest.approx(4 / 16)
    assert sign_flip_p_value(np.arange(1.0, 4.0), np.zeros(3)) == pytest.approx(2 / 8)


def test_the_bootstrap_interval_of_two_seeds_reaches_from_one_difference_to_the_other():
    assert paired_bootstrap(np.array([3.0, 5.0])) == (3.0, 5.0)


def test_a_score_that_is_no_number_gives_no_result_of_its_pairs():
    scores = {"a": SCORES[0], "b": SCORES[1], "c": [6.0, np.nan, 13.0]}
    with warnings.catch_warnings(action="error"):
        table = compare_all(scores).set_index(["first", "second"])
    assert table.loc[[("a", "c"), ("b", "c")]].drop(columns="seeds").isna().all(axis=None)
    assert table["permutation p"]["a", "b"] == 0.25


def test_a_score_that_is_infinite_gives_no_result_either():
    table = compare_all({"a": [1.0, np.inf, 3.0], "b": [1.0, 2.0, 4.0], "c": [2.0, 2.5, 3.0]}).set_index(["first", "second"])
    assert table.loc[("a", "b"), ["first - second", "Tukey p", "bootstrap low", "permutation p"]].isna().all()
    assert table.loc[("b", "c"), "permutation p"] == 1.0


def test_scores_that_differ_by_rounding_alone_are_alike():
    seeds = np.random.default_rng(0).normal(size=8) * 1000
    anova = blocked_anova(np.array([seeds, seeds * (1 + 1e-16), seeds + 1e-13]))
    assert anova.mean_square_error == 0.0
    assert np.isnan(anova.p_value)


def test_the_table_has_a_row_per_pair_and_says_which_minus_which():
    table = compare_all({"a": SCORES[0], "b": SCORES[1], "c": SCORES[2]})
    assert list(zip(table["first"], table["second"], strict=True)) == [("a", "b"), ("a", "c"), ("b", "c")]
    np.testing.assert_allclose(table["first - second"], [-3.0, -6.0, -3.0])
    assert (table["seeds"] == 3).all()
    assert (table["p of all alike"] == blocked_anova(SCORES).p_value).all()
    assert ((table["bootstrap low"] <= table["first - second"]) & (table["first - second"] <= table["bootstrap high"])).all()
