"""The files of a run's log: progress.csv and TensorBoard events."""

import csv
import io
import os
from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

Metrics = Mapping[str, float]


class LogError(RuntimeError):
    """A log that does not fit the run."""


class ProgressLog:
    """progress.csv, one row per iteration, rectangular: the first row fixes the columns. Numbers are written exactly.

    Args:
      path: the file.
      keep: how many rows of an existing file belong to the run so far; the rest, and a half-written row, is cut off.

    Raises:
      LogError: the file has fewer complete rows than `keep`.
    """

    def __init__(self, path: Path, keep: int = 0):
        self._path = path
        self._columns: list[str] | None = None
        if keep:
            self._cut(keep)
        elif path.exists():
            path.unlink()

    def write(self, metrics: Metrics) -> None:
        """Appends a row and hands it to the operating system."""
        if self._columns is None:
            self._columns = list(metrics)
            self._append(self._columns)
        if set(metrics) != set(self._columns):
            odd = ", ".join(sorted(set(metrics) ^ set(self._columns)))
            raise LogError(f"the metrics of this iteration don't have the columns of {self._path}: {odd}")
        self._append([repr(_plain(metrics[column])) for column in self._columns])

    def _append(self, row: list[str]) -> None:
        with self._path.open("a", newline="") as file:
            file.write(_csv_line(row))

    def _cut(self, keep: int) -> None:
        lines = self._path.read_text().splitlines(keepends=True) if self._path.exists() else []
        complete = [line for line in lines if line.endswith("\n")]
        if len(complete) < keep + 1:
            raise LogError(f"{self._path} has {max(len(complete) - 1, 0)} rows, but the checkpoint is after {keep}")
        self._columns = next(csv.reader(complete[:1]))
        partial = self._path.with_suffix(".tmp")
        partial.write_text("".join(complete[: keep + 1]))
        os.replace(partial, self._path)


class TensorBoardLog:
    """TensorBoard events, a scalar per metric and iteration."""

    def __init__(self, directory: Path):
        self._writer = tf.summary.create_file_writer(str(directory))

    def write(self, iteration: int, metrics: Metrics) -> None:
        """Adds one iteration."""
        with self._writer.as_default(step=iteration):
            for name, value in metrics.items():
                tf.summary.scalar(name, value)
        self._writer.flush()


def _plain(value: float) -> float | int:
    return int(value) if isinstance(value, int) else float(value)


def _csv_line(row: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(row)
    return line.getvalue()
