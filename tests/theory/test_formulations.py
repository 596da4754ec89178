"""The two formulations of the meta-objective (appendix A): the package's algorithms give their exact meta-gradients.

Formulation I adapts with the expected gradient, so all pre-update trajectories are rows of one task, weighted with their
probability. Formulation II adapts with sampled trajectories, one here, and takes the expectation afterwards: every
pre-update trajectory is a task of its own, and since the package's meta-loss is the mean over the M tasks, M times its
probability weighs what happens after adaptation. Rewards count as in the appendix: the whole return R(tau) for every step.
"""

import numpy as np
import pytest

from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.meta_algos.dice_maml import DICEMAML, TRPO_DICEMAML, VPG_DICEMAML
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.meta_algos.sg_mrl import SGMRL
from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.meta_algos.vpg_maml import VPGMAML
from meta_policy_search.types import Samples
from tests.theory import mdp as exact
from tests.theory.tabular_policy import TabularSoftmaxPolicy, expectation, returns, samples, whole_return

pytestmark = pytest.mark.usefixtures("eagerly")

ALPHA = 0.3
SIZES = [(2, 2, 3), (3, 2, 3), (2, 3, 3)]  # states, actions, horizon

LVC = {"LVC-VPG": (VPGMAML, {}), "LVC-TRPO": (TRPOMAML, {}), "ProMP": (ProMP, {})}
DICE = {"DiCE": (DICEMAML, {}), "VPG-DiCE": (VPG_DICEMAML, {}), "TRPO-DiCE": (TRPO_DICEMAML, {})}
LOADED = {
    f"{algorithm.__name__}, lambda {decay}": (algorithm, {"inner_type": "loaded_dice", "loaded_dice_lambda": decay})
    for algorithm, decay in ((VPGMAML, 0.0), (TRPOMAML, 0.4), (ProMP, 0.7), (DICEMAML, 0.4))
}
EXPANSION = {"second-order expansion": (VPGMAML, {"inner_type": "second_order"})}
MAML = {
    "MAML-VPG": (VPGMAML, {"inner_type": "log_likelihood"}),
    "TRPO-MAML": (TRPOMAML, {"inner_type": "log_likelihood"}),
}


def params(algorithms: dict) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("algorithm", "settings"), algorithms.values(), ids=list(algorithms))


@pytest.fixture(params=list(enumerate(SIZES)), ids=lambda case: "{}states-{}actions-{}steps".format(*case[1]))
def problem(request) -> tuple[list[exact.MDP], np.ndarray]:
    """Two MDPs, and theta."""
    seed, (n_states, n_actions, horizon) = request.param
    mdps = [exact.random_mdp(10 * seed + task, n_states, n_actions, horizon) for task in range(2)]
    return mdps, np.random.default_rng(seed).normal(size=(n_states, n_actions))


def build(algorithm: type, settings: dict, theta: np.ndarray) -> MAMLAlgo:
    return algorithm(TabularSoftmaxPolicy(theta), inner_lr=ALPHA, **settings)


def formulation_one(algo: MAMLAlgo, mdps: list[exact.MDP], theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The package's meta-gradient (ascending) [P], and its adapted parameters [N, S, A], with exact expectations."""
    before = expectation(mdps, np.repeat(theta[np.newaxis], len(mdps), axis=0))
    adapted = algo.adapt(algo.policy.stacked_theta(len(mdps)), before)["logits"].numpy()
    _, gradient = algo.meta_gradient((before, expectation(mdps, adapted)))
    return -gradient["logits"].numpy().ravel(), adapted


def exact_adapted(mdp: exact.MDP, theta: np.ndarray) -> np.ndarray:
    """theta' = theta + alpha grad J(theta)."""
    return theta + ALPHA * exact.return_gradient(mdp, theta).reshape(theta.shape)


def j_post(mdp: exact.MDP, theta: np.ndarray) -> np.ndarray:
    """E[ grad J_post ] = (I + alpha E[R hess log pi]) grad J(theta') (equation 26)."""
    curvature = np.eye(theta.size) + ALPHA * exact.curvature_part(mdp, theta)
    return curvature @ exact.return_gradient(mdp, exact_adapted(mdp, theta))


def j_pre_one(mdp: exact.MDP, theta: np.ndarray) -> np.ndarray:
    """E[ alpha grad log pi(tau) ((grad log pi(tau) R(tau))^T grad' log pi'(tau') R(tau')) ] (equations 3, 27, 30)."""
    return ALPHA * exact.outer_product_part(mdp, theta) @ exact.return_gradient(mdp, exact_adapted(mdp, theta))


@params({**LVC, **DICE, **MAML})
def test_expected_adaptation_is_a_step_along_the_gradient_of_the_return(problem, algorithm, settings):
    mdps, theta = problem
    _, adapted = formulation_one(build(algorithm, settings, theta), mdps, theta)
    np.testing.assert_allclose(adapted, [exact_adapted(mdp, theta) for mdp in mdps], rtol=0, atol=1e-12)


@params(DICE)
def test_dice_gives_the_exact_meta_gradient_of_formulation_one(problem, algorithm, settings):
    mdps, theta = problem
    gradient, _ = formulation_one(build(algorithm, settings, theta), mdps, theta)

    def objective(x: np.ndarray) -> float:
        return np.mean([exact.expected_return(mdp, exact_adapted(mdp, x)) for mdp in mdps])

    np.testing.assert_allclose(gradient, exact.differences(objective, theta), rtol=0, atol=1e-10)
    terms = np.mean([j_post(mdp, theta) + j_pre_one(mdp, theta) for mdp in mdps], axis=0)
    np.testing.assert_allclose(gradient, terms, rtol=0, atol=1e-12)


@params(MAML)
def test_maml_gives_j_post_only(problem, algorithm, settings):
    mdps, theta = problem
    gradient, _ = formulation_one(build(algorithm, settings, theta), mdps, theta)
    np.testing.assert_allclose(gradient, np.mean([j_post(mdp, theta) for mdp in mdps], axis=0), rtol=0, atol=1e-12)
    missing = np.mean([j_pre_one(mdp, theta) for mdp in mdps], axis=0)
    assert np.abs(missing).max() > 1e-3


@params({**LVC, **LOADED, **EXPANSION})
def test_lvc_and_loaded_dice_give_formulation_one_but_for_what_they_leave_out_of_h12(problem, algorithm, settings):
    mdps, theta = problem
    algo = build(algorithm, settings, theta)
    thetas = np.repeat(theta[np.newaxis], len(mdps), axis=0)
    to_go = np.stack([exact.rewards_to_go(exact.enumerate_trajectories(mdp)) for mdp in mdps])
    before = expectation(mdps, thetas)._replace(advantages=to_go)
    adapted = algo.adapt(algo.policy.stacked_theta(len(mdps)), before)["logits"].numpy()
    _, gradient = algo.meta_gradient((before, expectation(mdps, adapted)))
    decay = settings.get("loaded_dice_lambda", 1.0 if settings else 0.0)
    exact_gradients, lost = [], []
    for mdp in mdps:
        outer, h12 = exact.return_gradient(mdp, exact_adapted(mdp, theta)), exact.h12(mdp, theta)
        kept = exact.h12(mdp, theta, decay)
        exact_gradients.append((np.eye(theta.size) + ALPHA * exact.return_hessian(mdp, theta)) @ outer)
        lost.append(ALPHA * (h12 - kept + (h12 - kept).T) @ outer)
    expected = np.mean(exact_gradients, axis=0) - np.mean(lost, axis=0)
    np.testing.assert_allclose(-gradient["logits"].numpy().ravel(), expected, rtol=0, atol=1e-12)
    assert decay == 1 or np.abs(np.mean(lost, axis=0)).max() > 1e-5


class FormulationTwo:
    """One MDP; each of its M pre-update trajectories is a task, adapted with it alone."""

    def __init__(self, mdp: exact.MDP, theta: np.ndarray):
        self.mdp, self.theta = mdp, theta
        t = self.trajectories = exact.enumerate_trajectories(mdp)
        self.count = len(t.dynamics)
        self.probabilities = exact.probabilities(t, theta)
        self.scores = exact.scores(theta)[t.states, t.actions].sum(axis=1)  # [M, P] grad log pi(tau)
        self.curvatures = exact.curvatures(theta)[t.states].sum(axis=1)  # [M, P, P]
        self.adapted = theta + ALPHA * (returns(t)[:, np.newaxis] * self.scores).reshape(-1, *theta.shape)
        self.outer_returns = np.array([exact.expected_return(mdp, x) for x in self.adapted])  # [M] E[R(tau') | tau]

    def objective(self, theta: np.ndarray) -> float:
        """J^II(theta) = E_tau[ J(theta + alpha R(tau) grad log pi_theta(tau)) ] (equation 19, one trajectory)."""
        other = FormulationTwo(self.mdp, theta)
        return float(other.probabilities @ other.outer_returns)

    def j_post(self, adapted: list[np.ndarray] | None = None) -> np.ndarray:
        """E[ (I + alpha R(tau) hess log pi(tau)) R(tau') grad' log pi'(tau') ] (equation 28), one theta' per tau."""
        outer_gradients = np.stack(
            [exact.return_gradient(self.mdp, x) for x in (self.adapted if adapted is None else adapted)]
        )  # [M, P]
        moved = ALPHA * returns(self.trajectories)[:, np.newaxis, np.newaxis] * self.curvatures
        return np.einsum("m,mpq,mq->p", self.probabilities, np.eye(self.theta.size) + moved, outer_gradients)

    def j_pre(self) -> np.ndarray:
        """E[ R(tau') grad log pi(tau) ] (equation 29)."""
        return (self.probabilities * self.outer_returns) @ self.scores

    def batches(self, algo: MAMLAlgo, step_weight: float, credit: np.ndarray) -> tuple[Samples, Samples]:
        """The package's samples, of which `step_weight` and `credit` (adj_avg_rewards) enter E-MAML's term."""
        t = self.trajectories
        alone = [exact.Trajectories(*(value[m : m + 1] for value in t)) for m in range(self.count)]
        thetas = np.repeat(self.theta[np.newaxis], self.count, axis=0)
        parts = {name: value[:, np.newaxis] / step_weight for name, value in whole_return(t).items()}
        before = samples(alone, thetas, np.full((self.count, 1), step_weight), **parts)
        adapted = algo.adapt(algo.policy.stacked_theta(self.count), before)["logits"].numpy()
        np.testing.assert_allclose(adapted, self.adapted, rtol=0, atol=1e-12)
        task_weights = self.count * self.probabilities
        after = expectation([self.mdp] * self.count, adapted, task_weights, adj_avg_rewards=task_weights * credit)
        return before, after


@pytest.fixture
def second(problem) -> FormulationTwo:
    mdps, theta = problem
    return FormulationTwo(mdps[0], theta)


def meta_gradient(algo: MAMLAlgo, batches: tuple[Samples, Samples]) -> np.ndarray:
    _, gradient = algo.meta_gradient(batches)
    return -gradient["logits"].numpy().ravel()


@params(MAML)
def test_e_maml_gives_the_exact_meta_gradient_of_formulation_two(second, algorithm, settings):
    algo = build(algorithm, {**settings, "exploration": True}, second.theta)
    gradient = meta_gradient(algo, second.batches(algo, step_weight=1.0, credit=second.outer_returns))
    np.testing.assert_allclose(gradient, exact.differences(second.objective, second.theta), rtol=0, atol=1e-9)
    np.testing.assert_allclose(gradient, second.j_post() + second.j_pre(), rtol=0, atol=1e-12)


@params(MAML)
def test_without_exploration_formulation_two_keeps_j_post_only(second, algorithm, settings):
    algo = build(algorithm, settings, second.theta)
    gradient = meta_gradient(algo, second.batches(algo, step_weight=1.0, credit=second.outer_returns))
    np.testing.assert_allclose(gradient, second.j_post(), rtol=0, atol=1e-12)
    assert np.abs(second.j_pre()).max() > 1e-2


@params(MAML)
def test_with_means_over_steps_and_mean_step_rewards_e_maml_scales_j_pre_by_one_over_steps_squared(
    second, algorithm, settings
):
    """What a training run does (quirk of the original): both factors of equation (2) are means over the H steps.

    The log-likelihood is a mean over steps, not their sum, and the credit the mean step reward after adaptation, not the
    return: the term is 1/H^2 of the one that formulation II has. (Before the reward is also normalised over tasks.)
    """
    steps = second.mdp.horizon
    algo = build(algorithm, {**settings, "exploration": True}, second.theta)
    gradient = meta_gradient(algo, second.batches(algo, step_weight=1 / steps, credit=second.outer_returns / steps))
    np.testing.assert_allclose(gradient, second.j_post() + second.j_pre() / steps**2, rtol=0, atol=1e-12)


@params(MAML)
def test_exploration_weight_multiplies_j_pre_alone(second, algorithm, settings):
    algo = build(algorithm, {**settings, "exploration": True, "exploration_weight": 20.0}, second.theta)
    gradient = meta_gradient(algo, second.batches(algo, step_weight=1.0, credit=second.outer_returns))
    np.testing.assert_allclose(gradient, second.j_post() + 20 * second.j_pre(), rtol=0, atol=1e-11)


@pytest.mark.parametrize("step_weight", [1.0, 1 / 3])
def test_sg_mrl_is_the_exact_meta_gradient_of_formulation_two_however_steps_are_weighted(second, step_weight):
    algo = build(SGMRL, {}, second.theta)
    gradient = meta_gradient(algo, second.batches(algo, step_weight=step_weight, credit=second.outer_returns))
    np.testing.assert_allclose(gradient, exact.differences(second.objective, second.theta), rtol=0, atol=1e-9)
    np.testing.assert_allclose(gradient, second.j_post() + second.j_pre(), rtol=0, atol=1e-12)


def test_sg_mrl_credits_the_trajectories_of_all_inner_steps(second):
    """The trajectories of the second inner step depend on theta through the first: each step has a term of the same form."""
    batches, terms = None, []
    for algorithm, settings in ((SGMRL, {}), (VPGMAML, {"inner_type": "log_likelihood"})):
        algo = build(algorithm, {**settings, "num_inner_grad_steps": 2}, second.theta)
        if batches is None:
            first, last = second.batches(algo, step_weight=1.0, credit=second.outer_returns)
            middle = first._replace(agent_infos={"logits": first.agent_infos["logits"] + 0.1})
            batches = (first, middle, last)
        terms.append(meta_gradient(algo, batches))

    def credit(theta: np.ndarray) -> float:
        """mean_i R'_i (log pi_theta(tau_i) + log pi_theta_i'(tau_i)), with theta_i' = theta + alpha R(tau_i) grad log pi."""
        t, weights = second.trajectories, second.probabilities * second.outer_returns
        scores = exact.scores(theta)[t.states, t.actions].sum(axis=1)
        adapted = theta + ALPHA * (returns(t)[:, np.newaxis] * scores).reshape(-1, *theta.shape)
        logs = [np.log(exact.softmax(theta))[t.states, t.actions].sum(axis=1)]
        logs.append(
            np.array([np.log(exact.softmax(x))[s, a].sum() for x, s, a in zip(adapted, t.states, t.actions, strict=True)])
        )
        return float(weights @ sum(logs))

    np.testing.assert_allclose(terms[0] - terms[1], exact.differences(credit, second.theta), rtol=0, atol=1e-9)


def test_equation_two_as_printed_is_alpha_times_the_term_that_formulation_two_has(second):
    """Equations (2) and (31) print a factor alpha in front of grad log pi(tau) R(tau') that the derivation (29) has not."""
    printed = ALPHA * second.j_pre()
    truth = exact.differences(second.objective, second.theta) - second.j_post()
    np.testing.assert_allclose(truth, printed / ALPHA, rtol=0, atol=1e-9)
    assert np.abs(truth - printed).max() > 1e-2


@params(MAML)
def test_j_post_is_the_same_map_of_the_post_update_gradient_in_both_formulations(problem, algorithm, settings):
    """With the same theta' in both, here that of formulation I, their E[grad J_post] is equal."""
    mdps, theta = problem
    mdp, two = mdps[0], FormulationTwo(mdps[0], theta)
    one, adapted = formulation_one(build(algorithm, settings, theta), [mdp], theta)
    np.testing.assert_allclose(one, two.j_post(adapted=[adapted[0]] * two.count), rtol=0, atol=1e-12)
