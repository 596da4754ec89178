"""The two formulations: automatic differentiation against the paper's formulas written by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from experiment_utils.paper.formulations import FORMULATIONS, START, Experiment, Settings, compute, select
from experiment_utils.paper.formulations_plot import best_rates, convergence, trajectory
from experiment_utils.runs.results import InvalidRunError
from experiment_utils.runs.run_dir import RunDir
from experiment_utils.validation import ConfigError

SMALL = Settings(instances=4, trajectories=7, iterations=2)


@pytest.mark.parametrize("clipped", [True, False])
@pytest.mark.parametrize("formulation", FORMULATIONS)
def test_the_packages_meta_gradient_is_the_formula_written_by_hand(formulation, clipped):
    from experiment_utils.paper.hand_gradients import hand_gradient

    experiment = Experiment(formulation, dataclasses.replace(SMALL, clipped=clipped))
    experiment.theta = np.array([0.2, -0.4])
    batches = experiment.sample(np.random.default_rng(0))
    by_hand = hand_gradient(formulation, experiment.theta, SMALL.inner_lr, *batches)
    np.testing.assert_allclose(experiment.meta_gradient(batches), by_hand, rtol=1e-10)


def test_the_formulations_differ_in_the_credit_for_pre_update_behaviour_only():
    """With alpha = 0 nothing is adapted: I is the policy gradient, II has its score term left."""
    settings = dataclasses.replace(SMALL, inner_lr=0.0)
    first, second = (Experiment(formulation, settings) for formulation in FORMULATIONS)
    batches = first.sample(np.random.default_rng(0))
    before, after = batches
    features = np.concatenate([before.observations**2, np.ones_like(before.observations)], axis=-1)
    residuals = before.actions - (features @ first.theta)[..., np.newaxis]
    score = (residuals * features).sum(axis=(1, 2))  # of all N trajectories of an instance, [instances, 2]
    expected = (score * after.advantages[:, :, 0].mean(axis=1)[:, np.newaxis]).mean(axis=0)
    np.testing.assert_allclose(second.meta_gradient(batches) - first.meta_gradient(batches), expected, rtol=1e-10)


def test_half_of_the_instances_have_each_goal_and_rewards_are_the_originals():
    experiment = Experiment("I", SMALL)
    before, _ = experiment.sample(np.random.default_rng(0))
    goals = np.array([-1.0, 1.0, -1.0, 1.0])[:, np.newaxis, np.newaxis]
    actions = before.actions[..., 0]
    returns = np.exp(-0.1 * (actions - goals) ** 2).sum(axis=2)
    np.testing.assert_allclose(before.advantages[:, :, 0], returns, rtol=1e-6)
    np.testing.assert_allclose(before.observations[:, :, 1:, 0], np.clip(actions[:, :, :-1], -2, 2), rtol=1e-6)
    assert np.abs(actions).max() == 2


def test_actions_are_clipped_before_or_after_the_log_probability():
    assert np.abs(Experiment("I", SMALL).sample(np.random.default_rng(0))[0].actions).max() == 2
    unclipped = Experiment("I", dataclasses.replace(SMALL, clipped=False))
    assert np.abs(unclipped.sample(np.random.default_rng(0))[0].actions).max() > 2


def test_updates_climb_by_the_learning_rate_times_the_gradient():
    experiment = Experiment("I", SMALL)
    thetas = experiment.meta_updates(1e-4)
    experiment.theta = np.array(START)
    gradient = experiment.meta_gradient(experiment.sample(np.random.default_rng(SMALL.seed)))
    np.testing.assert_array_equal(thetas[0], START)
    np.testing.assert_allclose(thetas[1], START + 1e-4 * gradient)
    assert len(thetas) == SMALL.iterations + 1


def test_what_is_computed_is_kept_and_a_diverged_run_ends(tmp_path):
    compute(tmp_path, SMALL, [1e-3])
    target = compute(tmp_path, SMALL, [1e-3, 1e3])
    table = pd.read_csv(target)
    assert len(select(table, {"learning_rate": 1e-3, "formulation": "II"})) == SMALL.iterations + 1
    assert len(select(table, {"learning_rate": 1e3, "formulation": "II"})) == 2
    before = target.read_bytes()
    assert compute(tmp_path, SMALL, [1e-3, 1e3]).read_bytes() == before
    results = convergence(table)
    assert results.set_index(["formulation", "learning rate"]).loc[("II", 1e3), "mean distance, last 50 updates"] == np.inf
    assert best_rates(results) == {"I": 1e-3, "II": 1e-3}


def test_what_was_cut_off_is_computed_again_and_the_rest_kept(tmp_path):
    target = compute(tmp_path, SMALL, [1e-3, 1e-4])
    lines = target.read_text().splitlines(keepends=True)
    target.write_text("".join(lines[:-2]))
    assert compute(tmp_path, SMALL, [1e-3, 1e-4]).read_text() == "".join(lines)
    target.write_text("".join(lines)[:-20])  # in the middle of a row
    with pytest.raises(InvalidRunError, match=r"thetas.csv is not what reproduce.py formulations writes"):
        compute(tmp_path, SMALL, [1e-3])
    target.write_text(lines[0])
    with pytest.raises(InvalidRunError, match="has no rows"):
        compute(tmp_path, SMALL, [1e-3])


def test_two_processes_do_not_write_one_table(tmp_path):
    (tmp_path / "formulations").mkdir()
    other = RunDir(tmp_path / "formulations")
    other.lock()
    with pytest.raises(ConfigError, match="is being written by process"):
        compute(tmp_path, SMALL, [1e-3])


def test_convergence_by_hand():
    rows = [("I", 0.1, 0, 3.0, 4.0), ("I", 0.1, 1, 0.0, 4.0), ("I", 0.1, 2, 0.0, 0.5)]
    table = pd.DataFrame(rows, columns=["formulation", "learning_rate", "iteration", "theta_0", "theta_1"]).assign(
        clipped=True
    )
    np.testing.assert_array_equal(trajectory(table, "I", 0.1), [[3, 4], [0, 4], [0, 0.5]])
    row = convergence(table).to_dict("records")[0]
    assert row["distance at the start"] == 5
    assert row["mean distance, last 50 updates"] == pytest.approx((5 + 4 + 0.5) / 3)
    assert row["path length / displacement"] == pytest.approx((3 + 3.5) / np.hypot(3, 3.5))
