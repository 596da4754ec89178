"""Held-out evaluation on Meta-World's split, with a stand-in for the package.

The stand-in has Meta-World's interface as far as this package calls it (`ML1(name, seed)` with `train_classes`,
`train_tasks`, `test_classes` and `test_tasks`, tasks with `env_name` and `data`, an environment with `set_task`) and none of
its physics: the observation is constant and the reward the goal's number. tests/envs/test_metaworld_envs.py checks the real
one.
"""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from experiment_utils import train
from tests.experiment_utils.small_runs import small

ADAPTER = "meta_policy_search.envs.metaworld_envs"
GOALS = 50


class Arm:
    """Stands for Meta-World's environment; the class notes the goals of all its steps."""

    seen: set[float] = set()  # noqa: RUF012

    def set_task(self, task):
        self.goal = task.data

    def reset(self, *, seed=None):
        return np.zeros(39), {}

    def step(self, action):
        self.seen.add(self.goal)
        return np.zeros(39), self.goal, False, False, {"success": 0.0}

    def close(self):
        pass


class Ml1:
    """Stands for metaworld.ML1: goals 0 to 49 to train on, 100 to 149 to test on."""

    def __init__(self, name, seed):
        self.train_classes = self.test_classes = {name: Arm}
        self.train_tasks, self.test_tasks = (
            [SimpleNamespace(env_name=name, data=float(first + i)) for i in range(GOALS)] for first in (0, 100)
        )


@pytest.fixture
def stand_in(monkeypatch):
    package, inner = ModuleType("metaworld"), ModuleType("metaworld.sawyer_xyz_env")
    package.ML1 = package.ML10 = package.ML45 = package.Benchmark = Ml1
    inner.SawyerMocapBase = type("SawyerMocapBase", (), {})
    monkeypatch.setitem(sys.modules, "metaworld", package)
    monkeypatch.setitem(sys.modules, "metaworld.sawyer_xyz_env", inner)
    monkeypatch.delitem(sys.modules, ADAPTER, raising=False)
    monkeypatch.setattr(Arm, "seen", set())
    yield
    sys.modules.pop(ADAPTER)  # the next import takes the real package, if there is one


@pytest.mark.usefixtures("eagerly", "stand_in")
def test_training_draws_the_goals_for_training_and_evaluation_those_for_testing():
    train(small(env="ML1ReachEnv", n_itr=2, meta_batch_size=20), verbose=False)
    in_training = set(Arm.seen)
    assert in_training <= set(range(GOALS))
    progress = train(
        small(env="ML1ReachEnv", n_itr=2, meta_batch_size=20, eval_every=1, eval_tasks=10), verbose=False
    ).progress
    evaluated = Arm.seen - in_training
    assert evaluated <= set(range(100, 100 + GOALS))
    assert len(evaluated) > 5
    mean_goal = progress["HeldOut-Step_1-AverageReturn"] / small().max_path_length
    assert mean_goal.between(100, 149).all()
