"""The atlas is exact: its sums agree with dynamic programming, with differences, and with all sequences of trajectories."""

import itertools

import numpy as np
import pandas as pd
import pytest

from experiment_utils.paper import enumerable_mdp, estimators
from experiment_utils.paper.estimators import OBJECTIVES, SMOKE, UNBIASED, WITH_BASELINE, derivatives, multisets
from experiment_utils.paper.estimators_plot import draw, exponents
from experiment_utils.paper.reproduce import main
from tests.theory import mdp as truth

pytestmark = pytest.mark.usefixtures("eagerly")

BATCH = estimators.problems(SMOKE, 3)
PROCESSES = pytest.mark.parametrize("index", range(len(BATCH)))


def as_general(mdp: enumerable_mdp.MDP) -> truth.MDP:
    """The same process with its transitions as probabilities."""
    n_states = len(mdp.reward)
    return truth.MDP(np.eye(n_states)[0], np.eye(n_states)[mdp.next_state], mdp.reward, mdp.states.shape[1])


@PROCESSES
def test_exact_quantities_agree_with_dynamic_programming_and_differences(index):
    mdp, theta = BATCH[index]
    general = as_general(mdp)
    assert enumerable_mdp.probabilities(mdp, theta).sum() == pytest.approx(1, abs=1e-14)
    assert enumerable_mdp.expected_return(mdp, theta) == pytest.approx(truth.expected_return(general, theta), abs=1e-14)
    gradient = truth.differences(lambda x: truth.expected_return(general, x), theta)
    np.testing.assert_allclose(enumerable_mdp.return_gradient(mdp, theta), gradient, rtol=0, atol=1e-10)
    np.testing.assert_allclose(
        enumerable_mdp.return_hessian(mdp, theta), truth.return_hessian(general, theta), rtol=0, atol=1e-13
    )


@PROCESSES
def test_many_thetas_at_once_are_each_alone(index):
    mdp, theta = BATCH[index]
    thetas = theta + np.random.default_rng(0).normal(size=(4, *theta.shape))
    together = enumerable_mdp.return_gradient(mdp, thetas)
    np.testing.assert_allclose(together, [enumerable_mdp.return_gradient(mdp, x) for x in thetas], rtol=0, atol=1e-14)


@PROCESSES
def test_values_are_the_expected_rewards_to_go(index):
    mdp, theta = BATCH[index]
    weights, found = enumerable_mdp.probabilities(mdp, theta), enumerable_mdp.values(mdp, theta)
    for state in np.unique(mdp.states[:, 1]):
        there = mdp.states[:, 1] == state
        expected = weights[there] @ mdp.rewards_to_go[there, 1] / weights[there].sum()
        np.testing.assert_allclose(found[there, 1], expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_expected_derivatives_are_what_the_paper_proves_of_them(name):
    """A baseline takes H2 out of the log-likelihood's: the Hessian of a softmax's log-probability is the state's alone."""
    for (mdp, theta), gradient, hessian in zip(BATCH, *derivatives(name, BATCH), strict=True):
        general, weights = as_general(mdp), enumerable_mdp.probabilities(mdp, theta)
        np.testing.assert_allclose(weights @ gradient, truth.return_gradient(general, theta), rtol=0, atol=1e-13)
        decay = {"LVC": 0.0, "log-likelihood (MAML)": None}.get(name, 1.0)
        decay = float(name.split()[-1]) if name.startswith("Loaded") else decay
        h12 = 0.0 if decay is None else truth.h12(general, theta, decay)
        expected = truth.h1(general, theta) + truth.h2(general, theta) if decay is not None else np.zeros_like(hessian[0])
        found = np.einsum("m,mpq->pq", weights, hessian)
        np.testing.assert_allclose(found, expected + h12 + np.transpose(h12), rtol=0, atol=1e-13)


def test_the_control_variate_of_tmaml_takes_variance_from_the_hessian_of_dice():
    found = {name: derivatives(name, BATCH) for name in ("DiCE", "TMAML")}
    for index, (mdp, theta) in enumerate(BATCH):
        weights, truth_of = enumerable_mdp.probabilities(mdp, theta), enumerable_mdp.return_hessian(mdp, theta)
        spread = [estimators.bias_and_variance(hessian[index], weights, truth_of)[1] for _, hessian in found.values()]
        assert spread[0] > spread[1]


@pytest.mark.parametrize("n_samples", [1, 3])
def test_multisets_have_the_probabilities_of_all_sequences(n_samples):
    probabilities = np.array([0.5, 0.2, 0.3])
    expected: dict[tuple, float] = {}
    for sequence in itertools.product(range(3), repeat=n_samples):
        key = tuple(np.bincount(sequence, minlength=3))
        expected[key] = expected.get(key, 0.0) + probabilities[list(sequence)].prod()
    counts, weights = multisets(probabilities, n_samples)
    assert {tuple(row): weight for row, weight in zip(counts, weights, strict=True)} == pytest.approx(expected, abs=1e-15)


def all_meta_gradients(index: int, n_samples: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    batch = estimators.problems(SMOKE, 2)
    found = {name: derivatives(name, batch) for name in WITH_BASELINE}
    hessians = {name: hessian[index] for name, (_, hessian) in found.items()}
    return estimators.meta_gradients(*batch[index], found["LVC"][0][index], hessians, SMOKE.inner_lr, n_samples)


@PROCESSES
@pytest.mark.parametrize("name", [UNBIASED, f"{UNBIASED} with baseline"])
def test_the_unbiased_estimates_expect_the_gradient_of_the_return_after_two_sampled_trajectories(index, name):
    mdp, theta = estimators.problems(SMOKE, 2)[index]

    def objective(x: np.ndarray) -> float:
        """E over all pairs of trajectories of J(x + alpha g), g their REINFORCE gradient with the baseline of theta."""
        weights = enumerable_mdp.probabilities(mdp, x)
        credit = mdp.rewards_to_go - enumerable_mdp.values(mdp, theta)
        step_scores = np.eye(x.size).reshape(*x.shape, x.size)[mdp.states, mdp.actions]  # [M, H, P]
        pi = enumerable_mdp.softmax(x)
        means = np.einsum("sa,sap->sp", pi, np.eye(x.size).reshape(*x.shape, x.size))
        score = np.einsum("mh,mhp->mp", credit, step_scores - means[mdp.states])
        total = 0.0
        for first, second in itertools.product(range(len(weights)), repeat=2):
            adapted = x + SMOKE.inner_lr * ((score[first] + score[second]) / 2).reshape(x.shape)
            total += weights[first] * weights[second] * truth.expected_return(as_general(mdp), adapted)
        return total

    weights, found = all_meta_gradients(index, 2)
    np.testing.assert_allclose(weights @ found[name], truth.differences(objective, theta), rtol=0, atol=1e-10)


@PROCESSES
def test_dice_is_biased_for_few_trajectories_and_tends_to_formulation_one(index):
    mdp, theta = estimators.problems(SMOKE, 2)[index]
    limit = estimators.formulation_one(mdp, theta, SMOKE.inner_lr)
    distances = []
    for n_samples in (4, 16, 64):
        weights, found = all_meta_gradients(index, n_samples)
        distances.append(np.linalg.norm(weights @ found["DiCE with baseline"] - limit))
    assert distances[0] > 1e-5
    np.testing.assert_allclose(np.divide(distances[:-1], distances[1:]), 4, rtol=0.1)


def test_bias_and_variance_are_relative_to_the_truth():
    values, weights = np.array([[1.0, 0.0], [5.0, 0.0]]), np.array([0.75, 0.25])
    bias, variance = estimators.bias_and_variance(values, weights, np.array([4.0, 0.0]))
    assert bias == pytest.approx(2 / 4)
    assert variance == pytest.approx((0.75 * 1 + 0.25 * 9) / 16)


def test_exponents_are_slopes_in_logarithmic_axes_and_none_where_there_is_no_bias():
    rows = [
        {"estimator": "unbiased", "H": h, "N": n, "Hessian bias": 0.0, "Hessian variance": h**1.5}
        for h, n in [(2, 8), (4, 16)]
    ]
    table = pd.DataFrame([{**row, "bias": 0.0, "variance": 3.0 * row["N"]} for row in rows])
    found = exponents(table, table).set_index("of")
    assert found.loc["Hessian variance against H", "exponent"] == pytest.approx(1.5)
    assert found.loc["variance against N", "exponent"] == pytest.approx(1.0)
    assert found.loc["variance against N", "paper"] == "1"
    assert np.isnan(found.loc["bias against N", "exponent"])


def test_the_atlas_is_drawn_with_its_tables(tmp_path, capsys):
    assert main(["estimators", "--budget", "smoke", "--dump_path", str(tmp_path)]) == 0
    written = draw(tmp_path, SMOKE)
    assert (tmp_path / "smoke" / "figures" / "estimators.pdf").read_bytes() == written[0].read_bytes()
    assert [path.name for path in written if path.suffix in (".png", ".csv")] == [
        "estimators.png",
        "estimators_column.png",
        "estimators_derivatives.csv",
        "estimators_meta_gradients.csv",
        "estimators_exponents.csv",
    ]
    table = pd.read_csv(tmp_path / "estimators_derivatives.csv")
    assert set(table["estimator"]) == set(OBJECTIVES)
