"""RL2: PPO of a policy with a memory, in rows that are trials."""

import dataclasses

import numpy as np
import pytest

from experiment_utils.algorithm_configs import RL2Config
from experiment_utils.algorithms import algorithm
from experiment_utils.validation import ConfigError
from meta_policy_search.meta_algos.rl2 import RL2
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from meta_policy_search.types import Samples, Trajectories
from tests.experiment_utils.small_runs import small

CONFIG = small(RL2Config(), rollouts_per_meta_task=4, rollouts_per_trial=2, memory_size=5, env="MetaPointEnvMomentum")


def sampled(config: RL2Config = CONFIG) -> tuple[RL2, Trajectories, Samples]:
    algo, sampler, processor = algorithm("RL2").build(config, np.random.default_rng(0))
    sampler.update_tasks(np.random.default_rng(1))
    params = algo.policy.stacked_theta(config.meta_batch_size)
    trajectories, _ = sampler.obtain_samples(params, np.random.default_rng(2))
    return algo, trajectories, processor.process_samples(trajectories)[0]


def test_a_row_is_a_trial_of_several_episodes_through_which_the_memory_is_kept():
    algo, trajectories, _ = sampled()
    assert trajectories.rewards.shape == (3, 2, 12)
    np.testing.assert_array_equal(trajectories.start[0, 0], [0] * 6 + [6] * 6)
    np.testing.assert_array_equal(np.flatnonzero(trajectories.observations[0, 0, :, -1]), [6])  # "an episode has ended"
    params = {name: value.numpy() for name, value in algo.policy.stacked_theta(3).items()}
    state, first = algo.policy.initial_state((3, 2)), algo.policy.initial_state((3, 2))
    for time in range(12):
        seen = trajectories.observations[:, :, time]
        _, infos, state = algo.policy.act_from_state(params, seen, np.zeros((3, 2, 2), np.float32), state)
        np.testing.assert_allclose(trajectories.agent_infos["mean"][:, :, time], infos["mean"], atol=1e-6)
        if time == 6:  # it is not that of a policy that begins anew
            _, fresh, _ = algo.policy.act_from_state(params, seen, np.zeros((3, 2, 2), np.float32), first)
            assert np.abs(fresh["mean"] - infos["mean"]).max() > 1e-3


def test_what_it_learns_from_is_what_acted():
    algo, _, samples = sampled()
    loss = algo.meta_loss([samples])
    np.testing.assert_allclose(loss.outer_kl, 0.0, atol=1e-6)  # the ratio is 1 at every step
    expected = -np.mean(np.sum(samples.weights * samples.advantages, axis=(1, 2)))
    np.testing.assert_allclose(loss.loss, expected, atol=1e-5)


def test_steps_of_unfinished_episodes_change_nothing():
    algo, _, samples = sampled()
    kept = np.ones(samples.weights.shape, np.float32)
    kept[:, :, -3:] = 0
    masked = samples._replace(weights=samples.weights * kept, advantages=samples.advantages * kept)
    spoiled = masked._replace(
        actions=np.where(kept[..., np.newaxis] > 0, samples.actions, 1e6).astype(np.float32),
        observations=np.where(kept[..., np.newaxis] > 0, samples.observations, 1e3).astype(np.float32),
    )
    gradients = [algo.meta_gradient([batch])[1] for batch in (masked, spoiled)]
    for name, value in gradients[0].items():
        np.testing.assert_allclose(gradients[1][name], value, rtol=0, atol=1e-6, err_msg=name)


def test_it_learns_what_a_memory_can():
    config = dataclasses.replace(CONFIG, learning_rate=0.01, max_path_length=20, meta_batch_size=8)
    algo, sampler, processor = algorithm("RL2").build(config, np.random.default_rng(0))
    task_rng, rng = np.random.default_rng(1).spawn(2)
    returns = []
    for _ in range(30):
        sampler.update_tasks(task_rng)
        trajectories, _ = sampler.obtain_samples(algo.policy.stacked_theta(8), rng)
        samples, statistics = processor.process_samples(trajectories)
        algo.optimize_policy([samples])
        returns.append(statistics["AverageReturn"])
    assert np.mean(returns[-5:]) > np.mean(returns[:5]) + 0.3


def test_a_policy_without_a_memory_is_refused():
    policy = MetaGaussianMLPPolicy(3, 2, (4,), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="RL2 adapts by the policy's memory, and MetaGaussianMLPPolicy has none"):
        RL2(policy)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"num_inner_grad_steps": 1}, "num_inner_grad_steps is 1; it must be 0: RL2 adapts by its memory"),
        ({"rollouts_per_trial": 3}, r"rollouts_per_trial is 3; it must be a divisor of rollouts_per_meta_task \(4\)"),
        ({"adapted": "head"}, "adapted is 'head'; it must be left out"),
    ],
)
def test_settings_that_mean_nothing_are_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        dataclasses.replace(CONFIG, **changes)


def test_discrete_actions_are_refused():
    with pytest.raises(ConfigError, match="the actions of GridNavigationEnv are discrete"):
        algorithm("RL2").build(dataclasses.replace(CONFIG, env="GridNavigationEnv"), np.random.default_rng(0))
