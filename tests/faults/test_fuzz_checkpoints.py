"""Checkpoints with broken bytes and broken states: the values that were saved, or the ones before, or none."""

import shutil
import types
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from meta_policy_search.meta_trainer import MetaTrainer
from meta_policy_search.samplers.task_source import Curriculum
from meta_policy_search.utils.checkpoint import UNREADABLE, Checkpoints
from tests.faults.mutations import JSON, changed, examples, mutated

VALUES = {0: np.arange(5, dtype=np.float32), 1: np.linspace(-1, 1, 5, dtype=np.float32)}
ALGO = types.SimpleNamespace(num_inner_grad_steps=1, theta={}, reads=())  # as much as a trainer asks for before it trains
PARTS = ("index", "data-00000-of-00001")


class Algo(tf.Module):
    """Something with a variable."""

    def __init__(self):
        super().__init__()
        self.theta = tf.Variable(np.full(5, np.nan, np.float32))


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    directory, algo = tmp_path_factory.mktemp("saved"), Algo()
    checkpoints = Checkpoints(directory, algo)
    for number, value in VALUES.items():
        algo.theta.assign(value)
        checkpoints.save(number, {"itr": number, "rng": {"state": 2**100}})
    return directory


@examples(100)
@given(data=st.data(), parts=st.sets(st.sampled_from(PARTS), min_size=1))
def test_broken_bytes_give_what_was_saved_or_what_was_saved_before(saved, data, parts):
    directory = saved / "broken"
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(saved, directory, ignore=shutil.ignore_patterns("broken"))
    for part in sorted(parts):
        path = directory / f"ckpt-1.{part}"
        path.write_bytes(data.draw(mutated(path.read_bytes()) | st.binary(max_size=300)))
    algo = Algo()
    state, messages = Checkpoints(directory, algo).restore_latest()
    assert len(messages) == 1 - state["itr"]
    assert state == {"itr": state["itr"], "rng": {"state": 2**100}}
    assert np.array_equal(algo.theta.numpy(), VALUES[state["itr"]])


@examples(100)
@given(names=st.lists(st.from_regex(r"ckpt-\w{0,6}(\.index|\.data-0-of-1|_temp)?", fullmatch=True), max_size=4))
def test_odd_names_in_the_folder_harm_nothing(saved, names):
    directory = saved / "odd"
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(saved, directory, ignore=shutil.ignore_patterns("odd", "broken"))
    for name in set(names):
        (directory / name).write_bytes(b"odd")
    state, _ = Checkpoints(directory, algo := Algo()).restore_latest()
    Checkpoints(directory, algo).save(2, state)
    assert {"ckpt-2.index", "ckpt-2.data-00000-of-00001"} <= {path.name for path in directory.iterdir()}


def trainer() -> MetaTrainer:
    sampler = types.SimpleNamespace(task_source=Curriculum(abs, levels=(1.0, 2.0), promote_at=0.0))
    return MetaTrainer(ALGO, sampler, None, rng=np.random.default_rng(0), n_itr=1)


STATE = trainer().state()
GENERATOR = STATE["rng"]["tasks"]


@examples(250)
@given(
    state=changed(STATE)
    | changed(STATE["rng"]).map(lambda rng: {**STATE, "rng": rng})
    | changed(GENERATOR).map(lambda tasks: {**STATE, "rng": {**STATE["rng"], "tasks": tasks}})
    | changed(GENERATOR["state"]).map(lambda s: {**STATE, "rng": {**STATE["rng"], "tasks": {**GENERATOR, "state": s}}})
    | st.dictionaries(st.text(max_size=5), JSON)
)
def test_a_state_is_restored_or_refused(state):
    restored = trainer()
    try:
        restored.restore(state)
    except UNREADABLE:
        return
    assert restored.next_itr == state["itr"]
    sum((restored.seconds, restored.best_return or 0.0))  # numbers to go on with
    restored.task_rng.normal()
    restored.state()
