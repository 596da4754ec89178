"""The atlas of estimators: exact bias and variance of every estimate of the gradient, the Hessian and the meta-gradient.

Nothing is sampled: on processes whose trajectories can be listed, expectations over N trajectories are sums over all of
their multisets. The derivatives of each trajectory's objective are the package's, by automatic differentiation.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import gammaln

from experiment_utils.paper import enumerable_mdp as exact
from experiment_utils.paper.enumerable_mdp import MDP

if TYPE_CHECKING:
    from meta_policy_search.choices import InnerType
    from meta_policy_search.types import Samples

Problem = tuple[MDP, np.ndarray]  # and theta [S, A]

LAMBDAS = (0.0, 0.25, 0.5, 0.75, 1.0)
OBJECTIVES: dict[str, tuple["InnerType", float]] = {  # name: the fields of InnerObjective
    "log-likelihood (MAML)": ("log_likelihood", 1.0),
    "LVC": ("likelihood_ratio", 1.0),
    **{f"Loaded DiCE {decay:g}": ("loaded_dice", decay) for decay in LAMBDAS[1:-1]},
    "DiCE": ("dice", 1.0),
    "TMAML": ("tmaml", 1.0),
    "DiCE with baseline": ("loaded_dice", 1.0),
}
UNBIASED = "unbiased"
WITH_BASELINE = [name for name in OBJECTIVES if name not in ("DiCE", "TMAML")]  # their rewards have none of the state


@dataclasses.dataclass(frozen=True)
class Settings:
    """Which processes, and how far the curves go."""

    n_mdps: int = 20
    n_states: int = 3
    n_actions: int = 2
    horizons: tuple[int, ...] = (2, 3, 4, 5, 6, 7, 8)  # of the curves against H
    meta_horizon: int = 2  # of those against N: M = 4 trajectories
    samples: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)  # N
    inner_lr: float = 0.3  # alpha
    seed: int = 0


SMOKE = Settings(n_mdps=2, horizons=(2, 3), samples=(1, 2, 4))


def derivative_table(settings: Settings) -> pd.DataFrame:
    """A row per estimator, H and process: relative bias, and variance of one trajectory's estimate, of gradient and Hessian.

    Bias is |E[x] - truth| / |truth| in the Frobenius norm, variance E|x - E[x]|^2 / |truth|^2. With N trajectories the bias
    is the same and the variance 1/N of it.
    """
    rows = []
    for horizon in settings.horizons:
        batch = problems(settings, horizon)
        for name in OBJECTIVES:
            for index, (mdp, theta, *found) in enumerate(
                zip(*zip(*batch, strict=True), *derivatives(name, batch), strict=True)
            ):
                truth = exact.return_gradient(mdp, theta), exact.return_hessian(mdp, theta)
                row = {"estimator": name, "H": horizon, "process": index}
                for what, values, true in zip(("gradient", "Hessian"), found, truth, strict=True):
                    bias, variance = bias_and_variance(values, exact.probabilities(mdp, theta), true)
                    row |= {f"{what} bias": bias, f"{what} variance": variance}
                rows.append(row)
    return pd.DataFrame(rows)


def meta_gradient_table(settings: Settings) -> pd.DataFrame:
    """A row per estimator, N and process: relative bias and variance of the meta-gradient of N pre-update trajectories.

    The truth is the gradient of V_N(theta) = E[ J(theta + alpha g_N) ], g_N the policy gradient of N trajectories; bias to
    its limit N to infinity, the paper's formulation I, is the column "bias, formulation I". What follows the adaptation is
    exact here, as if infinitely many trajectories were drawn then.
    """
    rows, batch = [], problems(settings, settings.meta_horizon)
    found = {name: derivatives(name, batch) for name in WITH_BASELINE}
    for index, (mdp, theta) in enumerate(batch):
        gradient = found["LVC"][0][index]  # the same for all objectives that have a baseline
        hessians = {name: hessian[index] for name, (_, hessian) in found.items()}
        limit = formulation_one(mdp, theta, settings.inner_lr)
        for n_samples in settings.samples:
            weights, estimates = meta_gradients(mdp, theta, gradient, hessians, settings.inner_lr, n_samples)
            truth = weights @ estimates[UNBIASED]
            for name, values in estimates.items():
                bias, variance = bias_and_variance(values, weights, truth)
                far = float(np.linalg.norm(weights @ values - limit) / np.linalg.norm(limit))
                row = {"estimator": name, "N": n_samples, "process": index, "bias": bias, "variance": variance}
                rows.append({**row, "bias² + variance": bias**2 + variance, "bias, formulation I": far})
    return pd.DataFrame(rows)


def problems(settings: Settings, horizon: int) -> list[Problem]:
    """The processes, each with a theta [S, A]."""
    found = []
    for generator in np.random.default_rng(settings.seed).spawn(settings.n_mdps):
        mdp = exact.random_mdp(generator, settings.n_states, settings.n_actions, horizon)
        found.append((mdp, generator.normal(size=mdp.reward.shape)))
    return found


def derivatives(name: str, batch: Sequence[Problem]) -> tuple[np.ndarray, np.ndarray]:
    """Gradient [B, M, P] and Hessian [B, M, P, P] of the objective of each trajectory, at the theta that drew it.

    What credits an action is the reward to go, less the value of its state for all but DiCE and TMAML. For the latter the
    value is the baseline of its control variate.

    Args:
      name: one of OBJECTIVES.
      batch: B processes of one size.
    """
    import tensorflow as tf

    from meta_policy_search.meta_algos.inner_objective import InnerObjective

    objective, size = InnerObjective(*OBJECTIVES[name]), batch[0][1].size
    samples = _samples(batch, with_baseline=name in WITH_BASELINE)
    n_trajectories = len(batch[0][0].states)
    logits = tf.constant(np.repeat([theta for _, theta in batch], n_trajectories, axis=0))  # each trajectory is a task
    places = np.concatenate([np.stack([mdp.states, mdp.actions], axis=-1) for mdp, _ in batch])
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(logits)
        with tf.GradientTape() as inner:
            inner.watch(logits)
            log_prob = tf.gather_nd(tf.nn.log_softmax(logits), places, batch_dims=1)[:, tf.newaxis]
            value = -tf.reduce_sum(objective.loss(log_prob, tf.stop_gradient(log_prob), samples))
        gradient = tf.reshape(inner.gradient(value, logits), [len(places), size])
        entries = [tf.reduce_sum(gradient[:, p]) for p in range(size)]
    rows = [tf.reshape(outer.gradient(entry, logits), [len(places), size]) for entry in entries]
    hessian = np.stack(rows, axis=1)
    return gradient.numpy().reshape(len(batch), -1, size), hessian.reshape(len(batch), -1, size, size)


def _samples(batch: Sequence[Problem], with_baseline: bool) -> "Samples":
    """Every trajectory as a task with one row, of weight 1 in each step, so that sums are over the episode."""
    from meta_policy_search.types import HESSIAN_BASELINES, Samples

    def rows(per_mdp: Iterable[np.ndarray]) -> np.ndarray:
        return np.concatenate(list(per_mdp))[:, np.newaxis]

    advantages = rows(mdp.rewards_to_go - (exact.values(mdp, theta) if with_baseline else 0.0) for mdp, theta in batch)
    return Samples(
        observations=np.zeros((*advantages.shape, 1)),
        actions=rows(mdp.actions for mdp, _ in batch),
        start=np.zeros(advantages.shape, np.int32),
        weights=np.ones(advantages.shape),
        agent_infos={},
        adj_avg_rewards=np.zeros(len(advantages)),
        advantages=advantages,
        adjusted_rewards=rows(mdp.rewards for mdp, _ in batch),
        extras={HESSIAN_BASELINES: rows(exact.values(mdp, theta) for mdp, theta in batch)},
    )


def meta_gradients(
    mdp: MDP, theta: np.ndarray, gradient: np.ndarray, hessians: Mapping[str, np.ndarray], inner_lr: float, n_samples: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The probability of every multiset of N trajectories [C], and every estimator's meta-gradient with it [C, P].

    With g the mean gradient and H the mean Hessian of the N trajectories, theta' = theta + alpha g, s_n the scores:

        FOMAML      grad J(theta')
        others      (I + alpha H) grad J(theta'), H by their objective
        unbiased    (I + alpha H of the log-likelihood) grad J(theta') + J(theta') sum_n s_n    (E-MAML's sum; SG-MRL)
        unbiased with baseline                                     the same with J(theta') - J(theta + alpha grad J(theta))

    Args:
      gradient: [M, P] of each trajectory.
      hessians: [M, P, P] of each trajectory, by estimator.
    """
    counts, weights = multisets(exact.probabilities(mdp, theta), n_samples)
    adapted = theta + inner_lr * (counts @ gradient / n_samples).reshape(-1, *theta.shape)
    outer = exact.return_gradient(mdp, adapted)  # [C, P]
    found = {"FOMAML": outer}
    for name, hessian in hessians.items():
        mean = (counts @ hessian.reshape(len(hessian), -1) / n_samples).reshape(-1, theta.size, theta.size)
        found[name] = outer + inner_lr * np.einsum("cpq,cq->cp", mean, outer)
    score, after = counts @ exact.scores(mdp, theta), exact.expected_return(mdp, adapted)[:, np.newaxis]
    target = theta + inner_lr * exact.return_gradient(mdp, theta).reshape(theta.shape)
    post = found["log-likelihood (MAML)"]
    found[UNBIASED] = post + after * score
    found[f"{UNBIASED} with baseline"] = post + (after - exact.expected_return(mdp, target)) * score
    return weights, found


def formulation_one(mdp: MDP, theta: np.ndarray, inner_lr: float) -> np.ndarray:
    """(I + alpha Hessian of J) grad J(theta + alpha grad J(theta)), [P]: the meta-gradient of the paper's formulation I."""
    adapted = theta + inner_lr * exact.return_gradient(mdp, theta).reshape(theta.shape)
    return (np.eye(theta.size) + inner_lr * exact.return_hessian(mdp, theta)) @ exact.return_gradient(mdp, adapted)


def multisets(probabilities: np.ndarray, n_samples: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each of M outcomes can come up in N draws [C, M], and the probability of that [C]."""
    bars = np.array(_compositions(len(probabilities), n_samples))
    log_weights = gammaln(n_samples + 1) - gammaln(bars + 1).sum(axis=1) + bars @ np.log(probabilities)
    return bars, np.exp(log_weights)


def _compositions(parts: int, total: int) -> list[list[int]]:
    if parts == 1:
        return [[total]]
    return [[first, *rest] for first in range(total + 1) for rest in _compositions(parts - 1, total - first)]


def bias_and_variance(values: np.ndarray, weights: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Relative bias |E[x] - truth| / |truth| and variance E|x - E[x]|^2 / |truth|^2 of a random array [C, ...]."""
    flat, size = values.reshape(len(values), -1), np.linalg.norm(truth)
    mean = weights @ flat
    spread = weights @ np.sum((flat - mean) ** 2, axis=1)
    return float(np.linalg.norm(mean - truth.ravel()) / size), float(spread / size**2)


def exponent(x: Sequence[float], y: Sequence[float]) -> float:
    """The slope of log y against log x, by least squares."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
