"""Early stopping, the log of tasks, and other optimisers, as flags ask for them."""

import json
import types

import keras
import numpy as np
import pytest

from experiment_utils import ConfigError, train
from experiment_utils.builders import make_optimizer
from experiment_utils.callbacks.early_stopping import EarlyStopping
from tests.experiment_utils.small_runs import small

pytestmark = pytest.mark.usefixtures("eagerly")


def stopped_at(values, patience, resume_at=None):
    """The iteration after which training is stopped."""
    callback, trainer = EarlyStopping(patience), types.SimpleNamespace(best_metric="return", stop_training=False)
    for iteration, value in enumerate(values):
        if iteration == resume_at:
            state, callback = json.loads(json.dumps(callback.state())), EarlyStopping(patience)
            callback.restore(state)
        callback.on_iteration(trainer, iteration, {"return": value})
        if trainer.stop_training:
            return iteration
    return None


@pytest.mark.parametrize("resume_at", [None, 1, 3])
def test_it_stops_after_so_many_iterations_without_a_better_return(resume_at):
    nan = float("nan")
    assert stopped_at([0, 1, 0.5, 1, 2, 0], 2, resume_at) == 3
    assert stopped_at([0, nan, 0.5, nan, 2, nan, nan], 2, resume_at) == 6
    assert stopped_at([0, 1, 2, 3, 4], 1, resume_at) is None


def test_a_run_that_was_stopped_is_short_and_stays_so(tmp_path):
    config = small(n_itr=30, early_stopping=1, learning_rate=1e-6)
    trained = train(config, folder=tmp_path, verbose=False)
    assert trained.itr == len(trained.progress) < 30
    assert train(config, folder=tmp_path, resume=True, verbose=False).itr == trained.itr


def test_the_log_of_tasks_has_a_line_for_each_and_is_cut_when_resumed(tmp_path):
    train(small(n_itr=3, task_log=True), folder=tmp_path / "whole", verbose=False)
    train(small(n_itr=2, task_log=True), folder=tmp_path / "resumed", verbose=False)
    with (tmp_path / "resumed" / "tasks.jsonl").open("a") as file:
        file.write('{"itr": 2, "slot": 0}\n{"itr"')
    trained = train(small(n_itr=3, task_log=True), folder=tmp_path / "resumed", resume=True, verbose=False)
    texts = [(tmp_path / name / "tasks.jsonl").read_text() for name in ("whole", "resumed")]
    assert texts[0] == texts[1]
    lines = [json.loads(line) for line in texts[0].splitlines()]
    assert [(line["itr"], line["slot"]) for line in lines] == [(itr, slot) for itr in range(3) for slot in range(3)]
    assert all(len(line["task"]) == 2 for line in lines)
    for step in (0, 1):
        means = np.array([line["returns"][step] for line in lines]).reshape(3, 3).mean(axis=1)  # all have as many episodes
        np.testing.assert_allclose(means, trained.progress[f"Step_{step}-AverageReturn"], rtol=1e-12)
    with pytest.raises(ConfigError, match="task_log writes a file"):
        train(small(task_log=True))


def test_snapshots_and_checkpoints_are_as_far_apart_as_asked(tmp_path):
    train(small(n_itr=5, snapshot_every=2, checkpoint_every=3), folder=tmp_path, verbose=False)
    assert {path.stem for path in (tmp_path / "policies").iterdir()} == {"best", "last", "itr_0", "itr_2", "itr_4"}
    assert {path.stem for path in (tmp_path / "checkpoints").glob("*.index")} == {"ckpt-0", "ckpt-3", "ckpt-5"}


def test_optimisers_and_schedules_are_those_of_keras():
    schedule = {"name": "PiecewiseConstantDecay", "boundaries": [10], "values": [0.5, 0.25]}
    made = make_optimizer({"name": "AdamW", "clipnorm": 1.0, "weight_decay": 0.1, "learning_rate": schedule}, 1e-3)
    assert (type(made), made.clipnorm, made.weight_decay) == (keras.optimizers.AdamW, 1.0, 0.1)
    assert float(made.learning_rate) == 0.5
    assert float(make_optimizer({"name": "SGD"}, 0.125).learning_rate) == 0.125
    assert make_optimizer({}, 1e-3) is None
    for settings, words in (
        ({"name": "Adamw"}, "which is no Optimizer of Keras; did you mean 'Adam"),
        ({"clipnorm": 1.0}, "optimizer has the name None"),
        ({"name": "SGD", "speed": 1}, "optimizer can't be made"),
        ({"name": "SGD", "learning_rate": {"name": "SGD"}}, "learning_rate of optimizer has the name 'SGD'"),
    ):
        with pytest.raises(ConfigError, match=words):
            make_optimizer(settings, 1e-3)


def test_sgd_makes_the_step_of_its_schedule(tmp_path):
    """theta' = theta - rate(step) gradient: with the rate 0 from the second step on, theta stays."""
    schedule = {"name": "PiecewiseConstantDecay", "boundaries": [0], "values": [0.5, 0.0]}
    config = small(num_promp_steps=1, optimizer={"name": "SGD", "learning_rate": schedule}, snapshot_every=1)
    train(config, folder=tmp_path, verbose=False)
    thetas = [dict(np.load(tmp_path / "policies" / f"{name}.npz")) for name in ("itr_0", "itr_1", "itr_2", "last")]
    name = "mean_network/output/bias"
    assert not np.array_equal(thetas[0][name], thetas[1][name])
    assert np.array_equal(thetas[1][name], thetas[2][name])
    assert np.array_equal(thetas[1][name], thetas[3][name])
