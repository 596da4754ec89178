"""What the trainer keeps of the policy."""

import json

import numpy as np
import pytest

from meta_policy_search.baselines.zero_baseline import ZeroBaseline
from meta_policy_search.callbacks import Callback
from meta_policy_search.meta_algos.dice_maml import DICEMAML, TRPO_DICEMAML, VPG_DICEMAML
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.meta_trainer import MetaTrainer, TrainingError
from meta_policy_search.samplers.dice_sample_processor import DiceSampleProcessor
from meta_policy_search.samplers.meta_sample_processor import MetaSampleProcessor
from meta_policy_search.utils.logger import ProgressLog
from meta_policy_search.utils.snapshots import available, load_snapshot
from tests.experiment_utils.small_runs import make_trainer, small, train

pytestmark = pytest.mark.usefixtures("eagerly")


def thetas(folder, like):
    return {name: load_snapshot(folder / "policies", name, like) for name in available(folder / "policies")}


def test_a_snapshot_is_what_the_iteration_began_with_and_the_best_is_that_of_the_highest_return(tmp_path):
    config = small(n_itr=4, learning_rate=0.1, trainable_inner_step_size=True)
    trainer, began = make_trainer(tmp_path, config), []
    returns = []

    def log(itr, metrics):
        returns.append(metrics["Step_1-AverageReturn"])

    def stop():
        began.append({name: value.numpy() for name, value in trainer.algo.theta.items()})
        return False

    trainer.train(log, stop)
    began.append({name: value.numpy() for name, value in trainer.algo.theta.items()})
    found = thetas(tmp_path, trainer.algo.theta)
    assert list(found) == ["best", "last", "0", "1", "2", "3"]
    assert any(name.startswith("inner_lr/") for name in found["0"].theta)
    for snapshot in found.values():
        for name, array in snapshot.theta.items():
            np.testing.assert_array_equal(array, began[snapshot.itr][name])
    assert found["best"].itr == int(np.argmax(returns))
    assert found["last"].itr == 4
    assert not np.array_equal(began[0]["mean_network/output/bias"], began[1]["mean_network/output/bias"])


def test_a_run_that_lost_its_last_iterations_keeps_the_same_snapshots(tmp_path):
    config = small(n_itr=5, learning_rate=0.1, seed=2)
    train(tmp_path / "whole", config, every=2)
    train(tmp_path / "resumed", config, every=2)
    for path in (tmp_path / "resumed" / "checkpoints").glob("ckpt-5*"):
        path.unlink()
    trainer = make_trainer(tmp_path / "resumed", config, every=2)
    state, _ = trainer.checkpoints.restore_latest()
    trainer.restore(json.loads(json.dumps(state)))
    assert trainer.next_itr == 4
    assert load_snapshot(tmp_path / "whole" / "policies", "best", trainer.algo.theta).itr < 4
    trainer.train(lambda *_: None)
    for path in (tmp_path / "whole" / "policies").iterdir():
        assert path.read_bytes() == (tmp_path / "resumed" / "policies" / path.name).read_bytes()


def test_a_state_without_a_best_return_restores(tmp_path):
    trainer = make_trainer(tmp_path, small())
    state = trainer.state()
    del state["best_return"]
    trainer.restore(state)
    trainer.train(lambda *_: None)
    assert trainer.best_return is not None


class Singular(TRPOMAML):
    """Its meta-gradient is no number."""

    def optimize_policy(self, batches):
        raise FloatingPointError("the meta-gradient is NaN or infinite")


def test_a_meta_gradient_that_is_no_number_ends_the_training(tmp_path):
    trainer = make_trainer(tmp_path, small())
    trainer.algo = Singular(trainer.algo.policy)
    with pytest.raises(TrainingError, match="iteration 0: the meta-gradient is NaN or infinite; try a smaller inner_lr"):
        trainer.train(lambda *_: None)


@pytest.mark.parametrize(
    ("algorithm", "processor", "field"),
    [
        (ProMP, DiceSampleProcessor(ZeroBaseline(), max_path_length=6), "advantages"),
        (DICEMAML, MetaSampleProcessor(ZeroBaseline()), "adjusted_rewards"),
        (TRPO_DICEMAML, DiceSampleProcessor(ZeroBaseline(), max_path_length=6), "advantages"),
        (VPG_DICEMAML, MetaSampleProcessor(ZeroBaseline()), "adjusted_rewards"),
    ],
)
def test_a_processor_that_does_not_fit_the_algorithm_is_refused(tmp_path, algorithm, processor, field):
    sampler = make_trainer(tmp_path, small()).sampler
    with pytest.raises(ValueError, match=f"needs {field}, which the {type(processor).__name__} doesn't provide"):
        MetaTrainer(algorithm(sampler.policy), sampler, processor, rng=np.random.default_rng(0), n_itr=1)


class Count(Callback):
    """Counts the iterations, says so in the row, and calls a function in one of them."""

    def __init__(self, at=None, then=None):
        self.calls, self.count, self._at, self._then = [], 0, at, then

    def on_train_begin(self, trainer):
        self.calls.append("begin")

    def on_iteration(self, trainer, iteration, metrics):
        self.calls.append(iteration)
        self.count += 1
        if self.count == self._at:
            self._at = None
            self._then(trainer)
        return {"Count": self.count}

    def on_train_end(self, trainer):
        self.calls.append("end")

    def state(self):
        return {"count": self.count}

    def restore(self, state):
        self.count = state["count"]


def fail(trainer):
    raise RuntimeError("on purpose")


def with_callbacks(folder, *callbacks, n_itr=4, **settings):
    plain = make_trainer(folder, small(num_promp_steps=1))
    components, rng = (plain.algo, plain.sampler, plain.sample_processor), np.random.default_rng(1)
    return MetaTrainer(*components, rng=rng, n_itr=n_itr, checkpoints=plain.checkpoints, callbacks=callbacks, **settings)


def trained_rows(trainer, progress):
    rows = []
    trainer.train(lambda _, metrics: (rows.append(metrics), progress.write(metrics)))
    return [{name: value for name, value in row.items() if "Time" not in name} for row in rows]


def test_callbacks_are_called_and_what_they_return_is_in_the_row(tmp_path):
    first, second = Count(), Count(2, lambda trainer: setattr(trainer, "stop_training", True))
    second.on_iteration, count = lambda *args: {"Second": count(*args)["Count"] + args[2]["Count"]}, second.on_iteration
    rows = trained_rows(with_callbacks(tmp_path, first, second), ProgressLog(tmp_path / "progress.csv"))
    assert first.calls == second.calls == ["begin", 0, 1, "end"]
    assert [(row["Count"], row["Second"]) for row in rows] == [(1, 2), (2, 4)]


def test_training_that_a_callback_stopped_stays_stopped_and_callbacks_go_on_from_their_state(tmp_path):
    stopped = with_callbacks(tmp_path, Count(2, lambda trainer: setattr(trainer, "stop_training", True)))
    stopped.train(lambda *_: None)
    resumed = with_callbacks(tmp_path, Count())
    resumed.checkpoints.restore_latest(resumed.restore)
    resumed.train(lambda *_: None)
    assert resumed.next_itr == 2
    resumed.stop_training = False
    rows = trained_rows(resumed, ProgressLog(tmp_path / "progress.csv"))
    assert [row["Count"] for row in rows] == [3, 4]


@pytest.mark.parametrize("what", ["callback", "log", "checkpoint"])
def test_an_iteration_that_fails_in_the_end_leaves_the_one_before_and_can_be_repeated(tmp_path, monkeypatch, what):
    expected = trained_rows(with_callbacks(tmp_path / "whole", Count(), n_itr=3), ProgressLog(tmp_path / "whole.csv"))
    counter = Count(2, fail if what == "callback" else lambda trainer: None)
    trainer, progress = with_callbacks(tmp_path / "failed", counter, n_itr=3), ProgressLog(tmp_path / "failed.csv")

    def log(iteration, metrics):
        progress.write(metrics)
        if iteration == 1 and what == "log":
            fail(trainer)
        if iteration == 1 and what == "checkpoint":
            monkeypatch.setattr(trainer, "save", lambda: fail(trainer))

    with pytest.raises(RuntimeError, match="on purpose"):
        trainer.train(log)
    assert trainer.next_itr == max(trainer.checkpoints.numbers()) == 1
    assert counter.calls[-1] == "end"
    monkeypatch.undo()
    theta = {name: value.numpy() for name, value in trainer.algo.theta.items()}
    trainer.checkpoints.restore_latest()
    np.testing.assert_equal({name: value.numpy() for name, value in trainer.algo.theta.items()}, theta)
    assert trained_rows(trainer, progress) == expected[1:]
    assert [line.split(",")[0] for line in (tmp_path / "failed.csv").read_text().splitlines()] == ["Itr", "0", "1", "2"]


def test_checkpoints_are_as_far_apart_as_asked_and_there_is_one_of_the_end(tmp_path):
    trainer = with_callbacks(tmp_path, n_itr=5, checkpoint_every=2)
    trainer.train(lambda *_: None)
    assert trainer.checkpoints.numbers() == [2, 4, 5]


def test_an_error_between_two_checkpoints_loses_no_finished_iteration(tmp_path):
    trainer = with_callbacks(tmp_path, Count(4, fail), n_itr=9, checkpoint_every=2)
    with pytest.raises(RuntimeError, match="on purpose"):
        trainer.train(lambda *_: None)
    assert trainer.checkpoints.numbers() == [2, 3]
    state, _ = trainer.checkpoints.restore_latest()
    assert (state["itr"], state["callbacks"]) == (3, {"Count 1": {"count": 3}})
