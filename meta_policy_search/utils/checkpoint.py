"""Checkpoints of a run: arrays and JSON, never code."""

import json
from pathlib import Path
from typing import Any

import tensorflow as tf

# What TensorFlow raises for a file that is truncated, of another program, or of another network.
UNREADABLE = (tf.errors.OpError, AssertionError, IndexError, KeyError, RuntimeError, TypeError, ValueError)

FORMAT = "meta_policy_search checkpoint 1"


class JsonState(tf.train.experimental.PythonState):
    """A JSON value inside a TensorFlow checkpoint."""

    def __init__(self):
        self.value: dict[str, Any] = {}

    def serialize(self) -> str:
        return json.dumps({"format": FORMAT, **self.value})

    def deserialize(self, string_value: bytes) -> None:
        value = json.loads(string_value)
        if value.pop("format", None) != FORMAT:
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
        self.directory, self._state = directory, JsonState()
        self._checkpoint = tf.train.Checkpoint(algo=algo, state=self._state)
        self._manager = tf.train.CheckpointManager(self._checkpoint, str(directory), max_to_keep)

    def save(self, number: int, state: dict[str, Any]) -> None:
        """Writes checkpoint `number` with the algorithm's variables and the JSON value."""
        self._state.value = state
        self._manager.save(checkpoint_number=number)

    def restore_latest(self) -> tuple[dict[str, Any] | None, list[str]]:
        """Restores the newest good checkpoint.

        Returns:
          Its JSON value, or None if there is no good one (the algorithm's variables are then undefined), and a sentence
          for each newer one that could not be used.
        """
        complaints = []
        for path in sorted(self.directory.glob("ckpt-*.index"), key=_number, reverse=True):
            try:
                self._checkpoint.restore(str(path.with_suffix(""))).assert_existing_objects_matched()
            except UNREADABLE as error:
                reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
                complaints.append(f"checkpoint {path.with_suffix('').name} can't be used ({reason})")
            else:
                return self._state.value, complaints
        return None, complaints


def _number(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isdigit() else -1
