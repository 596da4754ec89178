"""What the k-shot test measures is what training logs."""

import dataclasses

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from experiment_utils.algorithm_configs import DICEMAMLConfig, ProMPConfig
from experiment_utils.algorithms import algorithm
from experiment_utils.evaluation.k_shot import (
    META,
    RANDOM,
    Shot,
    compare,
    mean_interval,
    overall_table,
    rollouts_that_fit,
    task_table,
)
from experiment_utils.evaluation.k_shot_plot import k_shot_figure
from experiment_utils.evaluation.trained_policy import TrainedPolicy, load_trained
from meta_policy_search.envs.grid_envs.grid_navigation import GridNavigationEnv
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.types import Params, Samples
from tests.experiment_utils.small_runs import small, train, untrained

pytestmark = pytest.mark.usefixtures("eagerly")

# the goals of all tasks are equally far away, so that returns hardly vary between tasks
CORNER = {"env": "MetaPointEnvCorner", "env_options": {"reward_type": "dense"}, "inner_lr": 1.0, "num_inner_grad_steps": 2}
CORNER |= {"meta_batch_size": 40, "rollouts_per_meta_task": 20, "max_path_length": 20, "n_itr": 2}
CONFIGS = {
    "ProMP": small(**CORNER),
    "DiCE": small(DICEMAMLConfig(), **CORNER),
    "categorical": small(**{**CORNER, "env": "GridNavigationEnv"}),
}
SIGNIFICANT = 4.0  # combined standard errors


@pytest.fixture(scope="module")
def trained_runs(tmp_path_factory):
    """Rows of progress.csv, and the run's directory, of each kind of run as it is asked for."""
    made = {}

    def make(name):
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            made[name] = train(folder, CONFIGS[name]), folder
        return made[name]

    return make


def deviations(trained: TrainedPolicy, row: dict[str, float]) -> np.ndarray:
    """Return after 0 .. K steps minus the one in the log, in combined standard errors, [K + 1]."""
    config, rng = trained.config, np.random.default_rng((trained.config.seed, 1))
    tasks = trained.sample_tasks(config.meta_batch_size, rng)
    shots = compare(trained, tasks, config.num_inner_grad_steps, config.rollouts_per_meta_task, rng)[META]
    table = overall_table({META: [shot for shot in shots if shot.rollouts == config.rollouts_per_meta_task]})
    logged = np.array([row[f"Step_{step}-AverageReturn"] for step in table["steps"]])
    error = (table["95 % high"] - table["return"]) / scipy.stats.t.ppf(0.975, len(tasks) - 1)
    return ((table["return"] - logged) / (np.sqrt(2) * error)).to_numpy()  # the log's rows are of as many tasks


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_returns_agree_with_the_runs_own_of_that_iteration(trained_runs, name):
    rows, folder = trained_runs(name)
    found = deviations(load_trained(folder, 1), rows[1])
    assert found.shape == (3,)
    assert (np.abs(found) < SIGNIFICANT).all()


@pytest.mark.slow
def test_half_the_step_size_would_not_agree(trained_runs):
    rows, folder = trained_runs("ProMP")
    trained = load_trained(folder, 1)
    trained.components.algo.inner_lr *= 0.5
    found = deviations(trained, rows[1])
    assert abs(found[0]) < SIGNIFICANT
    assert (found[1:] < -SIGNIFICANT).all()


@pytest.mark.slow
def test_adam_in_place_of_the_gradient_step_as_in_the_original_would_not_agree(trained_runs, monkeypatch):
    """Adam's first step moves every parameter by the step size, whatever the gradient is."""
    adapt = ProMP.adapt

    def adam(self: ProMP, params: Params, samples: Samples, step: int) -> Params:
        after = adapt(self, params, samples, step)
        return {name: params[name] + self.inner_lr * tf.sign(after[name] - params[name]) for name in params}

    monkeypatch.setattr(ProMP, "adapt", adam)
    rows, folder = trained_runs("ProMP")
    assert (np.abs(deviations(load_trained(folder, 1), rows[1]))[1:] > SIGNIFICANT).all()


def test_every_step_and_every_number_of_rollouts_is_measured_by_all_rollouts_in_the_same_tasks(tmp_path):
    config = small(ProMPConfig())
    untrained(tmp_path, config)
    trained, rng = load_trained(tmp_path), np.random.default_rng(0)
    tasks = trained.sample_tasks(4, rng)
    results = compare(trained, tasks, steps=3, rollouts=7, rng=rng)
    assert list(results) == [META, RANDOM]
    for shots in results.values():
        assert [(shot.steps, shot.rollouts) for shot in shots] == [(0, 7), (1, 7), (2, 7), (3, 7), (1, 1), (1, 2), (1, 5)]
        assert all(len(shot.returns) == 4 and all(len(returns) >= 7 for returns in shot.returns) for shot in shots)
    assert len(overall_table(results)) == 2 * 7
    by_task = task_table(results, tasks)
    assert len(by_task) == 2 * 7 * 4
    first = by_task[(by_task["policy"] == META) & (by_task["task"] == 2)].iloc[0]
    assert first["return"] == pytest.approx(results[META][0].returns[2].mean())


def test_where_the_family_knows_of_success_its_rate_is_a_column(tmp_path, monkeypatch):
    untrained(tmp_path, small(ProMPConfig(), env="GridNavigationEnv"))
    trained, rng = load_trained(tmp_path), np.random.default_rng(0)
    tasks = trained.sample_tasks(3, rng)
    plain = compare(trained, tasks, steps=1, rollouts=2, rng=rng)
    assert "SuccessRate" not in {*overall_table(plain), *task_table(plain, tasks)}

    def diagnostics(self, trajectories):
        return {"SuccessRate": float(trajectories.rewards.sum()), "OwnSuccessRate": 0.5, "AvgSpeed": 1.0}

    monkeypatch.setattr(GridNavigationEnv, "diagnostics", diagnostics)
    results = compare(trained, tasks, steps=1, rollouts=2, rng=rng)
    overall, by_task = overall_table(results), task_table(results, tasks)
    assert (overall["OwnSuccessRate"] == 0.5).all()
    assert "AvgSpeed" not in overall
    shot = (by_task["policy"] == META) & (by_task["steps"] == 0)
    assert by_task[shot]["SuccessRate"].sum() == pytest.approx(overall["SuccessRate"][0])
    assert by_task[shot]["SuccessRate"].nunique() > 1


def test_the_interval_is_students_where_groups_are_equal():
    values = np.random.default_rng(0).normal(size=(8, 5))
    mean, low, high = mean_interval(list(values))
    means = values.mean(axis=1)
    expected = scipy.stats.t.interval(0.95, 7, means.mean(), scipy.stats.sem(means))
    np.testing.assert_allclose((mean, low, high), (values.mean(), *expected))


def test_the_interval_covers_the_mean_over_episodes_where_groups_are_unequal():
    """Tasks whose episodes end early have more of them, and other returns: the log's mean is over episodes."""
    sizes = np.arange(1, 10)
    rng, mean_over_episodes, covered = np.random.default_rng(0), (sizes**2).sum() / sizes.sum(), 0
    for _ in range(400):
        groups = [size + rng.normal() + rng.normal(size=size) for size in rng.choice(sizes, 40)]
        _, low, high = mean_interval(groups)
        covered += low < mean_over_episodes < high
    assert 0.9 < covered / 400 < 0.99


def test_one_group_has_no_interval():
    mean, low, high = mean_interval([np.array([1.0, 3.0])])
    assert mean == 2.0
    assert np.isnan([low, high]).all()


def test_the_figure_shows_both_policies_against_steps_and_against_rollouts():
    shots = [
        Shot(steps, rollouts, [np.array([steps + 0.0, 2.0])] * 3) for steps, rollouts in ((0, 5), (1, 5), (2, 5), (1, 2))
    ]
    figure = k_shot_figure({META: shots, RANDOM: shots}, "title", "LVC-VPG")
    explained = [text.get_text() for text in figure.legends[0].get_texts()]
    assert explained[-2:] == ["meta-policy, single tasks", "95 % interval over tasks"]
    left, right = figure.axes
    assert {line.get_color() for line in left.lines if line.get_label() == META} == {algorithm("LVC-VPG").colour}
    for policy in (META, RANDOM):
        lines = {line.get_label(): line.get_xydata().tolist() for line in left.lines}
        assert lines[policy] == [[0, 1], [1, 1.5], [2, 2]]
        lines = {line.get_label(): line.get_xydata().tolist() for line in right.lines}
        assert lines[policy] == [[2, 1.5], [5, 1.5]]
        assert lines[f"{policy}, not adapted"] == [[0, 1], [1, 1]]


def test_the_figure_shades_numbers_of_rollouts_from_which_the_baseline_fits_noise():
    shots = [Shot(steps, rollouts, [np.ones(2)] * 3) for steps, rollouts in ((0, 10), (1, 10), (1, 1), (1, 2), (1, 5))]
    for fit_from, shaded in ((1, 0), (3, 1)):
        figure = k_shot_figure({META: shots}, "title", "ProMP", fit_from)
        explained = [text.get_text() for text in figure.legends[0].get_texts()]
        assert explained.count("under 3 rollouts: advantages are noise") == shaded
    _, right = figure.axes
    (patch,) = [patch for patch in right.patches if "rollouts" in patch.get_label()]
    assert patch.get_extents().transformed(right.transData.inverted()).intervalx == pytest.approx([1, 3])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"max_path_length": 3}, 3),  # 2 * 2 + 4 features
        ({"max_path_length": 8}, 1),
        ({"max_path_length": 3, "baseline": "LinearTimeBaseline"}, 2),
        ({"max_path_length": 3, "baseline": "ZeroBaseline"}, 1),
    ],
)
def test_enough_rollouts_have_as_many_steps_as_the_baseline_has_features(tmp_path, settings, expected):
    untrained(tmp_path, small(**settings))
    assert rollouts_that_fit(load_trained(tmp_path)) == expected


def test_a_processor_without_a_baseline_fits_no_noise(tmp_path):
    class OwnProcessor:
        def process_samples(self, trajectories):
            raise NotImplementedError

    untrained(tmp_path, small(max_path_length=3))
    trained = load_trained(tmp_path)
    own = dataclasses.replace(trained, components=trained.components._replace(sample_processor=OwnProcessor()))
    assert rollouts_that_fit(own) == 1


def test_the_trained_policys_config_is_the_runs(tmp_path):
    config = small(env_options={"reward_type": "sparse"})
    untrained(tmp_path, config)
    assert load_trained(tmp_path, parallel=True).config == dataclasses.replace(config, parallel=False)
