"""Gradients and Hessians of the package's objectives by automatic differentiation, one per task."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from meta_policy_search.meta_algos.objectives import (
    dice_loss,
    likelihood_ratio_loss,
    loaded_dice_loss,
    log_likelihood_loss,
    second_order_loss,
    tmaml_loss,
)
from meta_policy_search.types import Samples
from tests.theory.tabular_policy import TabularSoftmaxPolicy

Loss = Callable[[TabularSoftmaxPolicy, tf.Tensor, Samples], tf.Tensor]  # policy, log-probabilities, samples -> [N]


def lvc(policy: TabularSoftmaxPolicy, log_prob: tf.Tensor, samples: Samples) -> tf.Tensor:
    """J^LVC: the likelihood ratio to the policy itself, at any theta (equation 5)."""
    return likelihood_ratio_loss(log_prob, log_prob, samples.advantages, samples.weights)


def likelihood_ratio(policy: TabularSoftmaxPolicy, log_prob: tf.Tensor, samples: Samples) -> tf.Tensor:
    """J^LR: the likelihood ratio to the recorded policy (equation 6)."""
    old = policy.behaviour_distribution(samples.agent_infos).log_prob(samples.actions)
    return likelihood_ratio_loss(log_prob, old, samples.advantages, samples.weights)


def dice(policy: TabularSoftmaxPolicy, log_prob: tf.Tensor, samples: Samples) -> tf.Tensor:
    """J^DiCE (equation 57)."""
    return dice_loss(log_prob, samples.adjusted_rewards, samples.start, samples.weights)


def log_likelihood(policy: TabularSoftmaxPolicy, log_prob: tf.Tensor, samples: Samples) -> tf.Tensor:
    """The surrogate of MAML."""
    return log_likelihood_loss(log_prob, samples.advantages, samples.weights)


def loaded_dice(decay: float) -> Loss:
    """Loaded DiCE with lambda = decay."""

    def loss(policy: TabularSoftmaxPolicy, log_prob: tf.Tensor, samples: Samples) -> tf.Tensor:
        return loaded_dice_loss(log_prob, samples.advantages, samples.start, samples.weights, decay)

    return loss


def tmaml(policy: TabularSoftmaxPolicy, log_prob: tf.Tensor, samples: Samples) -> tf.Tensor:
    """DiCE with TMAML's control variate; the baseline is some function of the state and the time."""
    of_state = samples.observations @ np.arange(1.0, 1.0 + samples.observations.shape[-1])
    baselines = of_state + 0.5 * np.arange(of_state.shape[-1])
    return tmaml_loss(log_prob, samples.adjusted_rewards, baselines, samples.start, samples.weights)


def second_order(policy: TabularSoftmaxPolicy, log_prob: tf.Tensor, samples: Samples) -> tf.Tensor:
    """The expansion of the return to second order in the policy."""
    old = policy.behaviour_distribution(samples.agent_infos).log_prob(samples.actions)
    return second_order_loss(log_prob, old, samples.advantages, samples.start, samples.weights)


def derivatives(loss: Loss, theta: np.ndarray, samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Gradient [N, P] and Hessian [N, P, P] of an objective (minus the loss) of every task at one theta."""
    n_tasks, policy = len(samples.weights), TabularSoftmaxPolicy(theta)
    params = {"logits": tf.constant(np.repeat(theta[np.newaxis], n_tasks, axis=0))}
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(params)
        with tf.GradientTape() as inner:
            inner.watch(params)
            log_prob = policy.distribution(params, samples.observations).log_prob(samples.actions)
            objective = -tf.reduce_sum(loss(policy, log_prob, samples))
        gradient = tf.reshape(inner.gradient(objective, params)["logits"], [n_tasks, -1])
        entries = [tf.reduce_sum(gradient[:, p]) for p in range(theta.size)]
    rows = [tf.reshape(outer.gradient(entry, params)["logits"], [n_tasks, -1]) for entry in entries]
    return gradient.numpy(), np.stack(rows, axis=1)
