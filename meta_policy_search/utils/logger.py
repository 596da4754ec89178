"""The files of a run's log: progress.csv and TensorBoard events."""

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from meta_policy_search.utils.atomic_write import atomic_write
from meta_policy_search.utils.file_errors import as_os_errors
from meta_policy_search.utils.reported_error import ReportedError

Metrics = Mapping[str, float]

TAGS = {"AverageReturn": "return"}  # names of a group's metrics in TensorBoard that are not those of progress.csv
PROGRESS = ("Itr", "n_timesteps")


class LogError(ReportedError, RuntimeError):
    """A log that does not fit the run."""

    exit_code = 1


class ProgressLog:
    """progress.csv, one row per iteration, rectangular: the first row fixes the columns. Numbers are written exactly.

    Args:
      path: the file.
      keep: how many rows of an existing file belong to the run so far; the rest, and a half-written row, is cut off.

    Raises:
      LogError: the file has fewer whole rows than `keep`.
    """

    def __init__(self, path: Path, keep: int = 0):
        self._path = path
        self._columns: list[str] | None = None
        self._rows = keep
        if keep:
            self._cut(keep)
        elif path.exists():
            path.unlink()

    def write(self, metrics: Metrics) -> None:
        """Append a row and hand it to the operating system. An iteration that is repeated replaces its row."""
        if metrics.get("Itr", self._rows) < self._rows:  # what came after its row failed
            self._rows = int(metrics["Itr"])
            self._cut(self._rows)
        if self._columns is None:
            self._columns = list(metrics)
            self._append(self._columns)
        if set(metrics) != set(self._columns):
            odd = ", ".join(sorted(set(metrics) ^ set(self._columns)))
            raise LogError(f"the metrics of this iteration don't have the columns of {self._path}: {odd}")
        self._append([repr(_plain(metrics[column])) for column in self._columns])
        self._rows += 1

    def _append(self, row: list[str]) -> None:
        with self._path.open("a", newline="") as file:
            file.write(_csv_line(row))

    def _cut(self, keep: int) -> None:
        lines = whole_lines(self._path)
        if len(lines) < keep + 1:
            raise LogError(f"{self._path} has {max(len(lines) - 1, 0)} whole rows, but the checkpoint is after {keep}")
        self._columns = _cells(lines[0])
        atomic_write(self._path, "".join(line + "\n" for line in lines[: keep + 1]))


def whole_lines(path: Path) -> list[str]:
    """The header of a progress.csv and its rows up to the first that is cut off, damaged or missing.

    A row is whole if its line is ended, has a number for each column, and its Itr is the number of rows before it.
    """
    lines = path.read_bytes().decode(errors="replace").split("\n")[:-1] if path.exists() else []
    header = _cells(lines[0]) if lines else []
    if "Itr" not in header or len(set(header)) < len(header):
        return []
    for count, line in enumerate(lines[1:]):
        row = _cells(line)
        if len(row) != len(header) or not all(map(_is_number, row)) or row[header.index("Itr")] != str(count):
            return lines[: count + 1]
    return lines


class TensorBoardLog:
    """TensorBoard events, a scalar per metric and iteration, in groups (see `grouped_tag`).

    Args:
      directory: of the event files.
      last_step: K, the number of adaptation steps.

    Raises:
      OSError: they can't be written.
    """

    def __init__(self, directory: Path, last_step: int):
        self._last_step = last_step
        with as_os_errors():
            self._writer = tf.summary.create_file_writer(str(directory))

    def write(self, iteration: int, metrics: Metrics) -> None:
        """Adds one iteration. As arrays: TensorFlow keeps every Python number that becomes a tensor, for ever."""
        with as_os_errors(), self._writer.as_default(step=np.array(iteration, np.int64)):
            for name, value in metrics.items():
                if not np.isnan(value):
                    tf.summary.scalar(grouped_tag(name, self._last_step), np.array(value, np.float32))
            self._writer.flush()

    def write_settings(self, settings: Mapping[str, object]) -> None:
        """Adds the hyper-parameters, for the dashboard that compares runs by them."""
        from tensorboard.plugins.hparams import api  # seconds, which only a run needs

        values = {
            name: value if isinstance(value, bool | int | float | str) else str(value) for name, value in settings.items()
        }
        with as_os_errors(), self._writer.as_default():
            api.hparams(values)
            self._writer.flush()

    def write_picture(self, name: str, png: bytes, iteration: int) -> None:
        """Adds a picture, a PNG file."""
        with as_os_errors(), self._writer.as_default(step=np.array(iteration, np.int64)):
            tf.summary.image(name, tf.io.decode_png(png, channels=3)[tf.newaxis])
            self._writer.flush()


def grouped_tag(metric: str, last_step: int) -> str:
    """The metric's name with its group: after_adaptation/return for Step_1-AverageReturn, if `last_step` is 1."""
    prefix = "held_out_" if metric.startswith("HeldOut-") else ""
    parts = re.fullmatch(r"(?:HeldOut-)?Step_(\d+)-(.+)", metric)
    if parts:
        step, name = int(parts[1]), parts[2]
        after = "after_adaptation" if step == last_step else f"after_{step}_steps"
        return f"{prefix}{after if step or not last_step else 'before_adaptation'}/{TAGS.get(name, name)}"
    if metric in PROGRESS:
        return f"progress/{metric}"
    return f"time/{metric}" if "Time" in metric else f"meta_update/{metric}"


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _plain(value: float) -> float | int:
    return int(value) if isinstance(value, int) else float(value)


def _csv_line(row: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(row)
    return line.getvalue()
