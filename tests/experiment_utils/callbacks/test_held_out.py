"""Evaluation on tasks that training never draws."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from experiment_utils import ConfigError, load_trained, train
from experiment_utils.callbacks.held_out import HELD_OUT_STREAM
from experiment_utils.environments import make_env, make_held_out_env
from meta_policy_search.policies.base import stack_params
from meta_policy_search.samplers.meta_sample_processor import task_returns
from meta_policy_search.utils.snapshots import load_snapshot
from tests.experiment_utils.small_runs import small

pytestmark = pytest.mark.usefixtures("eagerly")
CONFIG = small(n_itr=4, eval_every=2, eval_tasks=2, learning_rate=0.05, trainable_inner_step_size=True, snapshot_every=2)


@pytest.fixture
def run(eagerly, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    return folder, train(CONFIG, folder=folder, verbose=False)


def held_out(progress: pd.DataFrame, step: int) -> np.ndarray:
    return progress[f"HeldOut-Step_{step}-AverageReturn"].to_numpy()


def test_the_returns_are_those_of_the_theta_that_the_iteration_began_with(run):
    folder, trained = run
    for itr in (0, 2):
        policy = load_trained(folder, itr)
        tasks = make_env(CONFIG).sample_tasks(2, np.random.default_rng((CONFIG.seed, HELD_OUT_STREAM)))
        rng = np.random.default_rng((CONFIG.seed, HELD_OUT_STREAM, itr))
        with policy.tester(tasks) as tester:
            rounds = tester.rounds(stack_params(policy.components.algo.policy.theta, 2), 1, rng)
            returns = [np.concatenate(task_returns(one.trajectories)).mean() for one in rounds]
        assert [held_out(trained.progress, step)[itr] for step in (0, 1)] == returns


def test_rows_between_have_no_number_and_the_best_policy_is_chosen_by_it(run):
    folder, trained = run
    after = held_out(trained.progress, 1)
    assert np.isnan(after).tolist() == [False, True, False, True]
    best = load_snapshot(folder / "policies", "best", trained.components.algo.theta)
    assert best.itr == int(np.nanargmax(after))


def test_training_is_the_same_without_it(run):
    _, trained = run
    plain = train(small(n_itr=4, learning_rate=0.05, trainable_inner_step_size=True), verbose=False)
    columns = [name for name in plain.progress if "Time" not in name]
    pd.testing.assert_frame_equal(trained.progress[columns], plain.progress[columns], check_exact=True)


def test_a_resumed_run_evaluates_the_same(run, tmp_path):
    _, trained = run
    train(small(**{**vars(CONFIG), "n_itr": 1}), folder=tmp_path, verbose=False)
    resumed = train(CONFIG, folder=tmp_path, resume=True, verbose=False)
    for step in (0, 1):
        np.testing.assert_array_equal(held_out(resumed.progress, step), held_out(trained.progress, step))


def test_families_say_how_to_split():
    grid = small(env="GridNavigationEnv", env_options={"split": "train"})
    rng = np.random.default_rng(0)
    draws = [{tuple(task) for task in env.sample_tasks(2000, rng)} for env in (make_env(grid), make_held_out_env(grid))]
    assert [len(draw) for draw in draws] == [18, 6]
    assert draws[0].isdisjoint(draws[1])
    for env in ("HalfCheetahRandDirecEnv", "MetaPointEnvCorner", "GridNavigationEnv"):
        with pytest.raises(ConfigError, match=f"{env} has no held-out tasks"):
            make_held_out_env(small(env=env))


def test_ml1_is_tested_on_the_goals_of_meta_world_that_are_for_testing():
    pytest.importorskip("metaworld")
    config = small(env="ML1ReachEnv")
    train_goals, test_goals = (
        {goal.data for goal in env.env._single.env.unwrapped.goals["reach-v3"]}
        for env in (make_env(config), make_held_out_env(config))
    )
    assert len(train_goals) == len(test_goals) == 50
    assert train_goals.isdisjoint(test_goals)


def test_a_fixed_set_of_tasks_holds_all_others_out(tmp_path):
    config = small(env="MetaPointEnvCorner", train_tasks=3, n_itr=2, eval_every=1, eval_tasks=2)
    trained = train(config, folder=tmp_path, verbose=False)
    known = {tuple(task) for task in trained.components.sampler.task_source.tasks}
    assert len(known) == 3
    assert {tuple(task) for task in trained.sample_tasks(30, np.random.default_rng(0))} == known
    (other,) = {tuple(task) for task in make_env(config).sample_tasks(100, np.random.default_rng(0))} - known
    assert (
        trained.drawn_in_training([np.array(other), *trained.components.sampler.task_source.tasks]) == [False] + [True] * 3
    )
    loaded = load_trained(tmp_path, held_out=True)
    assert {tuple(goal) for goal in loaded.sample_tasks(5, np.random.default_rng(0))} == {other}
    assert np.isfinite(held_out(trained.progress, 1)).all()


def test_a_family_without_held_out_tasks_is_refused_before_tensorflow_is_loaded(tmp_path):
    code = (
        "import sys; from experiment_utils import ConfigError, ProMPConfig; from experiment_utils.train_args import parse\n"
        "try: parse(ProMPConfig(), '', ['--eval_every', '5'])\n"
        "except ConfigError as error: print(error, 'tensorflow' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    what = "HalfCheetahRandDirecEnv has no held-out tasks: training draws all that there are, or its class has no"
    assert found.stdout.startswith(what)
    assert found.stdout.endswith("False\n")
    assert not list(tmp_path.iterdir())
