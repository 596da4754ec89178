"""The distribution of the Gaussian policies."""

import math
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions


class DiagonalGaussian(tfp.distributions.Independent):
    """N(loc, diag(exp(log_std))^2): `tfd.Independent(tfd.Normal(loc, exp(log_std)), 1)`, differentiated at less cost.

    Log-probability and KL are sums over A actions with the weights 1 / sigma_a^2. Where sigma is the same at all steps of a
    task, the sum is a product of matrices; to broadcast over rows of A numbers would take several times as long.

    Args:
      loc: the mean [..., A].
      log_std: of each step [..., A], of each task [N, 1, ..., 1, A], or of all [1, A].
    """

    def __init__(self, loc: tf.Tensor, log_std: tf.Tensor, name: str = "DiagonalGaussian"):
        parameters = {"loc": loc, "log_std": log_std, "name": name}
        self.loc, self.log_std = loc, log_std
        super().__init__(tfd.Normal(loc, tf.exp(log_std)), reinterpreted_batch_ndims=1, name=name)
        self._parameters = parameters

    @classmethod
    def _parameter_properties(cls, dtype: Any, num_classes: Any = None) -> dict[str, tfp.util.ParameterProperties]:
        row = tfp.util.ParameterProperties(event_ndims=1)
        return {"loc": row, "log_std": row}

    def _log_prob(self, value: tf.Tensor) -> tf.Tensor:
        squares = _weighted_sum(tf.math.squared_difference(value, self.loc), tf.exp(-2 * self.log_std))
        constant = 0.5 * math.log(2 * math.pi) * self.loc.shape[-1]
        return -0.5 * squares - (tf.reduce_sum(self.log_std, axis=-1) + constant)


@tfd.RegisterKL(DiagonalGaussian, DiagonalGaussian)
def _kl(a: DiagonalGaussian, b: DiagonalGaussian, name: str | None = None) -> tf.Tensor:
    """sum_i [ (loc_a - loc_b)_i^2 / (2 sigma_b^2) + r^2 / 2 - 1 / 2 - log r ], r = sigma_a / sigma_b."""
    with tf.name_scope(name or "kl"):
        squares = _weighted_sum(tf.math.squared_difference(a.loc, b.loc), tf.exp(-2 * b.log_std))
        log_ratio = a.log_std - b.log_std
        return 0.5 * squares + tf.reduce_sum(0.5 * tf.math.expm1(2 * log_ratio) - log_ratio, axis=-1)


def _weighted_sum(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """sum_a weights_a values_a [...] of values [..., A] and weights that broadcast to them."""
    of_all = weights.shape.num_elements() == weights.shape[-1]
    of_each_task = weights.shape.rank == values.shape.rank and all(size == 1 for size in weights.shape[1:-1])
    if not (of_all or of_each_task):
        return tf.reduce_sum(weights * values, axis=-1)
    groups, size = 1 if of_all else tf.shape(weights)[0], values.shape[-1]
    sums = tf.matmul(tf.reshape(values, [groups, -1, size]), tf.reshape(weights, [groups, size, 1]))
    return tf.reshape(sums, tf.shape(values)[:-1])
