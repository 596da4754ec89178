"""Small Markov decision processes whose trajectories can all be listed, and the exact truths about them, in numpy.

Shapes: S states, A actions, H steps, M = (S A)^H trajectories, P = S A parameters (the logits theta of a tabular softmax
policy, [S, A], flattened row by row). Nothing here knows of the package.
"""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class MDP(NamedTuple):
    initial: np.ndarray  # [S] probabilities of the first state
    transition: np.ndarray  # [S, A, S]
    reward: np.ndarray  # [S, A]
    horizon: int


class Trajectories(NamedTuple):
    """All trajectories of an MDP."""

    states: np.ndarray  # [M, H]
    actions: np.ndarray  # [M, H]
    rewards: np.ndarray  # [M, H]
    dynamics: np.ndarray  # [M] what the MDP contributes to their probability


def random_mdp(seed: int, n_states: int, n_actions: int, horizon: int) -> MDP:
    rng = np.random.default_rng(seed)
    initial, transition = rng.dirichlet(np.ones(n_states)), rng.dirichlet(np.ones(n_states), (n_states, n_actions))
    return MDP(initial, transition, rng.normal(size=(n_states, n_actions)), horizon)


def enumerate_trajectories(mdp: MDP) -> Trajectories:
    n_states, n_actions = mdp.reward.shape
    steps = list(itertools.product(range(n_states), range(n_actions)))
    pairs = np.array(list(itertools.product(steps, repeat=mdp.horizon)))  # [M, H, 2]
    states, actions = pairs[..., 0], pairs[..., 1]
    moves = mdp.transition[states[:, :-1], actions[:, :-1], states[:, 1:]]
    return Trajectories(states, actions, mdp.reward[states, actions], mdp.initial[states[:, 0]] * moves.prod(axis=1))


def softmax(theta: np.ndarray) -> np.ndarray:
    """pi_theta(a | s), [S, A]."""
    weights = np.exp(theta - theta.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def probabilities(trajectories: Trajectories, theta: np.ndarray) -> np.ndarray:
    """P(tau | theta), [M]."""
    return trajectories.dynamics * softmax(theta)[trajectories.states, trajectories.actions].prod(axis=1)


def rewards_to_go(trajectories: Trajectories) -> np.ndarray:
    """sum of r_t' over t' >= t, [M, H]."""
    return trajectories.rewards[:, ::-1].cumsum(axis=1)[:, ::-1]


def scores(theta: np.ndarray) -> np.ndarray:
    """grad log pi(a | s), [S, A, P]."""
    n_states, n_actions = theta.shape
    result = np.zeros((n_states, n_actions, n_states, n_actions))
    for state in range(n_states):
        result[state, :, state] = np.eye(n_actions) - softmax(theta)[state]
    return result.reshape(n_states, n_actions, -1)


def curvatures(theta: np.ndarray) -> np.ndarray:
    """Hessian of log pi(a | s), which is the same for all actions, [S, P, P]."""
    n_states, n_actions = theta.shape
    result = np.zeros((n_states, n_states, n_actions, n_states, n_actions))
    for state, pi in enumerate(softmax(theta)):
        result[state, state, :, state] = np.outer(pi, pi) - np.diag(pi)
    return result.reshape(n_states, theta.size, theta.size)


def expected_return(mdp: MDP, theta: np.ndarray) -> float:
    """J(theta) by dynamic programming: no trajectories, no derivatives."""
    values, pi = np.zeros(len(mdp.initial)), softmax(theta)
    for _ in range(mdp.horizon):
        values = np.sum(pi * (mdp.reward + mdp.transition @ values), axis=1)
    return float(mdp.initial @ values)


def return_gradient(mdp: MDP, theta: np.ndarray) -> np.ndarray:
    """E[ R(tau) grad log pi(tau) ], [P] (equation 10)."""
    trajectories = enumerate_trajectories(mdp)
    score = scores(theta)[trajectories.states, trajectories.actions].sum(axis=1)
    return (probabilities(trajectories, theta) * trajectories.rewards.sum(axis=1)) @ score


def return_hessian(mdp: MDP, theta: np.ndarray) -> np.ndarray:
    """E[ R(tau) (hess log pi(tau) + grad log pi(tau) grad log pi(tau)^T) ], [P, P] (equation 18)."""
    return curvature_part(mdp, theta) + outer_product_part(mdp, theta)


def curvature_part(mdp: MDP, theta: np.ndarray) -> np.ndarray:
    """E[ R(tau) hess log pi(tau) ]: what `J_post` has of the inner step (equation 26)."""
    trajectories = enumerate_trajectories(mdp)
    weights = probabilities(trajectories, theta) * trajectories.rewards.sum(axis=1)
    return np.einsum("m,mhpq->pq", weights, curvatures(theta)[trajectories.states])


def outer_product_part(mdp: MDP, theta: np.ndarray) -> np.ndarray:
    """E[ R(tau) grad log pi(tau) grad log pi(tau)^T ]: what `J_pre` of formulation I has of it (equation 27)."""
    trajectories = enumerate_trajectories(mdp)
    score = scores(theta)[trajectories.states, trajectories.actions].sum(axis=1)
    return np.einsum("m,mp,mq->pq", probabilities(trajectories, theta) * trajectories.rewards.sum(axis=1), score, score)


def h1(mdp: MDP, theta: np.ndarray) -> np.ndarray:
    """E[ sum_t grad log pi_t grad log pi_t^T (rewards to go)_t ] (equation 36)."""
    trajectories = enumerate_trajectories(mdp)
    score = scores(theta)[trajectories.states, trajectories.actions]
    weights = probabilities(trajectories, theta)[:, np.newaxis] * rewards_to_go(trajectories)
    return np.einsum("mh,mhp,mhq->pq", weights, score, score)


def h2(mdp: MDP, theta: np.ndarray) -> np.ndarray:
    """E[ sum_t hess log pi_t (rewards to go)_t ] (equation 37)."""
    trajectories = enumerate_trajectories(mdp)
    weights = probabilities(trajectories, theta)[:, np.newaxis] * rewards_to_go(trajectories)
    return np.einsum("mh,mhpq->pq", weights, curvatures(theta)[trajectories.states])


def h12(mdp: MDP, theta: np.ndarray, decay: float = 1.0) -> np.ndarray:
    """E[ sum_t grad log pi_t (grad Q_t)^T ] (equation 38), by state visitation and the recursion of equation 53.

    Of grad Q_t = sum_{l > t} E[ grad log pi_l (rewards to go)_l ] the summand l is weighted with decay^(l - t).
    """
    pi, score, gradients = softmax(theta), scores(theta), _q_gradients(mdp, theta, decay)
    visited, total = mdp.initial, np.zeros((theta.size, theta.size))
    for gradient in gradients:
        joint = visited[:, np.newaxis] * pi
        total += np.einsum("sa,sap,saq->pq", joint, score, gradient)
        visited = np.einsum("sa,sax->x", joint, mdp.transition)
    return total


def _q_gradients(mdp: MDP, theta: np.ndarray, decay: float) -> list[np.ndarray]:
    """grad Q_t(s, a) for t = 0 .. H-1, each [S, A, P]; what action l contributes weighted with decay^(l - t)."""
    pi, score = softmax(theta), scores(theta)
    q, gradient = mdp.reward, np.zeros((*theta.shape, theta.size))
    gradients = [gradient]
    for _ in range(mdp.horizon - 1):
        value_gradient = np.einsum("sa,sap->sp", pi * q, score) + np.einsum("sa,sap->sp", pi, gradient)
        gradient = decay * np.einsum("sax,xp->sap", mdp.transition, value_gradient)
        q = mdp.reward + mdp.transition @ np.sum(pi * q, axis=1)
        gradients.insert(0, gradient)
    return gradients


def differences(function: Callable[[np.ndarray], float | np.ndarray], theta: np.ndarray, step: float = 1e-4) -> np.ndarray:
    """Derivatives by central differences of fourth order, [..., P]."""
    columns = []
    for index in np.ndindex(theta.shape):
        shift = np.zeros_like(theta)
        shift[index] = step
        near = function(theta + shift) - function(theta - shift)
        far = function(theta + 2 * shift) - function(theta - 2 * shift)
        columns.append((8 * near - far) / (12 * step))
    return np.stack(columns, axis=-1)
