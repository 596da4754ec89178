"""TRPO's step: the curvature against dense Hessians, conjugate gradient against numpy, and the line search."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.optimizers.conjugate_gradient_optimizer import assign, conjugate_gradient, flatten, unflatten
from tests.meta_algos.problem import make_batches, make_policy, nearly_on_policy, on_policy

POLICY = make_policy(hidden_sizes=())


@functools.cache
def build(hvp: str = "fisher", **settings: float) -> TRPOMAML:
    """An algorithm, one for all tests, so that its graphs are traced once. All share one theta."""
    return TRPOMAML(POLICY, inner_type="log_likelihood", optimizer={"hvp": hvp, **settings})


@pytest.fixture
def theta():
    """The parameters as one vector. They are put back afterwards."""
    before = {name: tf.identity(value) for name, value in POLICY.theta.items()}
    yield np.asarray(flatten(before))
    assign(POLICY.theta, before)


def dense(hvp: str, batches: tuple, **settings: float) -> np.ndarray:
    """The curvature [P, P] column by column."""
    optimizer = build(hvp, **settings).optimizer
    return np.stack([optimizer.product(unit, batches) for unit in np.eye(len(flatten(POLICY.theta)))], axis=1)


def direction_on(batches: tuple) -> tuple[np.ndarray, float]:
    _, gradient = build().meta_gradient(batches)
    return build().optimizer.direction(np.asarray(flatten(gradient)), batches)


def test_curvature_is_the_hessian_of_the_kl(theta):
    batches, rng = nearly_on_policy(build(), make_batches(POLICY)), np.random.default_rng(0)
    hessian = dense("hessian", batches)
    for direction in rng.normal(size=(3, len(theta))):
        below, here, above = (
            build().meta_loss_at(unflatten(theta + step * direction, POLICY.theta), batches).outer_kl
            for step in (-1e-3, 0, 1e-3)
        )
        second_difference = float(above - 2 * here + below) / 1e-6
        assert direction @ hessian @ direction == pytest.approx(second_difference, rel=1e-4)


def test_fisher_product_is_the_hessian_where_the_data_is_on_policy():
    batches = on_policy(build(), make_batches(POLICY))
    fisher, hessian = dense("fisher", batches), dense("hessian", batches)
    assert np.abs(hessian).max() > 0.1
    np.testing.assert_allclose(fisher, hessian, rtol=0, atol=1e-11)


def test_fisher_product_is_symmetric_and_positive_semi_definite_where_the_hessian_is_not():
    batches = make_batches(POLICY)  # far off-policy
    fisher, hessian = dense("fisher", batches), dense("hessian", batches)
    np.testing.assert_allclose(fisher, fisher.T, rtol=0, atol=1e-11)
    assert np.linalg.eigvalsh(fisher).min() > -1e-10
    assert np.linalg.eigvalsh(hessian).min() < -1e-2


def test_reg_coeff_is_added_to_the_diagonal():
    batches = on_policy(build(), make_batches(POLICY))
    with_reg, without = dense("fisher", batches, reg_coeff=0.5), dense("fisher", batches)
    np.testing.assert_allclose(with_reg - without, 0.5 * np.eye(len(without)), rtol=0, atol=1e-11)


def test_direction_lies_on_the_trust_region():
    batches = on_policy(build(), make_batches(POLICY))
    x, scale = direction_on(batches)
    assert 0.5 * scale**2 * (x @ dense("fisher", batches) @ x) == pytest.approx(0.01, rel=1e-6)


def test_direction_is_the_natural_gradient():
    batches = on_policy(build(), make_batches(POLICY))
    _, gradient = build().meta_gradient(batches)
    expected = np.linalg.solve(dense("fisher", batches), flatten(gradient))  # 10 parameters, 10 iterations
    np.testing.assert_allclose(direction_on(batches)[0], expected, rtol=0, atol=1e-3 * np.abs(expected).max())


def test_an_accepted_step_lowers_the_loss_within_the_trust_region(theta):
    batches = on_policy(build(), make_batches(POLICY))
    metrics = build().optimize_policy(batches)
    after = build().meta_loss(batches)
    assert metrics["Rejected"] == 0
    assert 1 <= metrics["LineSearchAttempts"] <= 15
    assert metrics["LossAfter"] == float(after.loss) < metrics["LossBefore"]
    assert metrics["dLoss"] == pytest.approx(metrics["LossBefore"] - metrics["LossAfter"])
    assert 0 < metrics["MeanKL"] == float(after.outer_kl) <= 0.01


def test_line_search_takes_the_first_length_that_is_good(theta, monkeypatch):
    batches = on_policy(build(), make_batches(POLICY))
    x, scale = direction_on(batches)
    monkeypatch.setattr(build().optimizer, "direction", lambda *_: (x, 20 * scale))
    metrics = build().optimize_policy(batches)
    length = 20 * scale * 0.8 ** (metrics["LineSearchAttempts"] - 1)
    assert metrics["LineSearchAttempts"] > 5
    np.testing.assert_allclose(theta - flatten(POLICY.theta), length * x, rtol=0, atol=1e-12)
    assign(POLICY.theta, unflatten(theta - length / 0.8 * x, POLICY.theta))
    longer = build().meta_loss(batches)
    assert longer.outer_kl > 0.01 or longer.loss >= metrics["LossBefore"]


@pytest.mark.parametrize("reason", ["the trust region is left", "the loss does not fall", "there is no step"])
def test_a_rejected_step_restores_the_parameters_and_says_so(theta, monkeypatch, reason):
    algo = build()
    batches = nearly_on_policy(algo, make_batches(POLICY))
    before, gradient = algo.meta_gradient(batches)
    uphill, nowhere = (-1e-3 * np.asarray(flatten(gradient)), 1.0), (np.ones(len(theta)), np.nan)
    if reason == "the trust region is left":
        monkeypatch.setattr(algo.optimizer, "step_size", 1e-9)
    else:
        step = uphill if reason == "the loss does not fall" else nowhere
        monkeypatch.setattr(algo.optimizer, "direction", lambda *_: step)
    metrics = algo.optimize_policy(batches)
    assert metrics["Rejected"] == 1
    assert metrics["LineSearchAttempts"] == (0 if reason == "there is no step" else 15)
    assert metrics["LossBefore"] == metrics["LossAfter"] == pytest.approx(float(before.loss), abs=1e-15)
    assert metrics["dLoss"] == 0
    assert metrics["MeanKL"] == metrics["MeanKLBefore"] == pytest.approx(float(before.outer_kl), abs=1e-15)
    np.testing.assert_array_equal(flatten(POLICY.theta), theta)


def test_negative_curvature_gives_no_step():
    batches = on_policy(build(), make_batches(POLICY))
    _, gradient = build().meta_gradient(batches)
    _, scale = build("fisher", reg_coeff=-1e3).optimizer.direction(np.asarray(flatten(gradient)), batches)
    assert np.isnan(scale)


def _positive_definite(size: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(size, size))
    return root @ root.T + np.eye(size), rng.normal(size=size)


def test_conjugate_gradient_solves_as_numpy_does():
    matrix, g = _positive_definite(8)
    np.testing.assert_allclose(
        conjugate_gradient(lambda v: matrix @ np.asarray(v), g, 8)[0], np.linalg.solve(matrix, g), rtol=1e-8
    )


def test_conjugate_gradient_minimises_over_the_krylov_space_of_its_iterations():
    matrix, g = _positive_definite(8)
    basis = np.stack([np.linalg.matrix_power(matrix, power) @ g for power in range(3)], axis=1)
    expected = basis @ np.linalg.solve(basis.T @ matrix @ basis, basis.T @ g)
    np.testing.assert_allclose(conjugate_gradient(lambda v: matrix @ np.asarray(v), g, 3)[0], expected, rtol=1e-6)


def test_conjugate_gradient_stops_once_it_has_solved():
    products = []
    conjugate_gradient(lambda v: products.append(v) or 2.0 * v, np.ones(4), 10)
    assert len(products) == 1


def test_flat_vectors_follow_the_order_of_the_names():
    values = {"b": tf.constant([[1.0, 2.0]]), "a": tf.constant([3.0])}
    assert np.asarray(flatten(values)).tolist() == [1, 2, 3]
    back = unflatten(flatten(values), values)
    assert all(np.array_equal(back[name], values[name]) and back[name].dtype == tf.float32 for name in values)


def test_an_unknown_product_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="hvp is 'exact'; it can be one of fisher, hessian, finite_difference"):
        TRPOMAML(make_policy(), optimizer={"hvp": "exact"})


def test_without_gradient_or_curvature_conjugate_gradient_stays_at_zero():
    for g, hessian in ((np.zeros(2), np.eye(2)), (np.ones(2), np.zeros((2, 2)))):
        x, residual = conjugate_gradient(lambda v, hessian=hessian: hessian @ v, g, 10)
        np.testing.assert_array_equal(x, np.zeros(2))
        np.testing.assert_array_equal(residual, g)


class Singular(TRPOMAML):
    """Its meta-gradient is NaN where the bias is 0: the slope of a root there."""

    def outer_loss(self, distributions, batches):
        bias = self.theta["mean_network/output/bias"]
        return super().outer_loss(distributions, batches) + tf.reduce_sum(tf.sqrt(tf.square(bias)))


@pytest.mark.usefixtures("eagerly")
def test_a_gradient_that_is_no_number_is_an_error_and_no_rejected_step():
    policy = make_policy()
    algo = Singular(policy)
    with pytest.raises(FloatingPointError, match="the meta-gradient is NaN or infinite"):
        algo.optimize_policy(on_policy(algo, make_batches(policy)))
