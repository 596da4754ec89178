"""Adam on the meta-loss: its form, its epochs and minibatches."""

import numpy as np
import pytest
import tensorflow as tf

from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.optimizers.maml_first_order_optimizer import MAMLFirstOrderOptimizer
from meta_policy_search.utils.compiled import trace_counts
from tests.meta_algos.problem import make_batches, make_policy, nearly_on_policy

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_adam_has_the_form_of_tensorflow_1(dtype):
    theta = {"x": tf.Variable([1.0, -2.0, 3.0], dtype=dtype)}
    optimizer, rng = MAMLFirstOrderOptimizer(theta, learning_rate=1e-3), np.random.default_rng(0)
    expected, m, v = np.array([1.0, -2.0, 3.0]), 0.0, 0.0
    for t in range(1, 8):
        g = rng.normal(size=3) * np.array([1, 1e-3, 1e-8])  # the last about as small as epsilon
        optimizer.apply({"x": tf.constant(g, dtype)})
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        expected = expected - 1e-3 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8)
    np.testing.assert_allclose(theta["x"], expected, rtol=1e-6 if dtype == tf.float32 else 1e-7)  # Keras' betas are float32


def _run(batches: tuple, **settings) -> tuple[ProMP, list]:
    """A ProMP after one `optimize_policy`, and the samples of each of its gradients."""
    algo = ProMP(make_policy(), learning_rate=1e-2, **settings)
    seen, meta_gradient = [], algo.meta_gradient
    algo.meta_gradient = lambda batches: seen.append(batches) or meta_gradient(batches)
    algo.optimize_policy(batches)
    return algo, seen


@pytest.fixture
def batches() -> tuple:
    algo = ProMP(make_policy())
    return nearly_on_policy(algo, make_batches(algo.policy, n_tasks=4))


def assert_same_theta(first: ProMP, second: ProMP) -> None:
    for name in first.theta:
        np.testing.assert_allclose(first.theta[name], second.theta[name], rtol=0, atol=1e-13)


def test_without_epochs_theta_stays_and_so_does_the_loss(batches):
    optimizer = MAMLFirstOrderOptimizer({"x": tf.Variable([1.0])}, learning_rate=1e-3, max_epochs=0)
    before, after = optimizer.optimize(lambda _: pytest.fail("no epoch needs a gradient"), lambda _: "the loss", batches)
    assert (before, after) == ("the loss", "the loss")


def test_one_minibatch_is_all_tasks(batches):
    _, seen = _run(batches, num_promp_steps=3, num_minibatches=1)
    assert [samples[0].observations.shape[0] for samples in seen] == [4, 4, 4]


def test_every_minibatch_is_a_step_on_its_slice_of_the_tasks(batches):
    algo, seen = _run(batches, num_promp_steps=3, num_minibatches=2)
    assert len(seen) == int(algo.optimizer.adam.iterations) == 6
    for i, minibatch in enumerate(seen):
        tasks = slice(0, 2) if i % 2 == 0 else slice(2, 4)
        for part, whole in zip(tf.nest.flatten(minibatch), tf.nest.flatten(batches), strict=True):
            np.testing.assert_array_equal(part, whole[tasks])


def test_minibatches_of_equal_tasks_are_steps_on_all_of_them(batches):
    equal = tf.nest.map_structure(lambda x: tf.repeat(x[:1], 4, axis=0), batches)
    split, _ = _run(equal, num_promp_steps=1, num_minibatches=4)
    whole, _ = _run(equal, num_promp_steps=4, num_minibatches=1)
    assert_same_theta(split, whole)


def test_losses_before_and_after_are_those_of_all_tasks(batches):
    for num_minibatches in (1, 2):
        algo = ProMP(make_policy(), learning_rate=1e-2, num_minibatches=num_minibatches, adaptive_inner_kl_penalty=False)
        before = float(algo.meta_loss(batches).loss)
        metrics = algo.optimize_policy(batches)
        assert metrics["LossBefore"] == pytest.approx(before, abs=1e-14)
        assert metrics["LossAfter"] == pytest.approx(float(algo.meta_loss(batches).loss), abs=1e-14)


def test_moments_persist_from_one_iteration_to_the_next(batches):
    twice, _ = _run(batches, num_promp_steps=1, adaptive_inner_kl_penalty=False)
    twice.optimize_policy(batches)
    once, _ = _run(batches, num_promp_steps=2, adaptive_inner_kl_penalty=False)
    assert_same_theta(twice, once)


def test_minibatches_that_do_not_divide_the_tasks_are_reported(batches):
    with pytest.raises(ValueError, match="num_minibatches is 3, which does not divide the 4 tasks"):
        _run(batches, num_minibatches=3)


@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_a_learning_rate_that_is_set_has_its_effect_at_once(dtype, eager):
    tf.config.run_functions_eagerly(eager)
    theta = {"x": tf.Variable([1.0], dtype=dtype)}
    optimizer = MAMLFirstOrderOptimizer(theta, learning_rate=1e-3)
    gradient = {"x": tf.ones([1], dtype)}
    optimizer.apply(gradient)  # the first step of Adam is the learning rate itself
    assert float(theta["x"][0]) == pytest.approx(1 - 1e-3, abs=1e-7)
    optimizer.adam.learning_rate = 1e-4
    assert float(optimizer.adam.learning_rate) == pytest.approx(1e-4, rel=1e-15 if dtype == tf.float64 else 1e-7)
    optimizer.apply(gradient)  # and so is the second, for the same gradient
    assert float(theta["x"][0]) == pytest.approx(1 - 1e-3 - 1e-4, abs=1e-7)
    if not eager:
        assert trace_counts(optimizer) == [1]
