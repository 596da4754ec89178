"""A tabular softmax policy as a policy of the package, and enumerated trajectories as its samples."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from meta_policy_search.policies.base import MetaPolicy
from meta_policy_search.types import ArrayParams, Params, Samples
from tests.theory import mdp as exact

tfd = tfp.distributions


class TabularSoftmaxPolicy(MetaPolicy):
    """pi_theta(a | s) = softmax(theta[s])_a; observations are one-hot states."""

    def __init__(self, theta: np.ndarray):
        self._initial = theta
        super().__init__(np.random.default_rng(0), tf.float64)

    def init_params(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        return {"logits": self._initial}

    def distribution(self, params: Params, observations: tf.Tensor) -> tfd.Distribution:
        return tfd.Categorical(logits=tf.einsum("nrts,nsa->nrta", observations, params["logits"]))

    def agent_infos(self, distribution: tfd.Distribution) -> dict[str, tf.Tensor]:
        return {"logits": distribution.logits}

    def distribution_of(self, agent_infos: dict[str, tf.Tensor]) -> tfd.Distribution:
        return tfd.Categorical(logits=agent_infos["logits"])

    def noise(self, rng: np.random.Generator, batch_shape: tuple[int, ...]) -> np.ndarray:
        raise NotImplementedError("these trajectories are enumerated, not sampled")

    def act(
        self, params: ArrayParams, observations: np.ndarray, noise: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        raise NotImplementedError("these trajectories are enumerated, not sampled")

    def diagnostics(self, agent_infos: dict[str, np.ndarray], mask: np.ndarray) -> dict[str, float]:
        return {}


def samples(
    trajectories: list[exact.Trajectories],
    old_theta: np.ndarray,
    probabilities: np.ndarray,
    credit: np.ndarray,
    rewards: np.ndarray,
    adj_avg_rewards: np.ndarray | None = None,
) -> Samples:
    """Trajectories as rows, so that the weighted sum of the package's objectives is an exact expectation.

    Args:
      trajectories: of every task n, each [R, T].
      old_theta: [N, S, A] logits that acted.
      probabilities: [N, R] weight of each trajectory; the objectives take it as data.
      credit: [N, R, T] what multiplies the log-probabilities of a step (reward to go, or the whole return).
      rewards: [N, R, T] DiCE's rewards.
    """
    states, actions = (np.stack([getattr(t, name) for t in trajectories]) for name in ("states", "actions"))
    observations = np.eye(old_theta.shape[1])[states]
    return Samples(
        observations=observations,
        actions=actions.astype(np.int32),
        start=np.zeros(states.shape, np.int32),
        weights=np.broadcast_to(probabilities[:, :, np.newaxis], states.shape).copy(),
        agent_infos={"logits": np.einsum("nrts,nsa->nrta", observations, old_theta)},
        adj_avg_rewards=np.zeros(len(trajectories)) if adj_avg_rewards is None else adj_avg_rewards,
        advantages=np.array(credit),
        adjusted_rewards=np.array(rewards),
    )


def returns(trajectories: exact.Trajectories) -> np.ndarray:
    """R(tau), [M]."""
    return trajectories.rewards.sum(axis=1)


def whole_return(trajectories: exact.Trajectories) -> dict[str, np.ndarray]:
    """The return as the credit of every step, and for DiCE, which credits the steps before a reward, in the last."""
    last = np.zeros_like(trajectories.rewards)
    last[:, -1] = returns(trajectories)
    return {"credit": np.repeat(returns(trajectories)[:, np.newaxis], last.shape[1], axis=1), "rewards": last}


def expectation(mdps: list[exact.MDP], thetas: np.ndarray, task_weights: np.ndarray | None = None, **others) -> Samples:
    """All trajectories of every task, weighted with their probability under the task's own theta [N, S, A]."""
    trajectories = [exact.enumerate_trajectories(mdp) for mdp in mdps]
    probabilities = np.stack([exact.probabilities(t, theta) for t, theta in zip(trajectories, thetas, strict=True)])
    if task_weights is not None:
        probabilities = probabilities * task_weights[:, np.newaxis]
    credits = [whole_return(t) for t in trajectories]
    stacked = {name: np.stack([credit[name] for credit in credits]) for name in ("credit", "rewards")}
    return samples(trajectories, thetas, probabilities, **stacked, **others)
