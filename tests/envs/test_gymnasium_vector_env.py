"""Environments that know nothing of this package, as a batch."""

from collections.abc import Callable
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Discrete

from meta_policy_search.envs.base import SimulationError
from meta_policy_search.envs.gymnasium_vector_env import GymnasiumVectorEnv, largest_divisor
from meta_policy_search.envs.normalized_env import NormalizedEnv
from tests.envs import own_envs


@pytest.fixture
def batch():
    made = []

    def make(kind: Callable, num_envs: int = 4, parallel: bool = False) -> GymnasiumVectorEnv:
        made.append(GymnasiumVectorEnv(make=kind, parallel=parallel).batch(num_envs))
        return made[-1]

    yield make
    for env in made:
        env.close()


def a_round(env: GymnasiumVectorEnv, seed: int, steps: int = 12) -> list[np.ndarray]:
    """All that a sampling round sees, with resets where episodes end."""
    rng = np.random.default_rng(seed)
    env.set_tasks(env.sample_tasks(env.num_envs, rng))
    seen = [np.array(env.tasks), env.reset_envs(rng)]
    for _ in range(steps):
        step = env.step_envs(rng.uniform(-1, 1, (env.num_envs, 1)))
        seen += [step.observations, step.rewards, step.terminated, *step.infos.values()]
        ended = np.flatnonzero(step.terminated)
        if len(ended):
            seen.append(env.reset_envs(rng, ended))
    return seen


def take_three_steps(env: GymnasiumVectorEnv) -> None:
    env.reset_envs(np.random.default_rng(0))
    for _ in range(3):
        env.step_envs(np.zeros((4, 1)))


def assert_equal(a: list[np.ndarray], b: list[np.ndarray]) -> None:
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


def test_worker_processes_and_this_process_give_the_same_numbers_bit_for_bit(batch):
    apart, here = batch(own_envs.Quiet, 6, parallel=True), batch(own_envs.Quiet, 6)
    apart.num_workers = 2  # also on a machine with a single core
    assert_equal(a_round(apart, 3), a_round(here, 3))


def test_an_environment_that_changes_its_task_changes_no_others(batch):
    apart, here = batch(own_envs.Spoiling, 4, parallel=True), batch(own_envs.Spoiling, 4)
    apart.num_workers = 2
    task, seen = {"goal": np.array([0.5])}, []
    for env in (apart, here):
        for _ in range(2):  # also in the next round of the same tasks
            env.set_tasks([task] * 4)
            env.reset_envs(np.random.default_rng(0))
            seen.append([env.step_envs(np.zeros((4, 1))).rewards for _ in range(3)])
    for other in seen[1:]:
        assert_equal(seen[0], other)
    assert task == {"goal": np.array([0.5])}


@pytest.mark.parametrize("kind", [own_envs.Unrelated, own_envs.OfRandomState])
def test_a_generator_of_an_environment_without_base_class_is_seeded(batch, kind):
    assert_equal(a_round(batch(kind), 3), a_round(batch(kind), 3))


@pytest.mark.parametrize("parallel", [True, False])
def test_a_round_depends_on_the_generator_only_whatever_came_before(batch, parallel):
    used, fresh = batch(own_envs.Drifter, parallel=parallel), batch(own_envs.Drifter, parallel=parallel)
    for seed in range(3):
        a_round(used, seed)
    again = a_round(used, 7)
    np.random.seed(1)
    assert_equal(again, a_round(fresh, 7))
    assert not np.array_equal(again[1], a_round(fresh, 8)[1])


def test_only_the_environments_that_are_asked_for_are_reset(batch):
    env, rng = batch(own_envs.Quiet), np.random.default_rng(0)
    env.reset_envs(rng)
    before = env.step_envs(np.zeros((4, 1))).observations
    after = env.reset_envs(rng, np.array([1, 3]))
    assert after[:, 1].tolist() == [0, 0]
    step = env.step_envs(np.zeros((4, 1)))
    assert step.observations[:, 1].tolist() == [2, 1, 2, 1]
    assert np.abs(step.observations - before)[[0, 2], 0].max() < 1


def test_truncation_ends_the_episode(batch):
    env, rng = batch(lambda: own_envs.Quiet(limit=1)), np.random.default_rng(0)
    env.reset_envs(rng)
    assert env.step_envs(np.zeros((4, 1))).terminated.all()


def test_the_time_limit_of_a_gymnasium_id_ends_the_episode(batch):
    env, rng = batch(lambda: gymnasium.make("tests/Quiet-v0")), np.random.default_rng(5)
    env.reset_envs(rng)
    lengths = [env.step_envs(np.zeros((4, 1))).terminated for _ in range(3)]
    assert lengths[2].all()
    assert not lengths[0].all()


def test_tasks_reach_their_environments(batch):
    env = batch(own_envs.Quiet)
    env.set_tasks([10.0, 20.0, 30.0, 40.0])
    env.reset_envs(np.random.default_rng(0))
    step = env.step_envs(np.zeros((4, 1)))
    np.testing.assert_allclose(step.rewards, step.observations[:, 0] - [10, 20, 30, 40], rtol=1e-6)
    with pytest.raises(ValueError, match="1 tasks for 4 environments"):
        env.set_tasks([1.0])


def test_numbers_in_the_infos_are_kept_and_the_rest_is_dropped(batch):
    env = batch(own_envs.Drifter)
    env.reset_envs(np.random.default_rng(0))
    infos = env.step_envs(np.zeros((4, 1))).infos
    assert infos.keys() == {"error", "steps"}
    assert infos["steps"].tolist() == [1, 1, 1, 1]


def test_the_environments_own_diagnostics_are_logged(batch):
    trajectories = SimpleNamespace(env_infos={"error": np.array([1.0, 3.0])})
    assert batch(own_envs.Diagnosed).diagnostics(trajectories) == {"Error": 2.0}
    assert batch(own_envs.Quiet).diagnostics(trajectories) == {}


@pytest.mark.parametrize("parallel", [True, False])
def test_an_exception_names_the_environment_and_brings_its_traceback(batch, parallel):
    env = batch(own_envs.Drifter, parallel=parallel)
    env.set_tasks([0.0, 0.0, own_envs.Drifter.raises, 0.0])
    with pytest.raises(SimulationError, match=r"the environment raised RuntimeError \(the arm fell off\)") as failure:
        take_three_steps(env)
    assert failure.value.envs == [2]
    assert "tests/envs/own_envs.py" in failure.value.__notes__[0]


def test_a_worker_that_dies_names_the_environment(batch):
    env = batch(own_envs.Drifter, parallel=True)
    env.set_tasks([0.0, 0.0, 0.0, own_envs.Drifter.dies])
    with pytest.raises(SimulationError, match=r"a worker process died \(exit code 3\)") as failure:
        take_three_steps(env)
    assert failure.value.envs == [3]


def test_an_exception_of_sample_tasks_is_a_failure_too(batch, monkeypatch):
    env = batch(own_envs.Quiet)
    monkeypatch.setattr(own_envs.Quiet, "sample_tasks", lambda self, n: 1 / 0)
    with pytest.raises(SimulationError, match="ZeroDivisionError"):
        env.sample_tasks(3, np.random.default_rng(0))
    monkeypatch.setattr(own_envs.Quiet, "sample_tasks", lambda self, n: [0.0])
    with pytest.raises(SimulationError, match=r"sample_tasks\(3\) of the environment returned 1 tasks"):
        env.sample_tasks(3, np.random.default_rng(0))


@pytest.mark.parametrize("kind", [own_envs.OldDrifter, own_envs.NewerDrifter])
def test_environments_of_old_gym_run_without_gym(batch, kind):
    env = batch(kind)
    assert isinstance(env.action_space, gymnasium.spaces.Box)
    first, second = a_round(env, 1), a_round(env, 1)
    assert_equal(first, second)
    terminated = [x for x in first[2:] if x.dtype == bool]
    assert [t.all() for t in terminated[:4]] == [False, False, False, True]


def test_a_time_limit_of_old_gym_is_a_truncation():
    from meta_policy_search.envs.gym_compatibility import GymCompatibility

    old = own_envs.OldDrifter()
    old.step = lambda action: (np.zeros(2), 0.0, True, {"TimeLimit.truncated": True})
    assert GymCompatibility(old).step([0.0])[2:4] == (False, True)


def test_observations_of_other_kinds_become_vectors(batch):
    env = batch(own_envs.Dictionary)
    assert env.observation_space.shape == (9,)
    observations = env.reset_envs(np.random.default_rng(0))
    assert observations[:, 0].tolist() == [1, 1, 1, 1]  # one-hot: t is 0


def test_discrete_actions_are_counted_from_the_spaces_start(batch):
    env = NormalizedEnv(batch(own_envs.Chooser))
    assert env.action_space == Discrete(3)
    before = env.reset_envs(np.random.default_rng(0))
    moved = env.step_envs(np.array([0, 1, 2, 0])).observations - before
    np.testing.assert_allclose(moved[:, 0], [1, 2, 3, 1], atol=0.5)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (own_envs.Taskless, "it has no sample_tasks; meta-training needs sample_tasks, set_task, get_task"),
        (own_envs.Unbounded, "it must have finite bounds"),
        (own_envs.Buttons, "it must be a Discrete or a one-dimensional Box"),
    ],
)
def test_an_environment_that_cannot_be_used_says_why(kind, words):
    with pytest.raises(ValueError, match=words):
        GymnasiumVectorEnv(make=kind)


def test_all_workers_have_equally_many_environments():
    assert [largest_divisor(800, n) for n in (1, 2, 3, 16, 64)] == [1, 2, 2, 16, 50]
    assert largest_divisor(7, 4) == 1


class Unmade(own_envs.Quiet):
    """It needs what isn't there."""

    def __init__(self):
        raise KeyError("arm")


class Undrawn(own_envs.Quiet):
    """Its tasks aren't there."""

    def sample_tasks(self, n):
        raise FileNotFoundError(2, "No such file or directory", "tasks.txt")


@pytest.mark.parametrize(("kind", "words"), [(Unmade, r"KeyError \('arm'\)"), (Undrawn, r"FileNotFoundError .*tasks.txt")])
def test_an_environment_that_fails_from_the_start_says_so_with_its_traceback(kind, words):
    with pytest.raises(SimulationError, match=f"the environment raised {words}") as failure:
        GymnasiumVectorEnv(make=kind)
    assert f"in {'__init__' if kind is Unmade else 'sample_tasks'}" in failure.value.__notes__[0]
