"""The variants of the adaptation on enumerated processes: each meta-gradient is the derivative of the exact objective.

The inner objective is Loaded DiCE with lambda = 1, whose expected derivatives are those of the return, so that the truth is
the derivative of theta -> J(adapted theta), by differences of dynamic programming.
"""

from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.meta_algos.reptile import Reptile
from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.meta_algos.vpg_maml import VPGMAML
from meta_policy_search.types import Params, Samples
from tests.theory import mdp as exact
from tests.theory.tabular_policy import TabularSoftmaxPolicy, expectation

pytestmark = pytest.mark.usefixtures("eagerly")

ALPHA = 0.3
SIZES = [(2, 2, 3), (3, 2, 3), (2, 3, 2)]  # states, actions, horizon
UNBIASED = {"inner_type": "loaded_dice", "loaded_dice_lambda": 1.0}
ALGORITHMS = [ProMP, TRPOMAML, VPGMAML]

Parts = dict[str, np.ndarray]


class TwoLayerPolicy(TabularSoftmaxPolicy):
    """The logits are body [S, D] @ head [D, A]."""

    names: ClassVar[list[str]] = ["body", "head"]

    def init_params(self, rng: np.random.Generator) -> Parts:
        body = np.random.default_rng(7).normal(size=(len(self._initial), 2))
        return {"body": body, "head": np.linalg.lstsq(body, self._initial, rcond=None)[0]}

    def distribution(self, params: Params, observations: tf.Tensor) -> tfp.distributions.Distribution:
        logits = tf.einsum("nrts,nsd,nda->nrta", observations, params["body"], params["head"])
        return tfp.distributions.Categorical(logits=logits)

    def logits(self, parts: Parts) -> np.ndarray:
        return parts["body"] @ parts["head"]

    def chain(self, parts: Parts, gradient: np.ndarray) -> Parts:
        """The derivative with respect to the parts, of that with respect to the logits [S, A]."""
        return {"body": gradient @ parts["head"].T, "head": parts["body"].T @ gradient}


class TabularContextPolicy(TabularSoftmaxPolicy):
    """The logits of a state are those of theta and context [C] @ weights [C, A]."""

    def init_params(self, rng: np.random.Generator) -> Parts:
        weights = np.random.default_rng(7).normal(size=(3, self._initial.shape[1]))
        return {"logits": self._initial, "weights": weights, "context": np.zeros(3)}

    def distribution(self, params: Params, observations: tf.Tensor) -> tfp.distributions.Distribution:
        shift = tf.einsum("nc,nca->na", params["context"], params["weights"])
        return super().distribution({"logits": params["logits"] + shift[:, tf.newaxis]}, observations)

    def logits(self, parts: Parts) -> np.ndarray:
        return parts["logits"] + parts["context"] @ parts["weights"]

    def chain(self, parts: Parts, gradient: np.ndarray) -> Parts:
        return {"context": parts["weights"] @ gradient.sum(axis=0)}


@pytest.fixture(params=list(enumerate(SIZES)), ids=lambda case: "{}states-{}actions-{}steps".format(*case[1]))
def problem(request) -> tuple[list[exact.MDP], np.ndarray]:
    """Two MDPs, and the logits of theta."""
    seed, (n_states, n_actions, horizon) = request.param
    mdps = [exact.random_mdp(10 * seed + task, n_states, n_actions, horizon) for task in range(2)]
    return mdps, np.random.default_rng(seed).normal(size=(n_states, n_actions))


def exact_adapted(policy, mdp: exact.MDP, parts: Parts, step_sizes: list[Parts]) -> Parts:
    """theta^(k+1) = theta^k + alpha_k grad J(theta^k), of the parts that alpha_k names."""
    for alpha in step_sizes:
        logits = policy.logits(parts)
        gradient = policy.chain(parts, exact.return_gradient(mdp, logits).reshape(logits.shape))
        parts = {**parts, **{name: parts[name] + alpha[name] * gradient[name] for name in alpha}}
    return parts


def derivative(function, parts: Parts, name: str) -> np.ndarray:
    """Of a function of parts, with respect to one of them, by differences."""
    found = exact.differences(lambda x: function({**parts, name: x}), np.atleast_1d(parts[name]))
    return found.reshape(np.shape(parts[name]))


def expected_batches(algo: MAMLAlgo, mdps: list[exact.MDP], steps: int) -> list[Samples]:
    """Enumerated trajectories of theta^0 .. theta^steps of every task, adapted by the package."""
    params, batches = algo.policy.stacked_theta(len(mdps)), []
    for step in range(steps + 1):
        tasks = [{name: value[n].numpy() for name, value in params.items()} for n in range(len(mdps))]
        batches.append(expectation(mdps, np.stack([algo.policy.logits(task) for task in tasks])))
        params = algo.adapt(params, batches[-1], step)
    return batches


def meta_gradient(algo: MAMLAlgo, mdps: list[exact.MDP]) -> Parts:
    """The package's, ascending."""
    _, gradient = algo.meta_gradient(expected_batches(algo, mdps, algo.num_inner_grad_steps))
    return {name: -value.numpy() for name, value in gradient.items()}


def parts_of(policy) -> Parts:
    return {name: value.numpy() for name, value in policy.theta.items()}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("steps", [1, 2])
def test_anil_gives_the_derivative_of_the_return_after_adapting_the_head_alone(problem, algorithm, steps):
    mdps, theta = problem
    policy = TwoLayerPolicy(theta)
    algo = algorithm(policy, inner_lr=ALPHA, num_inner_grad_steps=steps, adapted=("head",), **UNBIASED)
    found = meta_gradient(algo, mdps)

    def value(parts: Parts) -> float:
        adapted = [exact_adapted(policy, mdp, parts, [{"head": ALPHA}] * steps) for mdp in mdps]
        return np.mean([exact.expected_return(mdp, policy.logits(x)) for mdp, x in zip(mdps, adapted, strict=True)])

    for name in ("body", "head"):
        np.testing.assert_allclose(found[name], derivative(value, parts_of(policy), name), rtol=0, atol=1e-9)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_learned_step_sizes_per_parameter_and_step_have_the_derivative_of_the_return(problem, algorithm):
    mdps, theta = problem
    policy = TwoLayerPolicy(theta)
    learned = {"trainable_inner_step_size": True, "step_size_shape": "parameter_and_step", "num_inner_grad_steps": 2}
    algo = algorithm(policy, **learned, **UNBIASED)
    sizes = {"inner_lr/body": np.array([0.2, 0.5]), "inner_lr/head": np.array([0.4, 0.1])}
    for name, value in sizes.items():
        algo.theta[name].assign(value)
    found = meta_gradient(algo, mdps)

    def value(parts: Parts) -> float:
        by_step = [{name: parts[f"inner_lr/{name}"][step] for name in policy.names} for step in range(2)]
        start = {name: parts[name] for name in policy.names}
        adapted = [exact_adapted(policy, mdp, start, by_step) for mdp in mdps]
        return np.mean([exact.expected_return(mdp, policy.logits(x)) for mdp, x in zip(mdps, adapted, strict=True)])

    parts = {**parts_of(policy), **sizes}
    assert set(found) == set(parts)
    for name in parts:
        np.testing.assert_allclose(found[name], derivative(value, parts, name), rtol=0, atol=1e-9)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("steps", [1, 2])
def test_cavia_gives_the_derivative_of_the_return_after_adapting_a_context_from_zero(problem, algorithm, steps):
    mdps, theta = problem
    policy = TabularContextPolicy(theta)
    names = {"adapted": ("context",), "not_meta_learned": ("context",)}
    algo = algorithm(policy, inner_lr=ALPHA, num_inner_grad_steps=steps, **names, **UNBIASED)
    found = meta_gradient(algo, mdps)
    assert set(found) == {"logits", "weights"}

    def value(parts: Parts) -> float:
        adapted = [exact_adapted(policy, mdp, parts, [{"context": ALPHA}] * steps) for mdp in mdps]
        return np.mean([exact.expected_return(mdp, policy.logits(x)) for mdp, x in zip(mdps, adapted, strict=True)])

    for name in found:
        np.testing.assert_allclose(found[name], derivative(value, parts_of(policy), name), rtol=0, atol=1e-9)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("steps", [1, 2])
def test_the_first_order_meta_gradient_is_that_of_the_return_at_the_adapted_parameters(problem, algorithm, steps):
    mdps, theta = problem
    policy = TwoLayerPolicy(theta)
    algo = algorithm(policy, inner_lr=ALPHA, num_inner_grad_steps=steps, first_order=True)
    found, both = meta_gradient(algo, mdps), dict.fromkeys(policy.names, ALPHA)
    adapted = [exact_adapted(policy, mdp, parts_of(policy), [both] * steps) for mdp in mdps]
    for name in policy.names:
        truth = [
            derivative(lambda parts, mdp=mdp: exact.expected_return(mdp, policy.logits(parts)), x, name)
            for mdp, x in zip(mdps, adapted, strict=True)
        ]
        np.testing.assert_allclose(found[name], np.mean(truth, axis=0), rtol=0, atol=1e-10)


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_reptile_moves_towards_the_mean_of_the_tasks_parameters_after_exact_gradient_steps(problem, steps):
    mdps, theta = problem
    policy = TwoLayerPolicy(theta)
    algo = Reptile(policy, inner_lr=ALPHA, num_inner_grad_steps=steps)
    batches, both = expected_batches(algo, mdps, steps), dict.fromkeys(policy.names, ALPHA)
    _, direction = algo.direction(batches)
    start = parts_of(policy)
    adapted = [exact_adapted(policy, mdp, start, [both] * (steps + 1)) for mdp in mdps]
    for name in policy.names:
        expected = start[name] - np.mean([x[name] for x in adapted], axis=0)
        np.testing.assert_allclose(direction[name], expected, rtol=0, atol=1e-12)
        assert np.abs(expected).max() > 1e-3
