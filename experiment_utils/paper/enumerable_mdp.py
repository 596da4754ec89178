"""Decision processes small enough that all their trajectories can be listed, and exact sums over them. Numpy only.

S states, A actions, H steps, M = A^H trajectories, P = S A parameters: the logits theta of a tabular softmax policy.
"""

import itertools
from typing import NamedTuple

import numpy as np


class MDP(NamedTuple):
    """A deterministic process from state 0 on, with all its trajectories."""

    next_state: np.ndarray  # [S, A]
    reward: np.ndarray  # [S, A]
    states: np.ndarray  # [M, H]
    actions: np.ndarray  # [M, H]

    @property
    def rewards(self) -> np.ndarray:
        """[M, H]"""
        return self.reward[self.states, self.actions]

    @property
    def returns(self) -> np.ndarray:
        """R(tau), [M]."""
        return self.rewards.sum(axis=1)

    @property
    def rewards_to_go(self) -> np.ndarray:
        """sum of r_l over l >= t, [M, H]."""
        return self.rewards[:, ::-1].cumsum(axis=1)[:, ::-1]

    @property
    def visits(self) -> np.ndarray:
        """How often a trajectory takes an action in a state, [M, S, A]."""
        counts = np.zeros((len(self.states), *self.reward.shape))
        for states, actions in zip(self.states.T, self.actions.T, strict=True):
            counts[np.arange(len(counts)), states, actions] += 1
        return counts


def random_mdp(rng: np.random.Generator, n_states: int, n_actions: int, horizon: int) -> MDP:
    """Successors drawn uniformly, rewards standard normal."""
    successors, reward = rng.integers(n_states, size=(n_states, n_actions)), rng.normal(size=(n_states, n_actions))
    actions = np.array(list(itertools.product(range(n_actions), repeat=horizon)))
    states = np.zeros_like(actions)
    for t in range(1, horizon):
        states[:, t] = successors[states[:, t - 1], actions[:, t - 1]]
    return MDP(successors, reward, states, actions)


def softmax(theta: np.ndarray) -> np.ndarray:
    """pi_theta(a | s), [..., S, A]."""
    weights = np.exp(theta - theta.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def probabilities(mdp: MDP, theta: np.ndarray) -> np.ndarray:
    """P(tau | theta), [..., M], for theta [..., S, A]."""
    return softmax(theta)[..., mdp.states, mdp.actions].prod(axis=-1)


def scores(mdp: MDP, theta: np.ndarray) -> np.ndarray:
    """grad log P(tau | theta), [..., M, P]."""
    visits = mdp.visits
    result = visits - visits.sum(axis=2, keepdims=True) * softmax(theta)[..., np.newaxis, :, :]
    return result.reshape(*result.shape[:-2], -1)


def expected_return(mdp: MDP, theta: np.ndarray) -> np.ndarray:
    """J(theta), [...]."""
    return probabilities(mdp, theta) @ mdp.returns


def return_gradient(mdp: MDP, theta: np.ndarray) -> np.ndarray:
    """grad J(theta), [..., P]."""
    return np.einsum("...m,...mp->...p", probabilities(mdp, theta) * mdp.returns, scores(mdp, theta))


def return_hessian(mdp: MDP, theta: np.ndarray) -> np.ndarray:
    """The Hessian of J at one theta, [P, P] (paper, equation 18)."""
    weights, score, pi = probabilities(mdp, theta) * mdp.returns, scores(mdp, theta), softmax(theta)
    visited = weights @ mdp.visits.sum(axis=2)  # [S]
    curvature = np.zeros((*theta.shape, *theta.shape))
    for state, distribution in enumerate(pi):
        block = np.outer(distribution, distribution) - np.diag(distribution)
        curvature[state, :, state] = visited[state] * block
    return np.einsum("m,mp,mq->pq", weights, score, score) + curvature.reshape(theta.size, theta.size)


def values(mdp: MDP, theta: np.ndarray) -> np.ndarray:
    """V_t(s_t) of every step of every trajectory, [M, H]."""
    pi, horizon = softmax(theta), mdp.states.shape[1]
    value, table = np.zeros(len(mdp.reward)), np.zeros((horizon, len(mdp.reward)))
    for t in reversed(range(horizon)):
        value = np.sum(pi * (mdp.reward + value[mdp.next_state]), axis=1)
        table[t] = value
    return table[np.arange(horizon), mdp.states]
