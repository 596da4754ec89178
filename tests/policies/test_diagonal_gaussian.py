"""DiagonalGaussian against the distribution of tensorflow_probability that it stands for."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from meta_policy_search.policies.diagonal_gaussian import DiagonalGaussian

tfd = tfp.distributions

STEPS = (3, 4, 5)  # N, R, T
A = 2
OF = {"each step": (*STEPS, A), "each task": (3, 1, 1, A), "all": (1, A), "one task": (1, 1, 1, A)}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def pair(rng: np.random.Generator, of: str) -> tuple[DiagonalGaussian, tfd.Distribution]:
    loc, log_std = tf.constant(rng.normal(size=(*STEPS, A))), tf.constant(rng.normal(size=OF[of]))
    return DiagonalGaussian(loc, log_std), tfd.Independent(tfd.Normal(loc, tf.exp(log_std)), 1)


@pytest.mark.parametrize("of", OF)
def test_log_prob_is_that_of_independent_normals(of, rng):
    ours, theirs = pair(rng, of)
    for shape in (*STEPS, A), (A,), (7, *STEPS, A):
        actions = tf.constant(rng.normal(size=shape))
        np.testing.assert_allclose(ours.log_prob(actions), theirs.log_prob(actions), rtol=1e-12)


@pytest.mark.parametrize("new", OF)
@pytest.mark.parametrize("old", OF)
def test_kl_is_that_of_independent_normals(old, new, rng):
    (our_old, their_old), (our_new, their_new) = pair(rng, old), pair(rng, new)
    np.testing.assert_allclose(our_old.kl_divergence(our_new), their_old.kl_divergence(their_new), rtol=1e-12)


@pytest.mark.parametrize("of", OF)
def test_first_and_second_derivatives_are_those_of_independent_normals(of, rng):
    loc, log_std = rng.normal(size=(*STEPS, A)), rng.normal(size=OF[of])
    actions, old = tf.constant(rng.normal(size=loc.shape)), pair(rng, "each step")
    coefficients = tf.constant(rng.normal(size=STEPS))

    def derivatives(kind: int) -> list[np.ndarray]:
        params = {"loc": tf.constant(loc), "log_std": tf.constant(log_std)}
        with tf.GradientTape() as outer:
            outer.watch(params)
            with tf.GradientTape() as inner:
                inner.watch(params)
                if kind == 0:
                    new = DiagonalGaussian(**params)
                else:
                    new = tfd.Independent(tfd.Normal(params["loc"], tf.exp(params["log_std"])), 1)
                value = tf.exp(0.1 * new.log_prob(actions)) + old[kind].kl_divergence(new)
                loss = tf.reduce_sum(coefficients * value)
            slopes = inner.gradient(loss, params)
            squared = sum(tf.reduce_sum(slope**2) for slope in slopes.values())
        return [*slopes.values(), *outer.gradient(squared, params).values()]

    for ours, theirs in zip(derivatives(0), derivatives(1), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def test_kl_to_itself_is_zero_in_float32():
    log_std = tf.constant(np.linspace(-3, 1, 6), tf.float32)
    ours = DiagonalGaussian(tf.ones([2, 3, 4, 6]), log_std * tf.ones([2, 1, 1, 6]))
    recorded = DiagonalGaussian(tf.ones([2, 3, 4, 6]), log_std * tf.ones([2, 3, 4, 6]))
    np.testing.assert_array_equal(recorded.kl_divergence(ours), np.zeros([2, 3, 4]))


def test_copies_and_parts_are_gaussians_too(rng):
    ours, theirs = pair(rng, "each task")
    actions = tf.constant(rng.normal(size=(*STEPS, A)))
    np.testing.assert_allclose(ours.copy().log_prob(actions), theirs.log_prob(actions), rtol=1e-12)
    np.testing.assert_allclose(ours[1].log_prob(actions[1]), theirs[1].log_prob(actions[1]), rtol=1e-12)
    assert (ours.batch_shape, ours.event_shape) == (theirs.batch_shape, theirs.event_shape)
