import zipfile
from pathlib import Path

import numpy as np
import pytest

from meta_policy_search.utils.snapshots import PolicySnapshots, Snapshot, SnapshotError, available, load_snapshot

LIKE = {"a/kernel": np.zeros((2, 3), np.float32), "a/bias": np.zeros(3, np.float32)}


def snapshot(itr: int, value: float = 0.1) -> Snapshot:
    return Snapshot(itr, {name: np.full_like(array, value) for name, array in LIKE.items()})


def kept(directory: Path, iterations: int, every: int = 2, best: int = 0) -> Path:
    snapshots = PolicySnapshots(directory, every)
    for itr in range(iterations):
        snapshots.keep(snapshot(itr, itr), snapshot(itr + 1, itr + 1), is_best=itr == best)
    return directory


def test_what_was_kept_comes_back_exactly(tmp_path):
    PolicySnapshots(tmp_path).keep(snapshot(0, 0.1), snapshot(1, 0.2), is_best=True)
    itr, theta = load_snapshot(tmp_path, "last", LIKE)
    assert itr == 1
    assert list(theta) == list(LIKE)
    assert all(array.dtype == np.float32 and (array == np.float32(0.2)).all() for array in theta.values())


def test_every_second_the_best_and_the_last_are_kept(tmp_path):
    kept(tmp_path, iterations=12, every=2, best=7)
    assert available(tmp_path) == ["best", "last", "0", "2", "4", "6", "8", "10"]
    found = {name: load_snapshot(tmp_path, name, LIKE) for name in available(tmp_path)}
    assert {name: snapshot.itr for name, snapshot in found.items()} == {
        **{str(n): n for n in range(0, 12, 2)},
        "best": 7,
        "last": 12,
    }
    assert all((snapshot.theta["a/bias"] == snapshot.itr).all() for snapshot in found.values())


def test_a_write_that_fails_leaves_the_snapshot_before(tmp_path, monkeypatch):
    kept(tmp_path, iterations=1)

    def full(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        kept(tmp_path, iterations=1)
    assert available(tmp_path) == ["best", "last", "0"]
    assert load_snapshot(tmp_path, "last", LIKE).itr == 1


@pytest.mark.parametrize("which", [1, "3", "bst", "../0", "00", "itr_0", True, -1])
def test_what_is_not_there_is_answered_with_what_is(tmp_path, which):
    kept(tmp_path, iterations=3)
    with pytest.raises(SnapshotError, match=r"has no policy snapshot .*; there are best, last, 0, 2$"):
        load_snapshot(tmp_path, which, LIKE)
    with pytest.raises(SnapshotError, match=r"there are none$"):
        load_snapshot(tmp_path / "nowhere", which, LIKE)


class Payload:
    """Unpickling it makes a file."""

    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


def hostile(path: Path, kind: str) -> None:
    whole = path.read_bytes()
    if kind == "pickled entry":
        np.savez(path.open("wb"), itr=0, **{**LIKE, "a/bias": np.array([Payload(path.with_name("executed"))] * 3)})
    elif kind == "pickled file":
        np.save(path.open("wb"), np.array([Payload(path.with_name("executed"))]), allow_pickle=True)
    elif kind == "array":
        np.save(path.open("wb"), np.zeros(3))
    elif kind == "no array in it":
        with zipfile.ZipFile(path, "a") as file:
            file.writestr("itr.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (9")
    elif kind == "garbage":
        path.write_bytes(np.random.default_rng(0).bytes(500))
    else:
        path.write_bytes({"empty": b"", "truncated": whole[:-30], "half": whole[: len(whole) // 2]}[kind])


KINDS = ["pickled entry", "pickled file", "array", "no array in it", "garbage", "empty", "truncated", "half"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_or_damaged_file_is_named_and_not_executed(tmp_path, kind):
    path = kept(tmp_path, iterations=1) / "best.npz"
    hostile(path, kind)
    with pytest.raises(SnapshotError, match=r"best.npz can't be read: ."):
        load_snapshot(tmp_path, "best", LIKE)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("place", range(0, 900, 60))
def test_a_flipped_byte_never_passes_unnoticed_into_theta(tmp_path, place):
    path = kept(tmp_path, iterations=1) / "best.npz"
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 4
    path.write_bytes(content)
    try:
        itr, theta = load_snapshot(tmp_path, "best", LIKE)
    except SnapshotError:
        return
    assert itr == 0
    assert all((array == 0.0).all() for array in theta.values())


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"a/bias": np.zeros(4, np.float32)}, r"another network: 'a/bias' is float32 \[4\], not float \[3\]"),
        ({"a/bias": np.zeros(3, int)}, "'a/bias' is int64"),
        ({"a/bias": np.full(3, np.nan, np.float32)}, "'a/bias' has NaN or infinite entries"),
        ({"b": np.zeros(3)}, "another network: 'b' is in only one of the two"),
    ],
)
def test_a_snapshot_of_something_else_is_refused(tmp_path, changed, words):
    PolicySnapshots(tmp_path).keep(Snapshot(0, {**LIKE, **changed}), snapshot(1), is_best=True)
    with pytest.raises(SnapshotError, match=words):
        load_snapshot(tmp_path, "best", LIKE)
