"""Checkpoints of a run: arrays and JSON, never code."""

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from typing_extensions import override

from meta_policy_search.utils.checkpoint_files import FILE_NAME, checkpoint_numbers
from meta_policy_search.utils.file_errors import as_os_errors, first_line

State = dict[str, object]  # JSON

# What TensorFlow raises for a file that is truncated, of another program, or of another network.
UNREADABLE = (
    *(tf.errors.OpError, AssertionError, IndexError, KeyError, OverflowError, RuntimeError, TypeError, ValueError),
    DecodeError,
)

FORMAT = "meta_policy_search checkpoint 1"

SPECIAL = re.compile(r"[][*?\\]")  # TensorFlow takes the name that it reads from for a pattern, and has no way to quote it


class JsonState(tf.train.experimental.PythonState):
    """A JSON value inside a TensorFlow checkpoint."""

    def __init__(self) -> None:
        self.value: State = {}

    @override
    def serialize(self) -> str:
        return json.dumps({"format": FORMAT, **self.value})

    @override
    def deserialize(self, string_value: bytes) -> None:
        value = json.loads(string_value)
        if not isinstance(value, dict) or value.pop("format", None) != FORMAT:
            raise ValueError("it was written by another program")
        self.value = value


class Checkpoints:
    """The last few states of a run: the variables of an algorithm, and a JSON value beside them.

    A checkpoint counts once it is complete, so a process that is killed while it writes one leaves the previous one good.

    Args:
      directory: where they lie, `ckpt-<n>.index` and `ckpt-<n>.data-*`.
      algo: whose variables (theta, moments of the optimiser, KL coefficients) are saved and restored.
      max_to_keep: how many; older ones are deleted.
    """

    def __init__(self, directory: Path, algo: tf.Module, max_to_keep: int = 3):
        self.directory, self.max_to_keep, self._state = directory, max_to_keep, JsonState()
        self._checkpoint = tf.train.Checkpoint(algo=algo, state=self._state)

    def save(self, number: int, state: State) -> None:
        """Writes checkpoint `number` with the algorithm's variables and the JSON value.

        Raises:
          OSError: it can't be written. The ones before stay good.
        """
        self._state.value = state
        self.directory.mkdir(parents=True, exist_ok=True)
        self._delete_unfinished()
        with as_os_errors():
            self._checkpoint.write(str(self.directory / f"ckpt-{number}"))
        self._tidy_up(number)

    def restore_latest(self, accept: Callable[[State], None] = lambda state: None) -> tuple[State | None, list[str]]:
        """Restores the newest good checkpoint.

        Args:
          accept: takes its JSON value, or raises ValueError, KeyError or TypeError if that is no good.

        Returns:
          Its JSON value, or None if there is no good one (the algorithm's variables are then undefined), and a sentence
          for each newer one that could not be used.
        """
        messages, directory = [], self._readable_directory()
        for number in reversed(self.numbers()):
            try:
                self._checkpoint.read(str(directory / f"ckpt-{number}")).assert_existing_objects_matched()
                accept(self._state.value)
            except UNREADABLE as error:
                messages.append(f"checkpoint ckpt-{number} can't be used ({first_line(error)})")
            else:
                return self._state.value, messages
        return None, messages

    def _readable_directory(self) -> Path:
        """The directory, or a link to it, for as long as this lives, where its name has special characters."""
        if not SPECIAL.search(str(self.directory)):
            return self.directory
        self._link_folder = tempfile.TemporaryDirectory()
        link = Path(self._link_folder.name) / "checkpoints"
        link.symlink_to(self.directory.absolute())
        return link

    def _delete_unfinished(self) -> None:
        """Deletes what a killed process left where TensorFlow makes its folders, or what anybody put there."""
        for path in list(self.directory.iterdir()):
            name = FILE_NAME.fullmatch(path.name)
            if name and name[2] == "_temp":
                _delete(path)

    def _tidy_up(self, newest: int) -> None:
        """Deletes all but the last few up to the newest, and what a fallback left behind.

        TensorFlow's CheckpointManager would go by the list in a file `checkpoint`. An untrusted list can name any files.
        """
        good = [number for number in self.numbers() if number <= newest][-self.max_to_keep :]
        for path in list(self.directory.iterdir()):
            name = FILE_NAME.fullmatch(path.name)
            if name and int(name[1]) not in good:
                _delete(path)

    def numbers(self) -> list[int]:
        """Of the checkpoints in the directory, good or not, ascending."""
        return checkpoint_numbers(self.directory)


def _delete(path: Path) -> None:
    """A file, a link, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
