"""TRPO's step: the curvature against dense Hessians, conjugate gradient against numpy, and the line search."""

import numpy as np
import pytest
import tensorflow as tf

from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.optimizers.conjugate_gradient_optimizer import conjugate_gradient, flatten, unflatten
from tests.meta_algos.problem import make_batches, make_policy, nearly_on_policy, on_policy


@pytest.fixture(scope="module")
def algo() -> TRPOMAML:
    """One algorithm for all tests of the module, so that its graphs are traced once."""
    return TRPOMAML(make_policy(hidden_sizes=()), inner_type="log_likelihood")


@pytest.fixture
def theta(algo):
    """The parameters, which are put back afterwards."""
    before = {name: tf.identity(value) for name, value in algo.theta.items()}
    yield before
    for name, value in before.items():
        algo.theta[name].assign(value)
    algo.optimizer.hvp, algo.optimizer.step_size, algo.optimizer.reg_coeff = "fisher", 0.01, 0.0


def dense(algo: TRPOMAML, batches: tuple, hvp: str) -> np.ndarray:
    """The curvature [P, P] column by column."""
    algo.optimizer.hvp = hvp
    return np.stack([algo.optimizer.product(unit, batches) for unit in np.eye(len(flatten(algo.theta)))], axis=1)


def test_curvature_is_the_hessian_of_the_kl(algo, theta):
    batches, rng = nearly_on_policy(algo, make_batches(algo.policy)), np.random.default_rng(0)
    hessian = dense(algo, batches, "hessian")
    np.testing.assert_allclose(dense(algo, batches, "finite_difference"), hessian, rtol=0, atol=1e-7)
    for direction in rng.normal(size=(3, len(hessian))):
        kl = {step: algo.meta_loss_at(unflatten(flatten(theta) + step * direction, theta), batches).outer_kl
              for step in (-1e-3, 0, 1e-3)}  # fmt: skip
        second_difference = float(kl[1e-3] - 2 * kl[0] + kl[-1e-3]) / 1e-6
        assert direction @ hessian @ direction == pytest.approx(second_difference, rel=1e-4)


def test_fisher_product_is_the_hessian_where_the_data_is_on_policy(algo, theta):
    batches = on_policy(algo, make_batches(algo.policy))
    fisher, hessian = dense(algo, batches, "fisher"), dense(algo, batches, "hessian")
    assert np.abs(hessian).max() > 0.1
    np.testing.assert_allclose(fisher, hessian, rtol=0, atol=1e-11)


def test_fisher_product_is_symmetric_and_positive_semi_definite_where_the_hessian_is_not(algo, theta):
    batches = make_batches(algo.policy)  # far off-policy
    fisher, hessian = dense(algo, batches, "fisher"), dense(algo, batches, "hessian")
    np.testing.assert_allclose(fisher, fisher.T, rtol=0, atol=1e-11)
    assert np.linalg.eigvalsh(fisher).min() > -1e-10
    assert np.linalg.eigvalsh(hessian).min() < -1e-2


def test_reg_coeff_is_added_to_the_diagonal(algo, theta):
    batches, vector = on_policy(algo, make_batches(algo.policy)), np.arange(len(flatten(theta)), dtype=float)
    without = algo.optimizer.product(vector, batches)
    algo.optimizer.reg_coeff = 0.5
    np.testing.assert_allclose(algo.optimizer.product(vector, batches) - without, 0.5 * vector, rtol=1e-9, atol=1e-9)


def test_direction_lies_on_the_trust_region(algo, theta):
    batches = on_policy(algo, make_batches(algo.policy))
    _, gradient = algo.meta_gradient(batches)
    x, scale = algo.optimizer.direction(flatten(gradient), batches)
    curvature = x @ dense(algo, batches, "fisher") @ x
    assert 0.5 * scale**2 * curvature == pytest.approx(algo.optimizer.step_size, rel=1e-6)


def test_an_accepted_step_lowers_the_loss_within_the_trust_region(algo, theta):
    batches = on_policy(algo, make_batches(algo.policy))
    metrics = algo.optimize_policy(batches)
    after = algo.meta_loss(batches)
    assert metrics["Rejected"] == 0
    assert 1 <= metrics["LineSearchAttempts"] <= 15
    assert metrics["LossAfter"] == float(after.loss) < metrics["LossBefore"]
    assert metrics["dLoss"] == metrics["LossBefore"] - metrics["LossAfter"]
    assert 0 < metrics["MeanKL"] == float(after.outer_kl) <= algo.optimizer.step_size


def test_line_search_takes_the_first_length_that_is_good(algo, theta):
    batches = on_policy(algo, make_batches(algo.policy))
    _, gradient = algo.meta_gradient(batches)
    x, scale = algo.optimizer.direction(flatten(gradient), batches)
    algo.optimizer.direction = lambda *_: (x, 20 * scale)
    try:
        metrics = algo.optimize_policy(batches)
    finally:
        del algo.optimizer.direction
    moved = flatten(theta) - flatten(algo.theta)
    length = 20 * scale * 0.8 ** (metrics["LineSearchAttempts"] - 1)
    assert metrics["LineSearchAttempts"] > 5
    np.testing.assert_allclose(moved, length * x, rtol=0, atol=1e-12)
    for name, value in unflatten(flatten(theta) - length / 0.8 * x, algo.theta).items():
        algo.theta[name].assign(value)
    before = algo.meta_loss(batches)
    assert before.outer_kl > algo.optimizer.step_size or before.loss >= metrics["LossBefore"]


@pytest.mark.parametrize("reason", ["the trust region is left", "the loss does not fall", "there is no step"])
def test_a_rejected_step_restores_the_parameters_and_says_so(algo, theta, reason):
    batches = nearly_on_policy(algo, make_batches(algo.policy))
    before = algo.meta_loss(batches)
    _, gradient = algo.meta_gradient(batches)
    uphill = -1e-3 * flatten(gradient)
    if reason == "the trust region is left":
        algo.optimizer.step_size = 1e-9
    else:
        algo.optimizer.direction = lambda *_: (uphill, 1.0 if reason == "the loss does not fall" else np.nan)
    try:
        metrics = algo.optimize_policy(batches)
    finally:
        algo.optimizer.__dict__.pop("direction", None)
    assert metrics["Rejected"] == 1
    assert metrics["LineSearchAttempts"] == (0 if reason == "there is no step" else 15)
    assert metrics["LossBefore"] == metrics["LossAfter"] == float(before.loss)
    assert metrics["dLoss"] == 0
    assert metrics["MeanKL"] == metrics["MeanKLBefore"] == float(before.outer_kl)
    for name, value in theta.items():
        np.testing.assert_array_equal(algo.theta[name], value)


def test_negative_curvature_gives_no_step(algo, theta, monkeypatch):
    monkeypatch.setattr(algo.optimizer, "product", lambda vector, batches: -vector)
    _, scale = algo.optimizer.direction(np.ones(3), ())
    assert np.isnan(scale)


def _positive_definite(size: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(size, size))
    return root @ root.T + np.eye(size), rng.normal(size=size)


def test_conjugate_gradient_solves_as_numpy_does():
    matrix, g = _positive_definite(8)
    np.testing.assert_allclose(conjugate_gradient(lambda v: matrix @ v, g, 8), np.linalg.solve(matrix, g), rtol=1e-8)


def test_conjugate_gradient_minimises_over_the_krylov_space_of_its_iterations():
    matrix, g = _positive_definite(8)
    basis = np.stack([np.linalg.matrix_power(matrix, power) @ g for power in range(3)], axis=1)
    expected = basis @ np.linalg.solve(basis.T @ matrix @ basis, basis.T @ g)
    np.testing.assert_allclose(conjugate_gradient(lambda v: matrix @ v, g, 3), expected, rtol=1e-6)


def test_conjugate_gradient_stops_once_it_has_solved():
    products = []
    conjugate_gradient(lambda v: products.append(v) or 2.0 * v, np.ones(4), 10)
    assert len(products) == 1


def test_flat_vectors_follow_the_order_of_the_names():
    values = {"b": tf.constant([[1.0, 2.0]]), "a": tf.constant([3.0])}
    assert flatten(values).tolist() == [1, 2, 3]
    back = unflatten(flatten(values), values)
    assert all(np.array_equal(back[name], values[name]) and back[name].dtype == tf.float32 for name in values)


def test_an_unknown_product_is_told_with_the_known_ones():
    with pytest.raises(ValueError, match="hvp is 'exact'; it can be one of fisher, hessian, finite_difference"):
        TRPOMAML(make_policy(), optimizer={"hvp": "exact"})
