"""A small random meta-learning problem: a Gaussian policy and samples with masked steps and several episodes per row."""

import numpy as np
import tensorflow as tf

from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from meta_policy_search.testing.problem import nearly_on_policy, on_policy
from meta_policy_search.types import Samples

__all__ = ["make_batches", "make_policy", "nearly_on_policy", "on_policy"]

OBS_DIM, ACTION_DIM, EPISODE = 3, 2, 3


def make_policy(seed: int = 0, dtype: tf.DType = tf.float64, **settings) -> MetaGaussianMLPPolicy:
    return MetaGaussianMLPPolicy(
        OBS_DIM, ACTION_DIM, **{"hidden_sizes": (4,), **settings}, rng=np.random.default_rng(seed), dtype=dtype
    )


def make_batches(
    policy: MetaGaussianMLPPolicy, *, steps: int = 1, seed: int = 0, n_tasks: int = 2, rows: int = 2, length: int = 6
) -> tuple[Samples, ...]:
    """The data of the steps 0..K of some other policy. The last two steps of row 0 are masked; episodes have 3 steps."""
    rng = np.random.default_rng(seed)
    return tuple(_samples(policy, rng, (n_tasks, rows, length)) for _ in range(steps + 1))


def _samples(policy: MetaGaussianMLPPolicy, rng: np.random.Generator, shape: tuple[int, int, int]) -> Samples:
    dtype = policy.dtype.as_numpy_dtype
    mask = np.ones(shape)
    mask[:, 0, -2:] = 0
    mean, log_std = 0.3 * rng.normal(size=(*shape, ACTION_DIM)), 0.2 * rng.normal(size=(*shape, ACTION_DIM))
    start = np.broadcast_to(np.arange(shape[-1]) // EPISODE * EPISODE, shape)
    arrays = Samples(
        observations=rng.normal(size=(*shape, OBS_DIM)),
        actions=mean + np.exp(log_std) * rng.normal(size=mean.shape),
        start=start,
        weights=mask / mask.sum(axis=(1, 2), keepdims=True),
        agent_infos={"mean": mean, "log_std": log_std},
        adj_avg_rewards=rng.normal(size=shape[0]),
        advantages=mask * rng.normal(size=shape),
        adjusted_rewards=mask * rng.normal(size=shape),
    )
    return tf.nest.map_structure(lambda x: tf.constant(x.astype(dtype)), arrays)._replace(start=tf.constant(start, tf.int32))
