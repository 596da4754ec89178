"""Sampling on a Ray cluster of this machine: the numbers of the local sampler, also when a worker is lost."""

import time

import numpy as np
import pytest

from meta_policy_search.envs.previous_step_env import PreviousStepEnv
from meta_policy_search.policies.gru_policy import MetaGRUPolicy
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from meta_policy_search.samplers.meta_sampler import MetaSampler, SamplingError
from tests.samplers.countdown_env import CountdownEnv

ray = pytest.importorskip("ray")

SIZES = {"rollouts_per_meta_task": 2, "meta_batch_size": 5, "max_path_length": 6}


class NoisyCountdownEnv(CountdownEnv):
    """Its episodes end at random times, and everything shows in the observation."""

    def reset_envs(self, rng, envs=None):
        rows = np.arange(self.num_envs) if envs is None else envs
        self.left[rows] = self.tasks[rows] + rng.integers(3, size=len(rows)) + 0.1 * rng.standard_normal(len(rows))
        return self._observation()[rows]

    def step_envs(self, actions):
        self.left -= 0.1 * actions[:, 0]
        return super().step_envs(actions)


@pytest.fixture(scope="module")
def cluster():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")  # otherwise workers wait for all other tests
        ray.init(address="local", num_cpus=8, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def samplers(cluster):
    from meta_policy_search.samplers.ray_sampler import RaySampler

    policy = MetaGaussianMLPPolicy(2, 1, (4,), rng=np.random.default_rng(0))
    remote = RaySampler(NoisyCountdownEnv(), policy, make_env=make_env, num_workers=3, **SIZES)
    return MetaSampler(NoisyCountdownEnv(), policy, **SIZES), remote


def make_env(num_threads):
    return NoisyCountdownEnv()


def rounds(sampler, tasks, count=2, between=lambda: None):
    rng = np.random.default_rng(0)
    params = {name: value.numpy() for name, value in sampler.policy.stacked_theta(len(tasks)).items()}
    params["mean_network/output/bias"] += np.arange(len(tasks), dtype=np.float32)[:, None]
    sampler.set_tasks(tasks)
    results = []
    for _ in range(count):
        results.append(sampler.obtain_samples(params, rng)[0])
        between()
    return results


def assert_equal(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        for name in one._fields:
            np.testing.assert_equal(getattr(one, name), getattr(other, name))


@pytest.mark.slow
def test_the_numbers_are_those_of_the_local_sampler(samplers):
    local, remote = (rounds(sampler, [1, 4, 9, 2, 3]) for sampler in samplers)
    assert local[0].mask.shape[2] > SIZES["max_path_length"]
    assert not local[0].mask.all()
    assert_equal(local, remote)


@pytest.mark.slow
def test_a_lost_worker_is_replaced_and_the_numbers_stay(samplers, capsys):
    local, remote = samplers
    lost = rounds(remote, [1, 4, 9, 2, 3], between=lambda: ray.kill(remote._workers[1]))
    assert "worker 1 was lost; its share is simulated again" in capsys.readouterr().err
    assert_equal(rounds(local, [1, 4, 9, 2, 3]), lost)


@pytest.mark.slow
@pytest.mark.long
def test_a_worker_lost_in_the_middle_of_a_round_does_no_harm(samplers, monkeypatch):
    local, remote = samplers
    ask = remote._ask

    def ask_and_kill(method, jobs, steps):
        if method == "trajectories":
            ray.kill(remote._workers[2])
        return ask(method, jobs, steps)

    monkeypatch.setattr(remote, "_ask", ask_and_kill)
    assert_equal(rounds(local, [1, 4, 9, 2, 3]), rounds(remote, [1, 4, 9, 2, 3]))


@pytest.mark.slow
def test_a_failing_simulation_is_reported_with_its_task_in_the_whole_batch(samplers):
    for sampler in samplers:
        with pytest.raises(SamplingError, match=r"^the simulation exploded in 1 of 5 tasks \(slot 3: 77\)$"):
            rounds(sampler, [1, 4, 9, CountdownEnv.fails_at, 3])
    assert_equal(*(rounds(sampler, [1, 4, 9, 2, 3]) for sampler in samplers))


@pytest.mark.slow
def test_a_closed_sampler_gives_its_cores_back(cluster):
    from meta_policy_search.samplers.ray_sampler import RaySampler

    def free():
        return ray.available_resources().get("CPU", 0)

    policy = MetaGaussianMLPPolicy(2, 1, (4,), rng=np.random.default_rng(0))
    sampler = RaySampler(NoisyCountdownEnv(), policy, make_env=make_env, num_workers=1, **SIZES)
    rounds(sampler, [1, 4, 9, 2, 3], count=1)
    used = free()
    sampler.close()
    deadline = time.monotonic() + 60
    while free() <= used and time.monotonic() < deadline:
        time.sleep(0.1)
    assert free() > used


@pytest.mark.slow
@pytest.mark.parametrize("cpus_per_worker", [2, 3])
def test_a_cluster_with_too_few_cores_is_named(cluster, capsys, cpus_per_worker):
    from meta_policy_search.samplers.ray_sampler import RaySampler

    policy = MetaGaussianMLPPolicy(2, 1, (4,), rng=np.random.default_rng(0))
    workers = {"num_workers": 3, "cpus_per_worker": cpus_per_worker}
    RaySampler(NoisyCountdownEnv(), policy, make_env=make_env, **workers, **SIZES).close()
    warning = "warning: 3 workers of 3 cores each are more than the 8 cores of the Ray cluster"
    assert (warning in capsys.readouterr().err) == (cpus_per_worker == 3)


@pytest.mark.slow
def test_workers_that_die_at_once_are_not_started_for_ever(cluster, monkeypatch):
    from meta_policy_search.samplers import ray_sampler

    monkeypatch.setattr(ray_sampler, "MOST_LOSSES", 0)
    policy = MetaGaussianMLPPolicy(2, 1, (4,), rng=np.random.default_rng(0))
    sampler = ray_sampler.RaySampler(NoisyCountdownEnv(), policy, make_env=make_env, num_workers=1, **SIZES)
    sampler._start = lambda: pytest.fail("it was started again")
    ray.kill(sampler._workers[0])
    with pytest.raises(SamplingError, match="workers were lost 1 times in one call"):
        rounds(sampler, [1, 4, 9, 2, 3])


def make_trial_env(num_threads):
    return PreviousStepEnv(make=NoisyCountdownEnv)


@pytest.mark.slow
def test_a_memory_is_kept_through_a_row_of_rollouts_as_in_the_local_sampler(cluster):
    from meta_policy_search.samplers.ray_sampler import RaySampler

    policy = MetaGRUPolicy(5, 1, memory_size=4, hidden_sizes=(3,), rng=np.random.default_rng(0))
    sizes = {**SIZES, "rollouts_per_meta_task": 6, "rollouts_per_row": 3}
    samplers = (
        MetaSampler(make_trial_env(1), policy, **sizes),
        RaySampler(make_trial_env(1), policy, make_env=make_trial_env, num_workers=2, **sizes),
    )
    local, remote = (rounds(sampler, [1, 4, 9, 2, 3]) for sampler in samplers)
    assert local[0].rewards.shape[1] == 2
    assert local[0].rewards.shape[2] >= 3 * SIZES["max_path_length"]
    assert_equal(local, remote)
