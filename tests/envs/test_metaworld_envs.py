"""ML1, ML10 and ML45, where Meta-World is installed."""

import functools
import pickle

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("metaworld", reason="Meta-World is installed by hand, see docs/metaworld.md")

import metaworld.evaluation
from metaworld.policies import ENV_POLICY_MAP

from meta_policy_search.envs import metaworld_envs
from meta_policy_search.envs.gymnasium_vector_env import GymnasiumVectorEnv
from meta_policy_search.envs.metaworld_envs import WELD, ML1Env, ML10Env, ML45Env
from meta_policy_search.envs.metaworld_tasks import ML1_TASKS
from meta_policy_search.envs.normalized_env import normalize
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from meta_policy_search.samplers.meta_sampler import MetaSampler

FAMILIES = [getattr(metaworld_envs, name) for name in ("ML1ReachEnv", "ML1PushEnv", "ML1PickPlaceEnv")]
HORIZON = 120
GOALS = 4  # of each task, more than Meta-World's evaluation counts episodes


def test_every_task_of_meta_world_is_a_family_by_its_name():
    assert set(ML1_TASKS.values()) == set(metaworld.ML1.ENV_NAMES)
    assert metaworld_envs.ML1ButtonPressTopdownWallEnv.benchmark == "button-press-topdown-wall-v3"
    for family in ML1_TASKS:
        made = getattr(metaworld_envs, family)
        assert issubclass(made, ML1Env)
        assert pickle.loads(pickle.dumps(made)) is made
    with pytest.raises(AttributeError, match="has no attribute 'ML1DanceEnv'"):
        metaworld_envs.ML1DanceEnv  # noqa: B018


@pytest.mark.parametrize("family", FAMILIES)
def test_train_and_test_goals_are_apart(family):
    train, test = family(), family(split="test")
    goals = [{goal.data for goal in env.goals[family.benchmark]} for env in (train, test)]
    assert [len(side) for side in goals] == [50, 50]
    assert not goals[0] & goals[1]


@pytest.mark.parametrize(("family", "sizes"), [(ML10Env, (10, 5)), pytest.param(ML45Env, (45, 5), marks=pytest.mark.slow)])
def test_the_held_out_tasks_are_meta_worlds_test_set(family, sizes):
    benchmark = metaworld_envs.benchmark_of(family.benchmark, 0)
    train = family()
    test = family(**train.held_out_options())
    assert (train.names, test.names) == (list(benchmark.train_classes), list(benchmark.test_classes))
    assert (len(train.names), len(test.names)) == sizes
    assert not set(train.names) & set(test.names)
    assert all(len(env.goals[name]) == 50 for env in (train, test) for name in env.names)


def test_a_meta_batch_has_each_task_equally_often():
    env = ML10Env()
    env.reset(seed=0)
    tasks = env.sample_tasks(20)
    names = [name for name, _ in tasks]
    assert all(names.count(name) == 2 for name in env.names)
    assert len({goal for _, goal in tasks}) > 5
    assert len(env.sample_tasks(3)) == 3


def test_a_task_is_described_by_its_name_and_goal():
    env = ML10Env(split="test")
    env.set_task(("lever-pull-v3", 7))
    assert env.get_task() == ("lever-pull-v3", 7)
    with pytest.raises(ValueError, match="no task 'reach-v3' in the test set; there are drawer-open-v3, "):
        env.set_task(("reach-v3", 7))
    with pytest.raises(ValueError, match="no goal 50; they have the numbers 0 to 49"):
        env.set_task(("lever-pull-v3", 50))


def test_what_happened_in_another_task_before_changes_nothing():
    fresh, used = ML10Env(), ML10Env()
    for task in (("push-v3", 1), ("drawer-close-v3", 2)):
        used.set_task(task)
        used.reset(seed=0)
        for _ in range(5):
            used.step(np.ones(4, np.float32))
    fresh.set_task(("push-v3", 3))
    used.set_task(("push-v3", 3))
    seen = [[env.reset(seed=0)[0], *env.step(np.full(4, 0.5, np.float32))[:2]] for env in (fresh, used)]
    for a, b in zip(*seen, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("family", [*FAMILIES, ML10Env])
def test_a_seed_fixes_tasks_and_steps_and_the_goal_is_hidden(family):
    seen = []
    for _ in range(2):
        env = family()
        env.reset(seed=4)
        task = env.sample_tasks(5)[4]
        env.set_task(task)
        seen.append([task, env.reset(seed=5)[0], *env.step(np.full(4, 0.5, np.float32))[:2]])
        assert not seen[-1][1][-3:].any()
        assert env.get_task() == task
    for a, b in zip(*seen, strict=True):
        np.testing.assert_array_equal(a, b)


def test_welds_have_metaworlds_numbers():
    env = FAMILIES[0]()._env
    np.testing.assert_array_equal(env.model.eq_data[0, : len(WELD)], WELD)


def test_it_is_a_batch_in_the_sampler():
    envs, rng = GymnasiumVectorEnv(make=FAMILIES[0], parallel=False).batch(3), np.random.default_rng(0)
    envs.set_tasks(envs.sample_tasks(3, rng))
    assert envs.reset_envs(rng).shape == (3, 39)
    step = envs.step_envs(rng.uniform(-1, 1, (3, 4)))
    assert np.isfinite(step.rewards).all()
    assert "success" in step.infos


class ByHand(MetaGaussianMLPPolicy):
    """Actions by environment and time since the reset, or Meta-World's scripted policies, for both evaluations."""

    def __init__(self, names: list[str], table: np.ndarray | None):
        super().__init__(39, 4, hidden_sizes=(), rng=np.random.default_rng(0), dtype=tf.float64)
        self.scripts, self.table = [ENV_POLICY_MAP[name]() for name in names], table
        self.times = np.zeros(len(names), int)

    def eval_action(self, observations: np.ndarray) -> np.ndarray:
        if self.table is None:
            return np.stack([script.get_action(x) for script, x in zip(self.scripts, observations, strict=True)])
        return self.table[np.arange(len(self.times)), self.times]

    def reset(self, env_mask: np.ndarray) -> None:
        self.times = np.where(env_mask, 0, self.times + 1)

    def act(self, params: dict, observations: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, dict]:
        actions = np.stack([self.eval_action(row) for row in observations.swapaxes(0, 1)], axis=1)  # [N, R, A]
        self.times += 1
        return 10 * actions, {}  # -10 and 10 are the ends of the space


def meta_worlds_evaluation(agent: ByHand, benchmark: str) -> tuple[float, dict[str, float]]:
    """Of the first goals of the test set: its mean success, and that of each task."""
    sizes = {"meta_batch_size": len(agent.scripts), "total_tasks_per_cls": GOALS, "max_episode_steps": HORIZON}
    envs = metaworld.make_ml_envs(benchmark, seed=0, split="test", task_select="pseudorandom", **sizes)
    envs.call("sample_tasks")
    mean, _, by_task, _ = metaworld.evaluation.evaluation(agent, envs, num_episodes=3)
    envs.close()
    return mean, by_task


def random_actions(n_envs: int) -> np.ndarray:
    """[n_envs, HORIZON + 1, 4], with a drift, so that some get somewhere."""
    rng = np.random.default_rng(1)
    return np.clip(rng.uniform(-1, 1, (n_envs, 1, 4)) + rng.normal(size=(n_envs, HORIZON + 1, 4)), -1, 1)


@pytest.mark.slow
@pytest.mark.parametrize(("actions", "family"), [("random", metaworld_envs.ML1DrawerCloseEnv), ("scripted", ML10Env)])
@pytest.mark.filterwarnings("ignore:Constant")
def test_success_is_what_meta_worlds_own_evaluation_says(actions, family):
    make = functools.partial(family, split="test")
    places = [(name, goal) for name in make().names for goal in range(GOALS)]
    table = random_actions(len(places)) if actions == "random" else None
    theirs, _ = meta_worlds_evaluation(ByHand([name for name, _ in places], table), family.benchmark)
    policy = ByHand([name for name, _ in places], table)
    envs = normalize(GymnasiumVectorEnv(make=make, parallel=False))
    sizes = {"rollouts_per_meta_task": 3, "meta_batch_size": len(places), "max_path_length": HORIZON}
    sampler = MetaSampler(envs, policy, **sizes)
    sampler.set_tasks([make().task_of(*place) for place in places])
    trajectories, _ = sampler.obtain_samples(policy.stacked_theta(len(places)), np.random.default_rng(0))
    ours = sampler.diagnostics(trajectories)
    assert ours["MetaWorldSuccessRate"] == pytest.approx(theirs, abs=1e-12)
    assert 0 < ours["SuccessRate"] < theirs
