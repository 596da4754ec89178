"""What is ProMP's own: the clipped ratio, the adaptive KL coefficients, annealing."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from meta_policy_search.meta_algos.objectives import clipped_ratio_loss
from meta_policy_search.meta_algos.pro_mp import ProMP, adapt_kl_coeff
from tests.meta_algos.problem import make_batches, make_policy, nearly_on_policy

pytestmark = pytest.mark.usefixtures("eagerly")

MISC = Path(__file__).parents[1] / "data" / "misc.npz"


def test_coefficients_are_adapted_as_the_original_does():
    with np.load(MISC) as data:
        kl, after = data["adapt_kl_coeff/kl"], data["adapt_kl_coeff/coeff_after"]
        before = np.full_like(kl, data["adapt_kl_coeff/coeff_before"])
        found = adapt_kl_coeff(tf.constant(before), tf.constant(kl), float(data["adapt_kl_coeff/target"]))
    np.testing.assert_array_equal(found, after)
    assert {0.5, 1.0, 2.0} == set(after / before)


@pytest.mark.parametrize(("target", "factor"), [(1e3, 0.5), (1e-9, 2.0)])
def test_every_inner_step_has_its_own_adaptive_coefficient(target, factor):
    algo = ProMP(make_policy(), num_inner_grad_steps=2, target_inner_step=target, init_inner_kl_penalty=0.01)
    batches = nearly_on_policy(algo, make_batches(algo.policy, steps=2))
    metrics = algo.optimize_policy(batches)
    np.testing.assert_allclose(algo.inner_kl_coeff, [0.01 * factor] * 2, rtol=1e-12)
    assert metrics["KLCoeffInner"] == pytest.approx(0.01 * factor)


def test_coefficients_stay_when_they_are_not_adaptive():
    algo = ProMP(make_policy(), adaptive_inner_kl_penalty=False, target_inner_step=1e-9, init_inner_kl_penalty=0.01)
    algo.optimize_policy(nearly_on_policy(algo, make_batches(algo.policy)))
    np.testing.assert_allclose(algo.inner_kl_coeff, [0.01], rtol=1e-12)


def test_penalty_is_the_mean_of_coefficient_times_kl():
    algo = ProMP(make_policy(), num_inner_grad_steps=2)
    algo.inner_kl_coeff.assign([1.0, 3.0])
    assert float(algo.penalty(tf.constant([0.1, 0.2], tf.float64))) == pytest.approx((0.1 + 0.6) / 2)


def test_annealing_shrinks_the_clipping_range_that_the_loss_uses():
    algo = ProMP(make_policy(), clip_eps=0.3, anneal_factor=0.5, learning_rate=1e-12, num_promp_steps=1)
    batches = nearly_on_policy(algo, make_batches(algo.policy))
    for iteration in range(2):
        assert float(algo.clip_eps) == pytest.approx(0.3 * 0.5**iteration)
        fixed = ProMP(algo.policy, clip_eps=0.3 * 0.5**iteration)
        fixed.inner_kl_coeff.assign(algo.inner_kl_coeff)
        assert float(algo.meta_loss(batches).loss) == pytest.approx(float(fixed.meta_loss(batches).loss), abs=1e-12)
        algo.optimize_policy(batches)


def test_clipping_range_stays_without_annealing():
    algo = ProMP(make_policy(), clip_eps=0.3)
    algo.optimize_policy(nearly_on_policy(algo, make_batches(algo.policy)))
    assert float(algo.clip_eps) == 0.3


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "slope"),
    [(1.1, 1, -1.1, -1), (1.5, 1, -1.2, 0), (0.5, 1, -0.5, -1), (1.5, -1, 1.5, 1), (0.5, -1, 0.8, 0), (1.0, 1, -1.0, -1)],
)
def test_clipping_is_the_pessimistic_bound(ratio, advantage, loss, slope):
    ratio = tf.constant([[[ratio]]], tf.float64)
    one, old = tf.ones_like(ratio), tf.zeros_like(ratio)
    with tf.GradientTape() as tape:
        tape.watch(ratio)
        value = clipped_ratio_loss(tf.math.log(ratio), old, advantage * one, one, 0.2)
    assert float(value[0]) == pytest.approx(loss)
    assert float(tape.gradient(value, ratio)[0, 0, 0]) == pytest.approx(slope)
