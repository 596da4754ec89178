import os
import shutil

import numpy as np
import pytest
import tensorflow as tf

from meta_policy_search.utils.checkpoint import Checkpoints, JsonState


class Algo(tf.Module):
    """Something with a variable."""

    def __init__(self, size: int = 3):
        super().__init__()
        self.theta = {"a/b": tf.Variable(np.zeros(size, np.float32))}


def saved(directory, *values: float) -> Checkpoints:
    algo = Algo()
    checkpoints = Checkpoints(directory, algo)
    for number, value in enumerate(values):
        algo.theta["a/b"].assign(np.full(3, value))
        checkpoints.save(number, {"itr": number})
    return checkpoints


def restored(directory, algo: Algo):
    state, messages = Checkpoints(directory, algo).restore_latest()
    return state, messages, algo.theta["a/b"].numpy()


def test_the_newest_checkpoint_comes_back_exactly(tmp_path):
    saved(tmp_path, 1.0, 0.1)
    state, messages, value = restored(tmp_path, Algo())
    assert state == {"itr": 1}
    assert not messages
    assert np.array_equal(value, np.full(3, 0.1, np.float32))


@pytest.mark.parametrize("name", ["lab [old]", "back\\slash", "star * [a] ?", "plain"])
def test_a_directory_may_have_any_name(tmp_path, name):
    saved(tmp_path / name, 1.0, 2.0)
    state, messages, value = restored(tmp_path / name, Algo())
    assert (state, messages, value[0]) == ({"itr": 1}, [], 2.0)
    assert {path.name for path in tmp_path.iterdir()} == {name}


def test_only_the_last_few_are_kept(tmp_path):
    saved(tmp_path, *range(6))
    assert sorted(path.stem for path in tmp_path.glob("*.index")) == ["ckpt-3", "ckpt-4", "ckpt-5"]


def test_ten_comes_after_nine(tmp_path):
    saved(tmp_path, *range(11))
    assert restored(tmp_path, Algo())[0] == {"itr": 10}


@pytest.mark.parametrize("damage", ["truncated data", "missing data", "random index", "flipped bit"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before_and_is_named(tmp_path, damage):
    saved(tmp_path, 1.0, 2.0)
    data, index = tmp_path / "ckpt-1.data-00000-of-00001", tmp_path / "ckpt-1.index"
    if damage == "truncated data":
        data.write_bytes(data.read_bytes()[:10])
    elif damage == "missing data":
        data.unlink()
    elif damage == "random index":
        index.write_bytes(np.random.default_rng(0).bytes(200))
    else:
        content = bytearray(data.read_bytes())
        for place in range(0, len(content), 7):
            content[place] ^= 4
        data.write_bytes(bytes(content))
    state, messages, value = restored(tmp_path, Algo())
    assert state == {"itr": 0}
    assert value[0] == 1.0
    assert len(messages) == 1
    assert "ckpt-1" in messages[0]


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    saved(tmp_path, 1.0)
    state, messages, _ = restored(tmp_path, Algo(size=4))
    assert state is None
    assert messages


def test_a_state_that_is_not_accepted_gives_way_to_the_one_before(tmp_path):
    saved(tmp_path, 1.0, 2.0)

    def accept(state):
        if state["itr"] > 0:
            raise ValueError("too new")

    state, messages = Checkpoints(tmp_path, Algo()).restore_latest(accept)
    assert state == {"itr": 0}
    assert messages == ["checkpoint ckpt-1 can't be used (too new)"]


def test_what_a_killed_process_left_is_deleted_and_nothing_else(tmp_path):
    checkpoints = saved(tmp_path, *range(4))
    (tmp_path / "ckpt-4_temp").mkdir()
    (tmp_path / "ckpt-4_temp" / "part").write_text("half")
    (tmp_path / "ckpt-8.index").mkdir()
    for name in ("ckpt-9.index", "ckpt-9_temp", "ckpt-x.index", "notes.txt"):
        (tmp_path / name).write_text("")
    checkpoints.save(4, {"itr": 4})
    assert {path.stem for path in tmp_path.iterdir()} == {"ckpt-2", "ckpt-3", "ckpt-4", "ckpt-x", "notes"}


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_where_tensorflow_makes_its_folder_gives_way(tmp_path, kind):
    checkpoints, place = saved(tmp_path / "run", 0), tmp_path / "run" / "ckpt-1_temp"
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("")
    if kind == "file":
        place.write_text("odd")
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(outside)
    checkpoints.save(1, {"itr": 1})
    assert not os.path.lexists(place)
    assert checkpoints.restore_latest() == ({"itr": 1}, [])
    assert [path.name for path in outside.iterdir()] == ["precious"]


def test_a_list_of_checkpoints_names_no_files_to_delete(tmp_path):
    victim = tmp_path / "elsewhere" / "ckpt-0.index"
    victim.parent.mkdir()
    victim.write_text("precious")
    hostile = (
        f'model_checkpoint_path: "{victim.with_suffix("")}"\n'
        + 4 * f'all_model_checkpoint_paths: "{victim.with_suffix("")}"\n'
    )
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint").write_text(hostile)
    saved(tmp_path / "run", *range(6))
    assert victim.read_text() == "precious"


def test_a_checkpoint_of_tensorflows_manager_is_read_too(tmp_path):
    algo, state = Algo(), JsonState()
    algo.theta["a/b"].assign([1.0, 2.0, 3.0])
    state.value = {"itr": 5}
    tf.train.CheckpointManager(tf.train.Checkpoint(algo=algo, state=state), str(tmp_path), 3).save(checkpoint_number=5)
    state, _, value = restored(tmp_path, Algo())
    assert state == {"itr": 5}
    assert np.array_equal(value, [1.0, 2.0, 3.0])


def test_a_disk_that_takes_no_checkpoint_is_an_os_error(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    checkpoints = saved(tmp_path / "checkpoints", 1.0)
    shutil.rmtree(tmp_path / "checkpoints")
    (tmp_path / "checkpoints").write_text("")
    with pytest.raises(OSError, match="checkpoints"):
        checkpoints.save(1, {})
