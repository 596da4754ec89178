import numpy as np
import pytest
import tensorflow as tf
from gymnasium.spaces import Discrete

from meta_policy_search.baselines.linear_baseline import LinearFeatureBaseline
from meta_policy_search.envs.base import BatchStep
from meta_policy_search.envs.normalized_env import NormalizedEnv
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from meta_policy_search.samplers.meta_sample_processor import MetaSampleProcessor, return_statistics, step_times
from meta_policy_search.samplers.meta_sampler import MetaSampler, SamplingError
from tests.policies.own_policies import BetaPolicy, CountingPolicy, SoftmaxPolicy
from tests.samplers.countdown_env import CountdownEnv


def make_sampler(longest: int = 9, limit: int = 6, n_tasks: int = 3, n_rollouts: int = 2, **settings) -> MetaSampler:
    policy = MetaGaussianMLPPolicy(2, 1, (4,), rng=np.random.default_rng(0))
    return MetaSampler(
        CountdownEnv(longest=longest),
        policy,
        rollouts_per_meta_task=n_rollouts,
        meta_batch_size=n_tasks,
        max_path_length=limit,
        **settings,
    )


def sample(sampler: MetaSampler, tasks: list[int], seed: int = 0):
    rng = np.random.default_rng(seed)
    sampler.update_tasks(rng)
    sampler.tasks = tasks
    sampler.envs.set_tasks(np.repeat(tasks, sampler.batch_shape[1]))
    params = sampler.policy.stacked_theta(len(tasks))
    return sampler.obtain_samples(params, rng)[0]


def test_episodes_that_never_end_early_fill_the_rows_exactly():
    trajectories = sample(make_sampler(limit=5), [9, 9, 9])
    assert trajectories.mask.shape == (3, 2, 5)
    assert trajectories.mask.all()
    assert not trajectories.start.any()


def test_the_round_ends_when_finished_steps_of_all_tasks_reach_the_quota():
    trajectories = sample(make_sampler(limit=6), [2, 3, 9])
    ends = np.array([[2], [3], [6]])
    t = np.arange(trajectories.mask.shape[2])
    for length in range(1, len(t) + 1):  # the original's loop, replayed on the known episode lengths
        finished = (length // ends * ends * 2).sum()
        if finished >= 3 * 2 * 6:
            break
    assert len(t) == length
    assert np.array_equal(trajectories.mask.sum(axis=2), np.repeat(length // ends * ends, 2, axis=1))


def test_a_row_of_several_rollouts_has_the_steps_of_all_of_them():
    sampler = make_sampler(limit=5, n_rollouts=6, rollouts_per_row=3)
    trajectories = sample(sampler, [9, 9, 9])
    assert trajectories.mask.shape == (3, 2, 15)
    np.testing.assert_array_equal(trajectories.start[0, 0], [0] * 5 + [5] * 5 + [10] * 5)
    with pytest.raises(ValueError, match="rollouts_per_row is 4; it must be a divisor of rollouts_per_meta_task, 6"):
        make_sampler(n_rollouts=6, rollouts_per_row=4)


def test_start_tells_the_episodes_of_a_row_apart():
    trajectories = sample(make_sampler(limit=6), [2, 3, 9])
    times = step_times(trajectories)
    assert np.array_equal(trajectories.observations[..., 0], np.array([2, 3, 9])[:, None, None] - times)


def test_steps_of_unfinished_episodes_are_masked():
    trajectories = sample(make_sampler(limit=6), [2, 4, 9])
    for task, length in enumerate((2, 4, 6)):
        steps = trajectories.mask[task].sum(axis=1)
        assert (steps % length == 0).all()
        assert (trajectories.mask.shape[2] - steps < length).all()


def test_statistics_count_finished_episodes_only():
    trajectories = sample(make_sampler(limit=6), [2, 4, 9])
    statistics = return_statistics(trajectories, discount=0.5)
    n_steps = trajectories.mask.shape[2]
    lengths = np.repeat([2, 4, 6], [2 * (n_steps // n) for n in (2, 4, 6)])
    assert statistics["NumTrajs"] == len(lengths)
    assert statistics["AverageReturn"] == pytest.approx(lengths.mean())
    assert statistics["AverageDiscountedReturn"] == pytest.approx((2 * (1 - 0.5**lengths)).mean())


def test_the_same_generator_gives_the_same_round_bit_for_bit():
    first, second = (sample(make_sampler(), [2, 5, 9], seed=3) for _ in range(2))
    assert np.array_equal(first.actions, second.actions)
    other = sample(make_sampler(), [2, 5, 9], seed=4)
    assert not np.array_equal(first.actions, other.actions)


def test_each_task_acts_by_its_own_parameters():
    sampler = make_sampler(limit=5)
    rng = np.random.default_rng(0)
    sampler.update_tasks(rng)
    params = {name: value.numpy() for name, value in sampler.policy.stacked_theta(3).items()}
    params["mean_network/output/bias"] += np.array([[0.0], [100.0], [200.0]], np.float32)
    trajectories, _ = sampler.obtain_samples(params, rng)
    assert np.allclose(trajectories.actions.mean(axis=(1, 2, 3)), [0, 100, 200], atol=5)


def test_a_failing_simulation_is_reported_with_its_task():
    with pytest.raises(SamplingError, match=r"exploded in 1 of 3 tasks \(slot 1: 77\)"):
        sample(make_sampler(), [2, CountdownEnv.fails_at, 3])


def test_a_reward_that_is_not_a_number_is_reported_with_its_task():
    words = r"NaN or infinite rewards of CountdownEnv at time step 0 in 1 of 3 tasks \(slot 2: 88\)"
    with pytest.raises(SamplingError, match=words) as caught:
        sample(make_sampler(), [2, 3, CountdownEnv.nan_at])
    assert not caught.value.by_policy


@pytest.mark.parametrize(
    ("field", "value", "words", "by_policy"),
    [
        ("observations", np.inf, "NaN or infinite observations of CountdownEnv at time step 1 in 1 of 3", False),
        ("actions", np.nan, "NaN or infinite actions of the policy at time step 1 in 1 of 3", True),
        ("rewards", -np.inf, "NaN or infinite rewards of CountdownEnv at time step 1 in 1 of 3", False),
    ],
)
def test_who_was_first_to_give_what_is_not_a_number_is_named_with_task_and_time(field, value, words, by_policy):
    sampler = make_sampler()
    trajectories = sample(sampler, [2, 4, 9])
    for later in ("observations", "actions", "rewards"):
        getattr(trajectories, later)[0, 0, 6:] = np.nan
    start = trajectories.start[1, 1]
    getattr(trajectories, field)[1, 1, 5] = value
    assert 5 - start[5] == 1
    with pytest.raises(SamplingError, match=words) as caught:
        sampler._check_finite(trajectories)
    assert caught.value.by_policy == by_policy


class Reusing(CountdownEnv):
    """It gives away its own arrays, and goes on to write into them."""

    def __init__(self, **settings):
        self.given = BatchStep(np.zeros((6, 2)), np.zeros(6), np.zeros(6, bool), {"left": np.zeros(6)})
        super().__init__(**settings)

    def reset_envs(self, rng, envs=None):
        self.given.observations[:] = 99  # what it gave before is its own
        return super().reset_envs(rng, envs)

    def step_envs(self, actions):
        step = super().step_envs(actions)
        for given, values in zip(self.given[:3], step[:3], strict=True):
            given[:] = values
        self.given.infos["left"][:] = step.infos["left"]
        self.given.rewards[:] = self.left
        return self.given


def test_arrays_that_an_environment_uses_again_are_recorded_as_they_were():
    sampler = make_sampler()
    sampler.envs = Reusing(num_envs=6)
    trajectories = sample(sampler, [3, 3, 3])
    left = trajectories.observations[..., 0] - 1
    assert left[0, 0, :6].tolist() == [2, 1, 0, 2, 1, 0]
    np.testing.assert_array_equal(trajectories.rewards, left)
    np.testing.assert_array_equal(trajectories.env_infos["left"], left)


class Sloppy(CountdownEnv):
    """Its rewards have an axis too many."""

    def step_envs(self, actions):
        step = super().step_envs(actions)
        return step._replace(rewards=step.rewards[:, np.newaxis])


def test_a_reward_of_another_shape_is_refused():
    sampler = make_sampler()
    sampler.envs = Sloppy(num_envs=6)
    with pytest.raises(SamplingError, match=r"rewards have the shape \(6, 1\), not \(6,\)"):
        sample(sampler, [3, 3, 3])


def test_a_policy_of_double_precision_gets_observations_of_its_own_type():
    policy = MetaGaussianMLPPolicy(2, 1, (4,), rng=np.random.default_rng(0), dtype=tf.float64)
    sampler = MetaSampler(CountdownEnv(), policy, rollouts_per_meta_task=2, meta_batch_size=3, max_path_length=4)
    samples, _ = MetaSampleProcessor(LinearFeatureBaseline()).process_samples(sample(sampler, [3, 2, 3]))
    assert samples.observations.dtype == samples.advantages.dtype == samples.agent_infos["mean"].dtype == np.float64
    algo = ProMP(policy, inner_lr=0.1, trainable_inner_step_size=True)
    assert all((value.numpy() == 0.1).all() for name, value in algo.theta.items() if name.startswith("inner_lr/"))
    before = algo.meta_loss([samples, samples])
    assert algo.meta_gradient([samples, samples])[0].loss == before.loss


def test_the_state_of_a_policy_with_a_memory_goes_on_over_the_ends_of_episodes_and_begins_anew_in_a_round():
    sampler = MetaSampler(CountdownEnv(), CountingPolicy(), rollouts_per_meta_task=2, meta_batch_size=3, max_path_length=6)
    sampler.set_tasks([2, 3, 9])
    params = {"first": np.array([[0.0], [5.0], [7.0]], np.float32)}
    for seed in range(2):
        trajectories, _ = sampler.obtain_samples(params, np.random.default_rng(seed))
        steps = np.arange(trajectories.mask.shape[2])
        assert trajectories.start.max() > 0
        np.testing.assert_array_equal(
            trajectories.actions[..., 0], np.broadcast_to(params["first"][:, None] + steps, trajectories.mask.shape)
        )
        seen = sampler.policy.distribution(params, tf.constant(trajectories.observations))
        np.testing.assert_array_equal(seen.mean(), trajectories.agent_infos["mean"])


def test_a_policy_for_other_observations_is_refused():
    policy = MetaGaussianMLPPolicy(3, 1, (4,), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"takes observations of the shape \[3\], and CountdownEnv has \[2\]"):
        MetaSampler(CountdownEnv(), policy, rollouts_per_meta_task=2, meta_batch_size=3, max_path_length=6)


class TurningEnv(CountdownEnv):
    """The same with three discrete actions."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.action_space = Discrete(3, start=5)


@pytest.mark.parametrize(
    ("env", "policy", "words"),
    [
        (
            CountdownEnv,
            BetaPolicy(2, 2, rng=np.random.default_rng(0)),
            r"BetaPolicy gives actions of the shape \[3, 2, 2\], not",
        ),
        (CountdownEnv, SoftmaxPolicy(2, 3, rng=np.random.default_rng(0)), r"of the shape \[3, 2\], not \[3, 2, 1\]"),
        (TurningEnv, BetaPolicy(2, 1, rng=np.random.default_rng(0)), r"of the shape \[3, 2, 1\], not \[3, 2\]"),
        (
            TurningEnv,
            SoftmaxPolicy(2, 99, rng=np.random.default_rng(0)),
            "that are not whole numbers from 0 to 2, as TurningEnv",
        ),
    ],
)
def test_actions_of_another_shape_or_kind_than_the_environments_are_refused(env, policy, words):
    sizes = {"rollouts_per_meta_task": 2, "meta_batch_size": 3, "max_path_length": 4}
    with pytest.raises(ValueError, match=words):
        sample(MetaSampler(NormalizedEnv(env()), policy, **sizes), [3, 3, 3])


@pytest.mark.parametrize("returned", [None, 3.0, np.zeros((5, 1)), np.zeros(1)])
def test_a_baseline_that_is_no_number_for_each_step_is_refused(returned):
    class Odd:
        def fit_predict(self, observations, times, targets):
            return returned

    trajectories = sample(make_sampler(limit=5), [9, 9, 9])
    with pytest.raises(
        ValueError, match=r"Odd returned a baseline of the shape .*it must be \[10\], a number for each step"
    ):
        MetaSampleProcessor(baseline=Odd()).process_samples(trajectories)
