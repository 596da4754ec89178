"""The objectives of the family, as pure functions: one loss per task, to be minimised.

Every function takes log-probabilities [N, R, T] of the recorded actions and the `weights` [N, R, T] of `Samples`, which make
each task's mean a weighted sum; it returns [N]. What was recorded (advantages, rewards, the distribution that acted) is
data: gradients flow through the current log-probabilities only.
"""

from typing import Literal, get_args

import tensorflow as tf
import tensorflow_probability as tfp

from meta_policy_search.types import Samples

InnerType = Literal["likelihood_ratio", "log_likelihood", "dice"]


def task_mean(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """sum_rt weights[n, r, t] * values[n, r, t], [N]. Steps of weight 0 count nothing."""
    return tf.reduce_sum(weights * values, axis=[1, 2])


def log_likelihood_loss(log_prob: tf.Tensor, advantages: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """-E_t[ log pi(a_t | s_t) A_t ], the policy-gradient surrogate of MAML.

    Its gradient is the policy gradient; its Hessian keeps H2 only (paper, appendix B), which is why LVC exists.
    """
    return -task_mean(log_prob * advantages, weights)


def likelihood_ratio_loss(
    log_prob: tf.Tensor, old_log_prob: tf.Tensor, advantages: tf.Tensor, weights: tf.Tensor
) -> tf.Tensor:
    """-J^LR = -E_t[ pi(a_t | s_t) / pi_old(a_t | s_t) A_t ] (paper, equation 6).

    At pi = pi_old its first and second derivatives are those of J^LVC (equation 5), so it serves as LVC objective too.
    """
    return -task_mean(_ratio(log_prob, old_log_prob) * advantages, weights)


def clipped_ratio_loss(
    log_prob: tf.Tensor, old_log_prob: tf.Tensor, advantages: tf.Tensor, weights: tf.Tensor, clip_eps: float | tf.Tensor
) -> tf.Tensor:
    """-J^CLIP = -E_t[ min( w_t A_t, clip(w_t, 1 - eps, 1 + eps) A_t ) ], w = pi / pi_old (PPO; paper, equation 7)."""
    ratio = _ratio(log_prob, old_log_prob)
    clipped = tf.clip_by_value(ratio, 1.0 - clip_eps, 1.0 + clip_eps)
    return -task_mean(tf.minimum(ratio * advantages, clipped * advantages), weights)


def dice_loss(log_prob: tf.Tensor, adjusted_rewards: tf.Tensor, start: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """-E_t[ magic_box(S_t) rho_t ], S_t the sum of log pi(a_l | s_l) over the episode's steps l <= t (paper, equation 57).

    magic_box(x) = exp(x - stop_gradient(x)) is 1 and has all derivatives of exp(x). rho_t is the discounted reward minus
    its baseline.

    Args:
      start: [N, R, T] int32, index of the first step of each step's episode.
    """
    log_prob = tf.where(weights > 0, log_prob, tf.zeros_like(log_prob))
    cumulative = tf.cumsum(log_prob, axis=2)
    before_episode = tf.gather(tf.cumsum(log_prob, axis=2, exclusive=True), start, axis=2, batch_dims=2)
    score = cumulative - before_episode
    return -task_mean(tf.exp(score - tf.stop_gradient(score)) * adjusted_rewards, weights)


def inner_surrogate_loss(inner_type: InnerType, log_prob: tf.Tensor, old_log_prob: tf.Tensor, samples: Samples) -> tf.Tensor:
    """The adaptation objective by its name: J^LR ("likelihood_ratio"), MAML's ("log_likelihood") or DiCE's ("dice")."""
    if inner_type == "likelihood_ratio":
        return likelihood_ratio_loss(log_prob, old_log_prob, samples.advantages, samples.weights)
    if inner_type == "log_likelihood":
        return log_likelihood_loss(log_prob, samples.advantages, samples.weights)
    return dice_loss(log_prob, samples.adjusted_rewards, samples.start, samples.weights)


def require_inner_type(inner_type: str) -> InnerType:
    """The name itself, or a complaint if it is none of an adaptation objective."""
    if inner_type not in get_args(InnerType):
        raise ValueError(f"inner_type is {inner_type!r}; it can be one of {', '.join(get_args(InnerType))}")
    return inner_type


def exploration_loss(log_prob: tf.Tensor, weights: tf.Tensor, adj_avg_rewards: tf.Tensor) -> tf.Tensor:
    """-E_t[ log pi_theta(a^0_t | s^0_t) ] * R'_i, E-MAML's credit for the pre-update behaviour (paper, equation 2).

    As in the original: the log-likelihood of the step-0 actions, averaged over steps (not summed over the trajectory), times
    the mean normalised step reward of the task after adaptation, also for more than one inner step.

    Args:
      adj_avg_rewards: [N] mean normalised step reward after adaptation.
    """
    return -tf.stop_gradient(adj_avg_rewards) * task_mean(log_prob, weights)


def mean_kl(old: tfp.distributions.Distribution, new: tfp.distributions.Distribution, weights: tf.Tensor) -> tf.Tensor:
    """E_t[ KL( pi_old(. | s_t) || pi(. | s_t) ) ], [N], in nats.

    Exact. The original adds 1e-8 to the denominator 2 sigma^2, which changes it by less than 1e-7 of its value.
    """
    return task_mean(old.kl_divergence(new), weights)


def _ratio(log_prob: tf.Tensor, old_log_prob: tf.Tensor) -> tf.Tensor:
    return tf.exp(log_prob - tf.stop_gradient(old_log_prob))
