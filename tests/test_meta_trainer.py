"""What the trainer keeps of the policy."""

import json

import numpy as np
import pytest

from meta_policy_search.baselines.zero_baseline import ZeroBaseline
from meta_policy_search.meta_algos.dice_maml import DICEMAML, TRPO_DICEMAML, VPG_DICEMAML
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.meta_trainer import MetaTrainer, TrainingError
from meta_policy_search.samplers.dice_sample_processor import DiceSampleProcessor
from meta_policy_search.samplers.meta_sample_processor import MetaSampleProcessor
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
    trainer = MetaTrainer(algorithm(sampler.policy), sampler, processor, rng=np.random.default_rng(0), n_itr=1)
    with pytest.raises(ValueError, match=f"needs {field}, of which the {type(processor).__name__} makes none"):
        trainer.train(lambda *_: None)
