import numpy as np
import pytest
import tensorflow as tf

from meta_policy_search.utils.checkpoint import Checkpoints


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
    state, complaints = Checkpoints(directory, algo).restore_latest()
    return state, complaints, algo.theta["a/b"].numpy()


def test_the_newest_checkpoint_comes_back_exactly(tmp_path):
    saved(tmp_path, 1.0, 0.1)
    state, complaints, value = restored(tmp_path, Algo())
    assert state == {"itr": 1}
    assert not complaints
    assert np.array_equal(value, np.full(3, 0.1, np.float32))


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
    state, complaints, value = restored(tmp_path, Algo())
    assert state == {"itr": 0}
    assert value[0] == 1.0
    assert len(complaints) == 1
    assert "ckpt-1" in complaints[0]


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    saved(tmp_path, 1.0)
    state, complaints, _ = restored(tmp_path, Algo(size=4))
    assert state is None
    assert complaints


def test_the_lost_list_of_checkpoints_is_no_loss(tmp_path):
    saved(tmp_path, 1.0, 2.0)
    (tmp_path / "checkpoint").unlink()
    assert restored(tmp_path, Algo())[0] == {"itr": 1}
