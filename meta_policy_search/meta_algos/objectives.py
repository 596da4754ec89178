"""The objectives of the family, as pure functions: one loss per task, to be minimised.

Every function takes log-probabilities [N, R, T] of the recorded actions and the `weights` [N, R, T] of `Samples`, which make
each task's mean a weighted sum; it returns [N]. What was recorded (advantages, rewards, the distribution that acted) is
data: gradients flow through the current log-probabilities only.
"""

import tensorflow as tf
import tensorflow_probability as tfp


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
    return -task_mean(_magic_box(cumulative - before_episode) * adjusted_rewards, weights)


def loaded_dice_loss(
    log_prob: tf.Tensor, advantages: tf.Tensor, start: tf.Tensor, weights: tf.Tensor, decay: float
) -> tf.Tensor:
    """-E_t[ (magic_box(w_t) - magic_box(v_t)) A_t ], w_t = lambda w_(t-1) + log pi(a_t | s_t), v_t = lambda w_(t-1).

    Loaded DiCE (Farquhar et al. 2019, algorithm 1) without its gamma^t, as all objectives here. Its value is 0. lambda = 0
    has the derivatives of J^LVC, lambda = 1 those of DiCE with a baseline; between them the Hessian counts what an action
    owes to another one d steps before it lambda^d times.

    Args:
      start: [N, R, T] int32, index of the first step of each step's episode.
      decay: lambda in [0, 1].
    """
    log_prob = tf.where(weights > 0, log_prob, tf.zeros_like(log_prob))
    score = _decayed_sums(log_prob, start, decay)
    return -task_mean((_magic_box(score) - _magic_box(score - log_prob)) * advantages, weights)


def tmaml_loss(
    log_prob: tf.Tensor, adjusted_rewards: tf.Tensor, baselines: tf.Tensor, start: tf.Tensor, weights: tf.Tensor
) -> tf.Tensor:
    """-E_t[ magic_box(S_t) rho_t - (1 - magic_box(S_(t-1))) (1 - magic_box(log pi(a_t | s_t))) b_t ], S as in `dice_loss`.

    DiCE with a control variate for its Hessian (TMAML, Liu et al. 2019; Mao et al. 2019): the value and the gradient are
    DiCE's, and of the Hessian's terms that pair an action with earlier ones, b_t is subtracted from the rewards to go.

    Args:
      baselines: [N, R, T] b_t, a function of the state and the time that predicts the sum of rho_l over l >= t.
      start: [N, R, T] int32, index of the first step of each step's episode.
    """
    log_prob = tf.where(weights > 0, log_prob, tf.zeros_like(log_prob))
    before = _decayed_sums(log_prob, start, 1.0) - log_prob
    control_variate = task_mean((1 - _magic_box(before)) * (1 - _magic_box(log_prob)) * baselines, weights)
    return dice_loss(log_prob, adjusted_rewards, start, weights) + control_variate


def second_order_loss(
    log_prob: tf.Tensor, old_log_prob: tf.Tensor, advantages: tf.Tensor, start: tf.Tensor, weights: tf.Tensor
) -> tf.Tensor:
    """-E_t[ (w_t - 1) A_t + sum_{l < t} (w_l - 1) (w_t - 1) A_t ], w = pi / pi_old, the sum over the episode.

    The expansion of the return to second order in pi - pi_old (Tang et al. 2021); of the first order alone is J^LR. Where
    pi = pi_old its first and second derivatives are those of DiCE with a baseline.

    Args:
      start: [N, R, T] int32, index of the first step of each step's episode.
    """
    surplus = _ratio(log_prob, old_log_prob) - 1
    surplus = tf.where(weights > 0, surplus, tf.zeros_like(surplus))
    before = _decayed_sums(surplus, start, 1.0) - surplus
    return -task_mean(surplus * (1 + before) * advantages, weights)


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


def sampled_kl(log_prob: tf.Tensor, old_log_prob: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """E_t[ w_t - 1 - log w_t ], w = pi / pi_old, [N]: KL(pi_old || pi) from actions that pi_old drew, in nats.

    Unbiased, as E[w] = 1, and never negative. At pi = pi_old its second derivative is the mean outer product of the scores,
    which is positive semi-definite.
    """
    log_ratio = log_prob - old_log_prob
    return task_mean(tf.exp(log_ratio) - 1 - log_ratio, weights)


def _ratio(log_prob: tf.Tensor, old_log_prob: tf.Tensor) -> tf.Tensor:
    return tf.exp(log_prob - tf.stop_gradient(old_log_prob))


def _magic_box(x: tf.Tensor) -> tf.Tensor:
    return tf.exp(x - tf.stop_gradient(x))


def _decayed_sums(values: tf.Tensor, start: tf.Tensor, decay: float) -> tf.Tensor:
    """y_t = sum_{l <= t} decay^(t - l) x_l within the episode of step t, [N, R, T].

    The sum over the row, less what earlier episodes contribute to it: decay^(t - start + 1) times the sum before the start.
    """
    times = tf.range(tf.shape(values)[2])
    decay = tf.constant(decay, values.dtype)
    lags = times[:, tf.newaxis] - times
    kernel = tf.where(lags >= 0, decay ** tf.cast(tf.maximum(lags, 0), values.dtype), tf.zeros([], values.dtype))
    sums = tf.einsum("nrl,tl->nrt", values, kernel)
    carried = decay * tf.concat([tf.zeros_like(sums[:, :, :1]), sums[:, :, :-1]], axis=2)
    return sums - decay ** tf.cast(times - start, values.dtype) * tf.gather(carried, start, axis=2, batch_dims=2)
