"""Policy snapshots of a run: theta as named arrays in .npz files, for whoever wants to use what was trained."""

import re
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from meta_policy_search.utils.atomic_write import replacing
from meta_policy_search.utils.file_errors import first_line
from meta_policy_search.utils.reported_error import ReportedError

if TYPE_CHECKING:
    from meta_policy_search.types import ArrayParams  # loads TensorFlow

# What numpy raises for a file that is truncated, no .npz, or holds pickled objects, which are not loaded.
UNREADABLE = (OSError, EOFError, KeyError, MemoryError, NotImplementedError, ValueError, zipfile.BadZipFile, zlib.error)

BEST, LAST, ITR = "best", "last", "itr"


class SnapshotError(ReportedError, ValueError):
    """A snapshot that isn't there or can't be used: which, and what there is."""


class Snapshot(NamedTuple):
    """theta before the meta-update of an iteration: what the returns in that row of progress.csv are of."""

    itr: int
    theta: dict[str, np.ndarray]  # by name; learned step sizes are among them


class PolicySnapshots:
    """Writes itr_<n>.npz, best.npz and last.npz, each whole or not at all.

    Args:
      directory: where they lie; it is made with the first one.
      every: itr_<n>.npz is kept of every so many iterations n, from 0 on.
    """

    def __init__(self, directory: Path, every: int = 50):
        self.directory, self.every = directory, every

    def keep(self, before: Snapshot, after: Snapshot, is_best: bool) -> None:
        """Keeps what an iteration began with, if it is the best so far or due, and, as the last, what it ended with."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if before.itr % self.every == 0:
            self._write(f"itr_{before.itr}", before)
        if is_best:
            self._write(BEST, before)
        self._write(LAST, after)

    def _write(self, name: str, snapshot: Snapshot) -> None:
        with replacing(self.directory / f"{name}.npz") as partial, partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **{ITR: np.array(snapshot.itr), **snapshot.theta})


def load_snapshot(directory: Path, which: str | int, like: "ArrayParams") -> Snapshot:
    """The snapshot "best", "last" or of an iteration. Nothing in the file is executed.

    Args:
      like: parameters by name, with the shapes that theta must have.

    Raises:
      SnapshotError: there is no such snapshot, or it is damaged, or of another network.
    """
    path = find_snapshot(directory, which)
    try:
        arrays = _read(path)
        itr = _whole_number(arrays.pop(ITR))
    except UNREADABLE as error:
        raise SnapshotError(f"the policy snapshot {path} can't be read: {first_line(error)}") from error
    _require_fit(arrays, like, path)
    return Snapshot(itr, {name: arrays[name] for name in like})


def find_snapshot(directory: Path, which: str | int) -> Path:
    """Return the file of a snapshot; raise SnapshotError if there is none."""
    name = str(which) if which in (BEST, LAST) else f"itr_{which}"
    known = available(directory)
    if name.removeprefix("itr_") not in known:
        there = f"there are {', '.join(known)}" if known else "there are none"
        raise SnapshotError(f"{directory} has no policy snapshot {str(which)!r}; {there}")
    return directory / f"{name}.npz"


def available(directory: Path) -> list[str]:
    """The snapshots in a directory: best and last, and the iterations that were kept, in order."""
    names = {path.stem for path in directory.glob("*.npz")}
    kept = sorted(int(name[4:]) for name in names if re.fullmatch(r"itr_(0|[1-9]\d{0,17})", name))
    return [name for name in (BEST, LAST) if name in names] + list(map(str, kept))


def _read(path: Path) -> dict[str, np.ndarray]:
    with path.open("rb") as file:
        loaded = np.load(file, allow_pickle=False)  # noqa: TID251
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise ValueError("it is not an .npz file")
        return dict(loaded)


def _whole_number(array: np.ndarray) -> int:
    if array.shape != () or array.dtype.kind != "i" or array < 0:
        raise ValueError(f"its iteration is {array.dtype} {list(array.shape)}, not one whole number from 0 on")
    return int(array)


def _require_fit(arrays: "ArrayParams", like: "ArrayParams", path: Path) -> None:
    odd = sorted(set(arrays) ^ set(like))
    if odd:
        raise SnapshotError(f"the policy snapshot {path} is of another network: {odd[0]!r} is in only one of the two")
    for name, value in like.items():
        array = arrays[name]
        if array.shape != tuple(value.shape) or array.dtype.kind != "f":
            found = f"{array.dtype} {list(array.shape)}, not float {list(value.shape)}"
            raise SnapshotError(f"the policy snapshot {path} is of another network: {name!r} is {found}")
        if not np.isfinite(array).all():
            raise SnapshotError(f"the policy snapshot {path} can't be used: {name!r} has NaN or infinite entries")
