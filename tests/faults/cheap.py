"""Gradients that cost nothing, for runs in which only what is saved and restored matters.

Like the real ones they are functions of the parameters and of the samples, so that a generator, a parameter or a moment of
Adam that is restored wrongly shows in all numbers after it.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.types import MetaLoss, Params, Samples


def install() -> None:
    """Replaces the algorithms' derivatives in this process."""
    MAMLAlgo.adapt, MAMLAlgo.meta_gradient, MAMLAlgo.meta_loss = _adapt, _meta_gradient, _meta_loss


def _adapt(algo: MAMLAlgo, params: Params, samples: Samples, step: int = 0) -> dict[str, tf.Tensor]:
    return {name: value - algo.inner_lr * (value + _feature(samples)) for name, value in params.items()}


def _meta_gradient(algo: MAMLAlgo, batches: Sequence[Samples]) -> tuple[MetaLoss, dict[str, tf.Tensor]]:
    feature = _feature(batches[-1])
    return _meta_loss(algo, batches), {name: value + feature for name, value in algo.theta.items()}


def _meta_loss(algo: MAMLAlgo, batches: Sequence[Samples]) -> MetaLoss:
    loss = sum(float(tf.reduce_sum(value)) for value in algo.theta.values()) + _feature(batches[0])
    return MetaLoss(tf.constant(loss), tf.fill([algo.num_inner_grad_steps], tf.constant(0.1)), tf.constant(0.1))


def _feature(samples: Samples) -> float:
    return float(np.mean(samples.observations) + np.mean(samples.actions))
