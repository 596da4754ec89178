"""Policies as users write them: a Beta, a categorical and a mixture on `MLPPolicy`, and one with a memory."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from meta_policy_search.policies.base import MetaPolicy
from meta_policy_search.policies.mlp_policy import MLPPolicy

tfb, tfd = tfp.bijectors, tfp.distributions


class BetaPolicy(MLPPolicy):
    """Beta distributions on [-10, 10]."""

    def __init__(self, obs_dim, action_dim, **settings):
        super().__init__(obs_dim, 2 * action_dim, **settings)

    def head(self, outputs):
        a, b = tf.split(1 + tf.nn.softplus(outputs), 2, axis=-1)
        low, size = np.array([-10, 20], self.dtype.as_numpy_dtype)
        return tfd.Independent(tfb.Shift(low)(tfb.Scale(size)(tfd.Beta(a, b))), 1)


class SoftmaxPolicy(MLPPolicy):
    """A softmax of the outputs, one for each action."""

    def head(self, outputs):
        return tfd.Categorical(outputs)


class MixturePolicy(MLPPolicy):
    """Two Gaussians of deviation 1 and their weights."""

    closed_form_kl = False

    def __init__(self, obs_dim, action_dim, **settings):
        super().__init__(obs_dim, 2 * action_dim + 2, **settings)

    def head(self, outputs):
        means = tf.reshape(outputs[..., 2:], tf.concat([tf.shape(outputs)[:-1], [2, (self.n_outputs - 2) // 2]], axis=0))
        parts = tfd.Independent(tfd.Normal(means, tf.ones_like(means)), 1)
        return tfd.MixtureSameFamily(tfd.Categorical(outputs[..., :2]), parts)

    def mode_of(self, distribution):
        """The mean of the part with the larger weight."""
        return tf.gather(
            distribution.components_distribution.mean(),
            distribution.mixture_distribution.mode(),
            axis=-2,
            batch_dims=len(distribution.batch_shape),
        )


class CountingPolicy(MetaPolicy):
    """Acts with the number of steps that it has made, beginning at its parameter; that is its memory."""

    obs_dim = 2

    def __init__(self):
        super().__init__(np.random.default_rng(0))

    def init_params(self, rng):
        return {"first": np.zeros(1)}

    def distribution(self, params, observations):  # [N, R, T, O]: counts along the time axis
        steps = tf.range(tf.shape(observations)[2], dtype=observations.dtype)[:, tf.newaxis]
        count = params["first"][:, tf.newaxis, tf.newaxis] + steps
        return self.distribution_of({"mean": tf.broadcast_to(count, [*tf.shape(observations)[:3], 1])})

    def agent_infos(self, distribution):
        return {"mean": distribution.distribution.loc}

    def distribution_of(self, agent_infos):
        return tfd.Independent(tfd.Normal(agent_infos["mean"], 0.1), 1)

    def initial_state(self, batch_shape):
        return {"steps": np.zeros((*batch_shape, 1), np.float32)}

    def act_from_state(self, params, observations, noise, state):
        mean = params["first"][:, np.newaxis] + state["steps"]
        return mean, {"mean": mean}, {"steps": state["steps"] + 1}
