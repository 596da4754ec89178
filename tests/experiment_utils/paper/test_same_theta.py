import json
import warnings

import numpy as np
import pandas as pd
import pytest

from experiment_utils.paper import same_theta
from experiment_utils.paper.variance_config import SCRIPTS
from experiment_utils.runs.results import RunDataWarning, load_run
from experiment_utils.runs.run_spec import Run
from tests.experiment_utils.fake_runs import write_run
from tests.experiment_utils.small_runs import SMALL, small, train

SHARED = {**SMALL, "inner_lr": 0.3, "sampling_rounds": 3, "seed": 4}


def write_table(folder, values, seed):
    """What `measure` leaves beside a run of one iteration; cosine distance and relative std of each estimator."""
    run = load_run(write_run(folder, [1.0], seed=seed))
    rows = [
        {"itr": 0, "estimator": name, "iterations": 1, "Meta-GradientCosAbs": cosine, "Meta-GradientRStd": std}
        for name, (cosine, std) in values.items()
    ]
    pd.DataFrame(rows).to_csv(folder / same_theta.TABLE, index=False)
    return run


def test_both_estimators_get_the_runs_settings_and_keep_their_own():
    saved = {**SHARED, "hidden_sizes": [4], "algo": "VPGMAML", "baseline": "ZeroBaseline"}
    lvc, dice = (same_theta.settings_for(name, saved) for name in ("LVC", "DiCE"))
    for config in (lvc, dice):
        assert {name: getattr(config, name) for name in SHARED} == SHARED
    assert (lvc.inner_type, lvc.baseline, dice.baseline) == (
        "likelihood_ratio",
        "LinearFeatureBaseline",
        "LinearTimeBaseline",
    )


@pytest.mark.usefixtures("eagerly")
def test_both_estimators_are_measured_at_each_snapshot_of_a_run(tmp_path, monkeypatch):
    from experiment_utils.algorithm_configs import VPGMAMLConfig

    monkeypatch.setattr(same_theta, "configure_tensorflow", lambda: None)  # only before TensorFlow starts
    config = small(VPGMAMLConfig(inner_type="likelihood_ratio"), n_itr=2)
    train(tmp_path, config)
    params = json.loads((tmp_path / "params.json").read_text())
    params["config"]["sampling_rounds"] = 3
    (tmp_path / "params.json").write_text(json.dumps(params))
    run = Run(SCRIPTS["LVC"], tmp_path, {})
    table = pd.read_csv(same_theta.measure(run))
    assert table.groupby("estimator")["snapshot"].apply(set).to_dict() == {name: {"0", "1", "last"} for name in SCRIPTS}
    assert (table["iterations"] == 2).all()
    of_lvc, of_dice = (table[table["estimator"] == name]["Meta-GradientRStd"].to_numpy() for name in SCRIPTS)
    assert (of_lvc != of_dice).all()
    before = (tmp_path / same_theta.TABLE).stat().st_mtime_ns
    assert same_theta.measure(run).stat().st_mtime_ns == before  # nothing is measured twice


def test_the_table_pairs_the_estimators_theta_by_theta(tmp_path):
    runs = [
        write_table(tmp_path / "a", {"LVC": (0.1, 5.0), "DiCE": (0.4, 7.0)}, seed=1),
        write_table(tmp_path / "b", {"LVC": (0.3, 9.0), "DiCE": (0.6, 3.0)}, seed=2),
    ]
    (row,) = same_theta.same_theta_table({"LVC": runs}).to_dict("records")
    assert (row["theta of"], row["iteration"], row["thetas"]) == ("LVC", 0, 2)
    np.testing.assert_allclose((row["cosine distance, LVC"], row["cosine distance, DiCE"]), (0.2, 0.5))
    assert (row["cosine distance smaller for LVC"], row["relative std smaller for LVC"]) == ("2 of 2", "1 of 2")


def test_a_broken_table_is_named_and_left_out(tmp_path):
    run = write_table(tmp_path, {"LVC": (0.1, 5.0), "DiCE": (0.4, 7.0)}, seed=1)
    for text in ("", "itr,estimator\n", "\x00", "estimator\nLVC\nDiCE\n"):
        (tmp_path / same_theta.TABLE).write_text(text)
        with pytest.warns(RunDataWarning, match="can't be read as measurements"):
            assert same_theta.same_theta_table({"LVC": [run]}).empty
    (tmp_path / same_theta.TABLE).unlink()
    with warnings.catch_warnings(action="error"):
        assert same_theta.same_theta_table({"LVC": [run]}).empty
