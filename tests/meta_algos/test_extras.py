"""What a processor adds to the samples reaches the losses: compiled, in slices of tasks, and in minibatches."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from meta_policy_search.baselines.linear_baseline import LinearTimeBaseline
from meta_policy_search.envs.point_envs.point_env_2d import MetaPointEnv
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.meta_algos.vpg_maml import VPGMAML
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from meta_policy_search.samplers.meta_sample_processor import MetaSampleProcessor
from meta_policy_search.samplers.meta_sampler import MetaSampler
from meta_policy_search.samplers.returns import discounted_sums
from tests.meta_algos.problem import make_batches, make_policy, on_policy

WEIGHTS = np.array([0.5, 2.0, 0.0, 1.5])


class Weighted(VPGMAML):
    """Weighs the tasks by what the processor says of them."""

    def outer_loss(self, distributions, batches):
        return super().outer_loss(distributions, batches) * batches[-1].extras["task_weights"]


@dataclasses.dataclass(frozen=True)
class WeighingProcessor:
    """Adds the weights to what another processor makes."""

    processor: MetaSampleProcessor

    def process_samples(self, trajectories):
        samples, statistics = self.processor.process_samples(trajectories)
        return samples._replace(extras={**samples.extras, "task_weights": WEIGHTS.astype(np.float32)}), statistics


def weighted_batches(policy, n_tasks=4):
    return [
        samples._replace(extras={"task_weights": tf.constant(WEIGHTS, policy.dtype)})
        for samples in on_policy(VPGMAML(policy), make_batches(policy, n_tasks=n_tasks))
    ]


@pytest.mark.parametrize("rows", [2, 60], ids=["one slice", "several slices"])
def test_task_weights_weigh_the_meta_gradient(rows):
    policy = make_policy(hidden_sizes=())
    batches = on_policy(VPGMAML(policy), make_batches(policy, n_tasks=4, rows=rows))
    weighted = tuple(samples._replace(extras={"task_weights": tf.constant(WEIGHTS)}) for samples in batches)
    _, found = Weighted(policy).meta_gradient(weighted)
    alone = [VPGMAML(policy).meta_gradient(tf.nest.map_structure(lambda x, n=n: x[n : n + 1], batches))[1] for n in range(4)]
    for name, value in found.items():
        expected = np.mean([weight * of_task[name] for weight, of_task in zip(WEIGHTS, alone, strict=True)], axis=0)
        np.testing.assert_allclose(value, expected, rtol=0, atol=1e-13)


@pytest.mark.usefixtures("eagerly")
def test_minibatches_have_their_tasks_part_of_the_extras():
    seen = []

    class Seeing(ProMP):
        def outer_loss(self, distributions, batches):
            seen.append(batches[-1].extras["task_weights"].numpy().tolist())
            return super().outer_loss(distributions, batches)

    policy = make_policy()
    Seeing(policy, num_minibatches=2, num_promp_steps=1).optimize_policy(weighted_batches(policy))
    assert WEIGHTS[:2].tolist() in seen
    assert WEIGHTS[2:].tolist() in seen


@pytest.mark.usefixtures("eagerly")
def test_a_processor_of_ones_own_adds_to_what_the_packages_has():
    policy = MetaGaussianMLPPolicy(2, 2, (4,), rng=np.random.default_rng(0))
    sampler = MetaSampler(MetaPointEnv(), policy, rollouts_per_meta_task=2, meta_batch_size=4, max_path_length=5)
    rng = np.random.default_rng(0)
    sampler.update_tasks(rng)
    trajectories, _ = sampler.obtain_samples(policy.stacked_theta(4), rng)
    samples, _ = WeighingProcessor(MetaSampleProcessor(LinearTimeBaseline(), 0.9)).process_samples(trajectories)
    returns = discounted_sums(trajectories.rewards, trajectories.start, 0.9)
    np.testing.assert_allclose(samples.extras["returns"], returns, rtol=1e-6)
    np.testing.assert_allclose(samples.advantages, returns - samples.extras["baselines"], rtol=0, atol=1e-5)
    algo = Weighted(policy)
    algo.adapt(policy.stacked_theta(4), samples)
    assert np.isfinite(list(algo.optimize_policy((samples, samples)).values())).all()
