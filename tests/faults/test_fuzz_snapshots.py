"""Policy snapshots with broken bytes, and .npz files of anything: theta as it was saved, or a SnapshotError."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from meta_policy_search.utils.snapshots import PolicySnapshots, Snapshot, SnapshotError, load_snapshot
from tests.faults.mutations import examples, mutated

LIKE = {"mean/W": np.zeros((3, 2), np.float32), "log_std": np.zeros((1, 2), np.float32)}
SAVED = Snapshot(
    7, {name: np.random.default_rng(0).normal(size=like.shape).astype(np.float32) for name, like in LIKE.items()}
)

ARRAYS = hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
FITTING = {name: hnp.arrays(np.float32, like.shape) for name, like in LIKE.items()}


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("saved")
    PolicySnapshots(directory).keep(SAVED, SAVED, is_best=True)
    return directory / "best.npz"


@examples(300)
@given(data=st.data())
def test_broken_bytes_give_what_was_saved_or_a_snapshot_error(saved, tmp_path, data):
    (tmp_path / "best.npz").write_bytes(data.draw(mutated(saved.read_bytes()) | st.binary(max_size=300)))
    try:
        snapshot = load_snapshot(tmp_path, "best", LIKE)
    except SnapshotError:
        return
    assert snapshot.itr == SAVED.itr
    assert set(snapshot.theta) == set(LIKE)
    assert all(np.array_equal(snapshot.theta[name], SAVED.theta[name]) for name in LIKE)


@examples(300)
@given(
    arrays=st.fixed_dictionaries({}, optional={"itr": ARRAYS | st.integers(0, 99).map(np.array), **FITTING, "odd": ARRAYS})
    | st.fixed_dictionaries({"itr": ARRAYS | st.just(np.array(7)), **{name: ARRAYS | fit for name, fit in FITTING.items()}})
)
def test_any_arrays_are_a_theta_that_fits_or_a_snapshot_error(tmp_path, arrays):
    content = io.BytesIO()
    np.savez(content, **arrays)
    (tmp_path / "best.npz").write_bytes(content.getvalue())
    try:
        snapshot = load_snapshot(tmp_path, "best", LIKE)
    except SnapshotError:
        return
    assert type(snapshot.itr) is int
    assert set(arrays) == {"itr", *LIKE}
    for name, like in LIKE.items():
        assert snapshot.theta[name].shape == like.shape
        assert np.isfinite(snapshot.theta[name]).all()
