"""Where the tasks of training come from."""

import json

import numpy as np
import pytest

from experiment_utils.builders import make_task_source
from experiment_utils.environments import make_env
from experiment_utils.validation import ConfigError
from meta_policy_search.envs.base import SimulationError
from meta_policy_search.envs.task_values import task_key
from meta_policy_search.samplers.task_source import Curriculum, FixedTasks, OtherTasks, TaskSource
from tests.experiment_utils.small_runs import make_trainer, small
from tests.samplers.countdown_env import CountdownEnv


def tasks_of(source, n_tasks=50, seed=0, env=None):
    return list(source.sample_tasks(env or CountdownEnv(longest=9), n_tasks, np.random.default_rng(seed)))


def test_the_base_draws_what_the_family_draws():
    drawn = CountdownEnv(longest=9).sample_tasks(50, np.random.default_rng(0))
    np.testing.assert_array_equal(tasks_of(TaskSource()), drawn)


def test_a_fixed_set_has_different_tasks_and_each_comes_once_before_any_comes_again():
    source = FixedTasks.drawn(CountdownEnv(longest=9), 4, np.random.default_rng(0))
    assert len(set(source.tasks)) == 4
    drawn = tasks_of(source, 10)
    assert sorted(drawn[:4]) == sorted(drawn[4:8]) == sorted(source.tasks)
    assert tasks_of(source, 4, seed=1) != drawn[:4]


def test_all_others_are_held_out():
    source = FixedTasks.drawn(CountdownEnv(longest=9), 4, np.random.default_rng(0))
    assert set(tasks_of(source.held_out(), 200)) == set(range(1, 10)) - set(source.tasks)


def test_where_there_are_no_such_tasks_it_is_said():
    with pytest.raises(SimulationError, match="10000 draws of CountdownEnv gave 9 tasks that differ"):
        FixedTasks.drawn(CountdownEnv(longest=9), 10, np.random.default_rng(0))
    with pytest.raises(SimulationError, match="gave 0 tasks that training doesn't draw"):
        tasks_of(OtherTasks(range(1, 10)), 2)
    with pytest.raises(ValueError, match="at least one task"):
        FixedTasks([])
    with pytest.raises(ValueError, match="at least one level"):
        Curriculum(float, levels=(), promote_at=0.0)
    with pytest.raises(SimulationError, match=r"gave 0 tasks up to difficulty 0\.5"):
        tasks_of(Curriculum(float, levels=(0.5,), promote_at=0.0))
    with pytest.raises(ConfigError, match="train_tasks is 5: 5000 draws of MetaPointEnvCorner gave 4 tasks that differ"):
        make_task_source(small(env="MetaPointEnvCorner", train_tasks=5), make_env(small(env="MetaPointEnvCorner")))


def test_a_curriculum_rises_when_its_tasks_are_solved_and_stays_at_the_last_level():
    source = Curriculum(float, levels=(2, 5, 9), promote_at=3.0)
    for returns, level, hardest in (([], 0, 2), ([2.0, 3.0], 0, 2), ([np.nan, 4.0], 1, 5), ([9.0], 2, 9), ([9.0], 2, 9)):
        source.observe([], np.array(returns))
        assert source.metrics() == {"CurriculumLevel": level}
        assert set(tasks_of(source, 300)) == set(range(1, hardest + 1))


def test_the_level_of_a_curriculum_is_restored_and_checked():
    source = Curriculum(float, levels=(2, 5), promote_at=3.0)
    source.observe([], np.array([3.0]))
    again = Curriculum(float, levels=(2, 5), promote_at=3.0)
    again.restore(json.loads(json.dumps(source.state())))
    assert again.level == 1
    for state in ({"level": 2}, {"level": True}, {"level": -1}):
        with pytest.raises(ValueError, match=r"the level .* of the curriculum is none of 2"):
            again.restore(state)


def trained(folder, n_itr, source=None):
    """A trainer after so many iterations, resumed if there is a checkpoint, and the rows and tasks of its iterations."""
    trainer = make_trainer(folder, small(n_itr=n_itr))
    if source is not None:
        trainer.sampler.task_source = source
    trainer.checkpoints.restore_latest(trainer.restore)
    rows, tasks = [], []

    def log(itr, metrics):
        rows.append({name: value for name, value in metrics.items() if "Time" not in name})
        tasks.append([task_key(task) for task in trainer.sampler.tasks])

    trainer.train(log)
    return trainer, rows, tasks


@pytest.mark.usefixtures("eagerly")
def test_a_run_with_a_curriculum_resumes_exactly(tmp_path):
    def curriculum():
        return Curriculum(lambda goal: goal[0], levels=(0, 9), promote_at=-1e9)

    whole, rows, tasks = trained(tmp_path / "whole", 3, curriculum())
    _, first, begun = trained(tmp_path / "resumed", 1, curriculum())
    resumed, second, rest = trained(tmp_path / "resumed", 3, curriculum())
    assert first + second == rows
    assert begun + rest == tasks
    assert [row["CurriculumLevel"] for row in rows] == [0, 1, 1]
    assert resumed.state()["task_source"] == whole.state()["task_source"] == {"level": 1}


@pytest.mark.usefixtures("eagerly")
def test_an_iteration_that_fails_takes_the_level_back(tmp_path):
    trainer = make_trainer(tmp_path, small(n_itr=2))
    trainer.sampler.task_source = Curriculum(lambda goal: goal[0], levels=(0, 9), promote_at=-1e9)

    def log(itr, metrics):
        raise RuntimeError("no room")

    with pytest.raises(RuntimeError, match="no room"):
        trainer.train(log)
    assert trainer.sampler.task_source.level == 0
