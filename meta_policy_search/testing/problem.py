"""A small random meta-learning problem in float64, with masked steps and several episodes in a row."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.policies.base import MetaPolicy
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from meta_policy_search.types import Samples

EPISODE = 3  # steps


def small_policy() -> MetaGaussianMLPPolicy:
    """A Gaussian policy with 28 parameters."""
    return MetaGaussianMLPPolicy(3, 2, (4,), rng=np.random.default_rng(0), dtype=tf.float64)


def random_batches(
    policy: MetaPolicy, steps: int, *, seed: int = 0, n_tasks: int = 2, rows: int = 2, length: int = 6
) -> tuple[Samples, ...]:
    """The data of the steps 0..K of policies near theta, with random credits. The last two steps of row 0 are masked.

    Args:
      policy: with `obs_dim`, without a memory.
    """
    rng = np.random.default_rng(seed)
    return tuple(_samples(policy, rng, (n_tasks, rows, length)) for _ in range(steps + 1))


def on_policy(algo: MAMLAlgo, batches: Sequence[Samples]) -> tuple[Samples, ...]:
    """The same data, as if the policies that the algorithm adapts had drawn it."""
    params, result = algo.policy.stacked_theta(len(batches[0].weights)), []
    for step, samples in enumerate(batches):
        infos = algo.policy.agent_infos(algo.policy.distribution(params, samples.observations))
        result.append(samples._replace(agent_infos=infos))
        if step < len(batches) - 1:
            params = algo.adapt(params, result[-1], step)
    return tuple(result)


def nearly_on_policy(algo: MAMLAlgo, batches: Sequence[Samples], seed: int = 1) -> tuple[Samples, ...]:
    """The same with the recorded distributions a little off: ratios differ from 1, divergences from 0."""
    rng = np.random.default_rng(seed)

    def shifted(value: tf.Tensor) -> tf.Tensor:
        return value + 0.1 * rng.normal(size=value.shape).astype(value.dtype.as_numpy_dtype)

    return tuple(
        samples._replace(agent_infos={name: shifted(value) for name, value in samples.agent_infos.items()})
        for samples in on_policy(algo, batches)
    )


def _samples(policy: MetaPolicy, rng: np.random.Generator, shape: tuple[int, int, int]) -> Samples:
    n_tasks, rows, length = shape
    mask = np.ones(shape)
    mask[:, 0, -2:] = 0
    observations = rng.normal(size=(*shape, *policy.obs_shape))
    params = {name: _near(value.numpy(), n_tasks, rng) for name, value in policy.theta.items()}
    noise = [policy.noise(rng, (n_tasks, rows)) for _ in range(length)]
    acted = [policy.act(params, observations[:, :, t], noise[t]) for t in range(length)]
    actions, infos = (list(values) for values in zip(*acted, strict=True))
    start = np.broadcast_to(np.arange(length, dtype=np.int32) // EPISODE * EPISODE, shape)
    arrays = Samples(
        observations=observations,
        actions=np.stack(actions, axis=2),
        start=start.copy(),
        weights=mask / mask.sum(axis=(1, 2), keepdims=True),
        agent_infos={name: np.stack([info[name] for info in infos], axis=2) for name in infos[0]},
        adj_avg_rewards=rng.normal(size=n_tasks),
        advantages=mask * rng.normal(size=shape),
        adjusted_rewards=mask * rng.normal(size=shape),
    )
    return tf.nest.map_structure(tf.convert_to_tensor, arrays)


def _near(value: np.ndarray, n_tasks: int, rng: np.random.Generator) -> np.ndarray:
    return value + 0.1 * rng.normal(size=(n_tasks, *value.shape))
