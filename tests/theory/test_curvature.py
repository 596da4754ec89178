"""What the paper proves of the curvature of the inner objective (appendix B), as exact sums over all trajectories."""

import numpy as np
import pytest

from meta_policy_search.types import Samples
from tests.theory import mdp as exact
from tests.theory.curvature import derivatives, dice, likelihood_ratio, loaded_dice, log_likelihood, lvc, second_order, tmaml
from tests.theory.tabular_policy import samples

pytestmark = pytest.mark.usefixtures("eagerly")

SIZES = [(2, 2, 3), (2, 2, 4), (3, 2, 3), (2, 3, 3)]  # states, actions, horizon
CASES = [(size, seed) for seed, size in enumerate(SIZES)]
TASKS = 3


def close(value: np.ndarray, expected: np.ndarray) -> bool:
    return bool(np.allclose(value, expected, rtol=0, atol=1e-11))


@pytest.fixture(params=CASES, ids=lambda case: "{}states-{}actions-{}steps".format(*case[0]))
def problem(request) -> tuple[list[exact.MDP], np.ndarray]:
    """MDPs of the same size, one per task, and theta."""
    (n_states, n_actions, horizon), seed = request.param
    mdps = [exact.random_mdp(10 * seed + task, n_states, n_actions, horizon) for task in range(TASKS)]
    return mdps, np.random.default_rng(seed).normal(size=(n_states, n_actions))


def expectation(mdps: list[exact.MDP], theta: np.ndarray) -> Samples:
    """All trajectories of every MDP, weighted with their probability under theta."""
    trajectories = [exact.enumerate_trajectories(mdp) for mdp in mdps]
    return samples(
        trajectories,
        old_theta=np.repeat(theta[np.newaxis], len(mdps), axis=0),
        probabilities=np.stack([exact.probabilities(t, theta) for t in trajectories]),
        credit=np.stack([exact.rewards_to_go(t) for t in trajectories]),
        rewards=np.stack([t.rewards for t in trajectories]),
    )


def single_trajectories(mdp: exact.MDP, theta: np.ndarray) -> tuple[Samples, np.ndarray]:
    """Every trajectory as a task of its own, and the trajectories' probabilities."""
    t = exact.enumerate_trajectories(mdp)
    alone = [exact.Trajectories(*(value[m : m + 1] for value in t)) for m in range(len(t.dynamics))]
    return (
        samples(
            alone,
            old_theta=np.repeat(theta[np.newaxis], len(alone), axis=0),
            probabilities=np.ones((len(alone), 1)),
            credit=exact.rewards_to_go(t)[:, np.newaxis],
            rewards=t.rewards[:, np.newaxis],
        ),
        exact.probabilities(t, theta),
    )


def test_enumerated_probabilities_sum_to_one(problem):
    mdps, theta = problem
    for mdp in mdps:
        assert exact.probabilities(exact.enumerate_trajectories(mdp), theta).sum() == pytest.approx(1, abs=1e-12)


def test_exact_gradient_and_hessian_are_the_derivatives_of_the_return(problem):
    mdps, theta = problem
    for mdp in mdps:
        gradient = exact.differences(lambda x, mdp=mdp: exact.expected_return(mdp, x), theta)
        hessian = exact.differences(lambda x, mdp=mdp: exact.return_gradient(mdp, x), theta)
        np.testing.assert_allclose(exact.return_gradient(mdp, theta), gradient, rtol=0, atol=1e-10)
        np.testing.assert_allclose(exact.return_hessian(mdp, theta), hessian, rtol=0, atol=1e-10)


def test_hessian_of_the_return_is_h1_plus_h2_plus_h12_plus_its_transpose(problem):
    mdps, theta = problem
    for mdp in mdps:
        h12 = exact.h12(mdp, theta)
        total = exact.h1(mdp, theta) + exact.h2(mdp, theta) + h12 + h12.T
        assert close(total, exact.return_hessian(mdp, theta))
        assert np.abs(h12 + h12.T).max() > 1e-3


@pytest.mark.parametrize("loss", [lvc, dice, likelihood_ratio, log_likelihood, loaded_dice(0.5), second_order, tmaml])
def test_expected_gradient_is_the_gradient_of_the_return(problem, loss):
    mdps, theta = problem
    gradient, _ = derivatives(loss, theta, expectation(mdps, theta))
    assert close(gradient, np.stack([exact.return_gradient(mdp, theta) for mdp in mdps]))


@pytest.mark.parametrize("loss", [dice, tmaml])
def test_expected_hessian_of_dice_is_the_hessian_of_the_return(problem, loss):
    mdps, theta = problem
    _, hessian = derivatives(loss, theta, expectation(mdps, theta))
    assert close(hessian, np.stack([exact.return_hessian(mdp, theta) for mdp in mdps]))


def test_expected_hessian_of_lvc_lacks_h12_and_its_transpose(problem):
    mdps, theta = problem
    _, hessian = derivatives(lvc, theta, expectation(mdps, theta))
    for found, mdp in zip(hessian, mdps, strict=True):
        h12 = exact.h12(mdp, theta)
        assert close(found, exact.h1(mdp, theta) + exact.h2(mdp, theta))
        assert close(exact.return_hessian(mdp, theta) - found, h12 + h12.T)


def test_expected_hessian_of_the_log_likelihood_is_h2_only(problem):
    mdps, theta = problem
    _, hessian = derivatives(log_likelihood, theta, expectation(mdps, theta))
    for found, mdp in zip(hessian, mdps, strict=True):
        assert close(found, exact.h2(mdp, theta))
        assert np.abs(exact.h1(mdp, theta)).max() > 1e-2


@pytest.mark.parametrize("decay", [0.0, 0.3, 1.0])
def test_expected_hessian_of_loaded_dice_weighs_h12_by_the_distance_of_the_actions(problem, decay):
    mdps, theta = problem
    _, hessian = derivatives(loaded_dice(decay), theta, expectation(mdps, theta))
    for found, mdp in zip(hessian, mdps, strict=True):
        h12 = exact.h12(mdp, theta, decay)
        assert close(found, exact.h1(mdp, theta) + exact.h2(mdp, theta) + h12 + h12.T)
        if decay == 1:
            assert close(found, exact.return_hessian(mdp, theta))


def test_expected_hessian_of_the_second_order_expansion_is_the_hessian_of_the_return(problem):
    mdps, theta = problem
    _, hessian = derivatives(second_order, theta, expectation(mdps, theta))
    assert close(hessian, np.stack([exact.return_hessian(mdp, theta) for mdp in mdps]))


def test_the_ends_of_loaded_dice_are_lvc_and_dice_on_every_trajectory(problem):
    mdps, theta = problem
    data, _ = single_trajectories(mdps[0], theta)
    for decay, loss in ((0.0, lvc), (1.0, dice), (1.0, second_order)):
        for ours, theirs in zip(derivatives(loaded_dice(decay), theta, data), derivatives(loss, theta, data), strict=True):
            assert close(ours, theirs)
    between = derivatives(loaded_dice(0.5), theta, data)[1]
    assert min(np.abs(between - derivatives(loss, theta, data)[1]).max() for loss in (lvc, dice)) > 1e-3


def test_the_control_variate_of_tmaml_changes_the_hessian_alone_and_by_its_terms_of_two_actions(problem):
    """On each trajectory it is -sum_t b_t sum_(l < t) (g_l g_t^T + g_t g_l^T)."""
    mdps, theta = problem
    data, _ = single_trajectories(mdps[0], theta)
    (gradient, hessian), (of_dice, hessian_of_dice) = (derivatives(loss, theta, data) for loss in (tmaml, dice))
    np.testing.assert_array_equal(gradient, of_dice)
    t = exact.enumerate_trajectories(mdps[0])
    scores = exact.scores(theta)[t.states, t.actions]
    before = scores.cumsum(axis=1) - scores
    baselines = 1.0 + t.states + 0.5 * np.arange(t.states.shape[1])
    pairs = np.einsum("mh,mhp,mhq->mpq", baselines, before, scores)
    assert close(hessian - hessian_of_dice, -pairs - pairs.transpose(0, 2, 1))
    assert np.abs(pairs).max() > 0.1


def test_a_baseline_of_the_state_leaves_the_expectations_of_loaded_dice(problem):
    """The control variate of DiCE's Hessian: E[R_t - b(s_t)] where R_t was."""
    mdps, theta = problem
    data = expectation(mdps, theta)
    baseline = data.observations @ np.arange(1.0, 1.0 + theta.shape[0])
    less = data._replace(advantages=data.advantages - baseline)
    for ours, theirs in zip(
        derivatives(loaded_dice(0.5), theta, less), derivatives(loaded_dice(0.5), theta, data), strict=True
    ):
        assert close(ours, theirs)


def test_likelihood_ratio_has_the_derivatives_of_lvc_where_the_data_was_drawn_and_only_there(problem):
    mdps, theta = problem
    data = expectation(mdps, theta)
    for ours, theirs in zip(derivatives(likelihood_ratio, theta, data), derivatives(lvc, theta, data), strict=True):
        assert close(ours, theirs)
    elsewhere = theta + np.eye(*theta.shape)
    for ours, theirs in zip(derivatives(likelihood_ratio, elsewhere, data), derivatives(lvc, elsewhere, data), strict=True):
        assert np.abs(ours - theirs).max() > 1e-2


def test_dice_and_lvc_are_one_for_single_step_episodes():
    mdps, theta = [exact.random_mdp(0, 3, 3, 1)], np.random.default_rng(0).normal(size=(3, 3))
    data = expectation(mdps, theta)
    for ours, theirs in zip(derivatives(dice, theta, data), derivatives(lvc, theta, data), strict=True):
        assert close(ours, theirs)


def _variance(values: np.ndarray, probabilities: np.ndarray) -> float:
    """Sum of the variances of all entries of a random matrix [M, ...]."""
    flat = values.reshape(len(values), -1)
    return float(probabilities @ np.sum(flat**2, axis=1) - np.sum((probabilities @ flat) ** 2))


def test_hessian_estimate_of_lvc_has_less_variance_than_dice(problem, record_property):
    mdps, theta = problem
    for task, mdp in enumerate(mdps):
        data, probabilities = single_trajectories(mdp, theta)
        variances = {}
        for loss in (lvc, dice):
            _, hessian = derivatives(loss, theta, data)
            variances[loss] = _variance(hessian, probabilities)
        ratio = variances[dice] / variances[lvc]
        record_property(f"Var[DiCE] / Var[LVC], task {task}", ratio)
        print(f"Var[Hessian of DiCE] / Var[Hessian of LVC] = {ratio:.2f}")
        assert ratio > 1
