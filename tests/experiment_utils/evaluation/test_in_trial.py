"""A policy with a memory in use: the returns of a trial's rollouts, and what it has no meaning for."""

import numpy as np
import pandas as pd
import pytest

from experiment_utils.algorithm_configs import RL2Config
from experiment_utils.commands import meta_test, visualize
from experiment_utils.evaluation.k_shot import META, RANDOM, Shot, compare
from experiment_utils.evaluation.k_shot_plot import trial_figure
from experiment_utils.evaluation.trained_policy import load_trained
from tests.experiment_utils.small_runs import small, untrained


@pytest.fixture
def run(tmp_path):
    """The folder of an untrained run of RL2, trials of 3 rollouts."""
    config = small(RL2Config(), rollouts_per_meta_task=6, rollouts_per_trial=3, memory_size=4, env="MetaPointEnvMomentum")
    untrained(tmp_path / "run", config)
    return tmp_path / "run"


def test_a_shot_has_the_returns_of_all_trials_after_as_many_rollouts(run):
    trained, rng = load_trained(run), np.random.default_rng(0)
    assert trained.has_memory
    shots = compare(trained, trained.sample_tasks(2, rng), 1, 6, rng)
    assert list(shots) == [META, RANDOM]
    assert [(shot.steps, shot.rollouts) for shot in shots[META]] == [(0, 0), (0, 1), (0, 2)]
    assert all([len(returns) for returns in shot.returns] == [2, 2] for shot in shots[META])  # 6 rollouts, 3 in a trial


def test_the_shots_of_a_trial_are_in_its_order(run):
    trained, rng = load_trained(run), np.random.default_rng(0)
    tasks = trained.sample_tasks(2, rng)
    state = rng.bit_generator.state
    policy = trained.components.algo.policy
    policy.init_params(rng)
    with trained.tester(tasks, 3) as tester:
        trajectories, _ = tester.sampler.obtain_samples(policy.stacked_theta(2), rng)
    rng.bit_generator.state = state
    for shot in compare(trained, tasks, 1, 3, rng)[META]:
        part = slice(6 * shot.rollouts, 6 * shot.rollouts + 6)  # an episode has 6 steps
        expected = trajectories.rewards[:, :, part].sum(axis=2)
        np.testing.assert_allclose(np.stack(shot.returns), expected)


def test_meta_test_writes_a_row_for_each_number_of_rollouts_in_memory(run, capsys):
    assert meta_test.main([str(run), "--num_tasks", "3", "--rollouts", "6"]) == 0
    table = pd.read_csv(run / "meta_test" / "k_shot.csv")
    assert table.query("policy == 'meta-policy'")["rollouts"].tolist() == [0, 1, 2]
    assert (run / "meta_test" / "k_shot.png").stat().st_size > 0


@pytest.mark.parametrize(
    ("command", "flags", "words"),
    [
        (meta_test, ["--rollouts", "7"], "7 rollouts are no whole number of trials; RL2 has 3 in each"),
        (meta_test, ["--steps", "1"], "--steps has no effect on a policy that adapts by its memory"),
        (visualize, [], "the policy adapts by its memory, and a film shows one before and after adaptation"),
    ],
)
def test_what_has_no_meaning_for_a_memory_is_refused_in_a_sentence(run, capsys, command, flags, words):
    assert command.main([str(run), *flags]) == 2
    assert words in " ".join(capsys.readouterr().err.split())


def test_the_figure_has_the_mean_of_each_shot():
    shots = [Shot(0, seen, [np.array([seen + 1.0]), np.array([seen + 3.0])]) for seen in range(3)]
    (axes,) = trial_figure({META: shots, RANDOM: shots}, "RL2", "RL2").axes
    mean = next(line for line in axes.lines if line.get_label() == META)
    np.testing.assert_allclose(mean.get_ydata(), [2, 3, 4])
    np.testing.assert_array_equal(mean.get_xdata(), [0, 1, 2])
