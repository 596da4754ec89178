"""The statistics of figure 3 by hand and by a second formula; the experiment end to end."""

import dataclasses
import json
import math
import runpy
import statistics
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from experiment_utils.algorithms import paper_name
from experiment_utils.paper.figure3 import BUDGETS, SCRIPTS, Variant, runs
from experiment_utils.paper.variance_config import DiCEVarianceConfig, LVCVarianceConfig
from experiment_utils.runs.run_spec import as_flags
from experiment_utils.validation import ConfigError


def test_meta_gradient_statistics_by_hand():
    from experiment_utils.paper.gradient_variance import meta_gradient_statistics

    # coordinate 0: 1 and 3, mean 2, deviation 1; coordinate 1: -4 and -4, mean -4, deviation 0
    result = meta_gradient_statistics(np.array([[1.0, -4.0], [3.0, -4.0]]))
    assert result["Meta-GradientMean"] == 3
    assert result["Meta-GradientStd"] == 0.5
    assert result["Meta-GradientRStd"] == pytest.approx(0.25, rel=1e-7)
    assert result["Meta-GradientRVariance"] == pytest.approx(0.25, rel=1e-7)
    # cosines to the mean (2, -4): (2 + 16) / sqrt(17 * 20) and (6 + 16) / sqrt(25 * 20)
    distances = [1 - 18 / math.sqrt(340), 1 - 22 / math.sqrt(500)]
    assert result["Meta-GradientCosAbs"] == pytest.approx(sum(distances) / 2)
    assert result["Meta-GradientCosVar"] == pytest.approx((distances[0] ** 2 + distances[1] ** 2) / 2)
    assert result["Meta-GradientCosStd"] == pytest.approx(math.sqrt((distances[0] ** 2 + distances[1] ** 2) / 2))


def test_a_gradient_of_0_counts_as_orthogonal():
    from experiment_utils.paper.gradient_variance import STATISTICS, gradient_statistics

    zero = np.zeros(2), np.zeros((1, 2))
    assert gradient_statistics([zero, zero]) == {name: 1.0 if "Cos" in name else 0.0 for name in STATISTICS}
    other = np.array([3.0, 4.0]), np.array([[3.0, 4.0]])
    assert gradient_statistics([zero, other])["Meta-GradientCosAbs"] == 0.5  # of 1 and 0


def test_inner_gradient_statistics_by_hand():
    from experiment_utils.paper.gradient_variance import inner_gradient_statistics

    # task 0: 1 and 3 (mean 2, deviation 1); task 1: -2 and -8 (mean -5, deviation 3)
    result = inner_gradient_statistics(np.array([[[1.0], [-2.0]], [[3.0], [-8.0]]]))
    assert result == {"Step_0-GradientMean": 3.5, "Step_0-GradientStd": 2, "Step_0-GradientRStd": pytest.approx(0.55)}


def test_statistics_agree_with_pythons_own():
    from experiment_utils.paper.gradient_variance import inner_gradient_statistics, meta_gradient_statistics

    gradients = np.random.default_rng(0).normal(size=(6, 5))
    columns = [list(map(float, column)) for column in gradients.T]
    means, deviations = [abs(statistics.fmean(c)) for c in columns], [statistics.pstdev(c) for c in columns]
    meta, inner = meta_gradient_statistics(gradients), inner_gradient_statistics(gradients[:, np.newaxis])
    ratios = [d / (m + 1e-8) for d, m in zip(deviations, means, strict=True)]
    assert meta["Meta-GradientRStd"] == pytest.approx(statistics.fmean(ratios), rel=1e-12)
    squares = [d**2 / (m + 1e-8) for d, m in zip(deviations, means, strict=True)]
    assert meta["Meta-GradientRVariance"] == pytest.approx(statistics.fmean(squares), rel=1e-12)
    assert inner["Step_0-GradientStd"] == meta["Meta-GradientStd"] == pytest.approx(statistics.fmean(deviations))
    assert inner["Step_0-GradientRStd"] == pytest.approx(meta["Meta-GradientRStd"], rel=1e-6)


def test_flat_gradients_are_in_the_order_of_their_names():
    from experiment_utils.paper.gradient_variance import flat

    gradient = {"b": np.array([[3.0], [4.0]]), "a": np.array([[1.0, 2.0], [5.0, 6.0]])}
    np.testing.assert_array_equal(flat(gradient), [1, 2, 5, 6, 3, 4])
    np.testing.assert_array_equal(flat(gradient, tasks=True), [[1, 2, 3], [5, 6, 4]])


def test_the_configs_are_those_of_the_algorithms_and_more():
    assert DiCEVarianceConfig().baseline == "LinearTimeBaseline"
    assert paper_name({"algo": DiCEVarianceConfig().algo}) == "DiCE"
    lvc = LVCVarianceConfig(inner_type="likelihood_ratio")
    assert paper_name({"algo": lvc.algo, "inner_type": lvc.inner_type, "exploration": lvc.exploration}) == "LVC-VPG"
    assert (lvc.sampling_rounds, lvc.measure_every, lvc.round_tasks) == (20, 1, "same")
    for bad in ({"sampling_rounds": 1}, {"measure_every": 0}, {"round_tasks": "other"}):
        with pytest.raises(ConfigError):
            LVCVarianceConfig(**bad)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize(
    ("name", "env", "round_tasks"),
    [("LVC", "MetaPointEnv", "previous"), ("LVC", "HopperRandParamsEnv", "same"), ("DiCE", "MetaPointEnv", "same")],
)
def test_the_trainer_trains_what_is_measured(name, env, round_tasks):
    from meta_policy_search.meta_trainer import MetaTrainer

    script, settings = runpy.run_path(str(SCRIPTS[name])), {**BUDGETS["smoke"], "env": env, "round_tasks": round_tasks}
    config, rng = dataclasses.replace(script["DEFAULTS"], **settings), np.random.default_rng(1)
    components, log = script["build"](config, rng), []
    theta = {key: value.numpy() for key, value in components.algo.theta.items()}
    MetaTrainer(*components, rng=rng, n_itr=3).train(lambda itr, metrics: log.append(metrics))
    components.sampler.envs.close()
    measured = [row["Meta-GradientRStd"] for row in log]
    assert 0 < measured[0] == measured[1] != measured[2] > 0
    assert all((value.numpy() != theta[key]).any() for key, value in components.algo.theta.items())


def train(folder, name, *, n_itr, **settings):
    settings = {**BUDGETS["smoke"], "n_itr": n_itr, **settings}
    flags = [word for key, value in settings.items() for word in as_flags(key, value)]
    command = [sys.executable, str(SCRIPTS[name]), "--resume_or_start", "--dump_path", str(folder), *flags]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    table = pd.read_csv(folder / "progress.csv")
    return table[[column for column in table if "Time" not in column]]


@pytest.mark.slow
@pytest.mark.long
def test_a_resumed_measurement_gives_the_same_numbers(tmp_path):
    whole = train(tmp_path / "whole", "LVC", n_itr=3, round_tasks="previous")
    train(tmp_path / "cut", "LVC", n_itr=1, round_tasks="previous")
    pd.testing.assert_frame_equal(whole, train(tmp_path / "cut", "LVC", n_itr=3, round_tasks="previous"))
    variation = whole["Meta-GradientRStd"]
    assert variation[0] == variation[1] != variation[2]  # measured in every second iteration
    assert (variation > 0).all()
    assert json.loads((tmp_path / "cut" / "params.json").read_text())["config"]["round_tasks"] == "previous"


@pytest.mark.slow
@pytest.mark.long
def test_settings_of_the_measurement_change_it(tmp_path):
    base = train(tmp_path / "base", "LVC", n_itr=2, measure_every=1)
    others = {
        "tasks": train(tmp_path / "tasks", "LVC", n_itr=2, measure_every=1, round_tasks="previous"),
        "rounds": train(tmp_path / "rounds", "LVC", n_itr=2, measure_every=1, sampling_rounds=4),
    }
    for other in others.values():
        assert other["Meta-GradientRStd"][0] != base["Meta-GradientRStd"][0]


def test_the_papers_runs_have_the_originals_settings(tmp_path):
    paper = runs(tmp_path, Variant("paper"))
    assert [run.settings["seed"] for run in paper[:5]] == [22, 35, 76, 34, 92]
    wanted = {
        "n_itr": 301,
        "meta_batch_size": 20,
        "rollouts_per_meta_task": 40,
        "sampling_rounds": 20,
        "round_tasks": "same",
    }
    assert all(wanted.items() <= run.settings.items() for run in paper)
    assert {run.folder.parent.name for run in paper} == {"LVC", "DiCE"}
