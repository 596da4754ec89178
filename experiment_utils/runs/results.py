"""Finished and unfinished runs as data: params.json and progress.csv of every run directory below some directories."""

import dataclasses
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiment_utils.algorithms import paper_name
from experiment_utils.config import Config
from experiment_utils.config_files import may_change
from experiment_utils.runs.run_dir import InvalidRunError, read_params
from experiment_utils.validation import nearest

Settings = Mapping[str, Any]

# Settings that may differ between the runs of one experiment: the seed, how far it is, and where it is simulated.
MAY_DIFFER = {"seed", *may_change(Config)}

LAST_RETURN = "return"  # stands for Step_<K>-AverageReturn, the return after adaptation

SETTING_TYPES = {"algo": str, "inner_type": str, "outer_type": str, "exploration": bool, "n_itr": int}  # what is looked at
SETTING_TYPES |= {"seed": int, "num_inner_grad_steps": int}


class RunDataWarning(UserWarning):
    """A file that was left out, and why."""


@dataclasses.dataclass(frozen=True)
class RunData:
    """One run: where it lies, its settings, and one row per iteration."""

    path: Path
    config: Settings
    progress: pd.DataFrame

    @property
    def algorithm(self) -> str:
        """The paper's name."""
        return paper_name(self.config)

    @property
    def end(self) -> float:
        """How far it is, in env steps."""
        return float(self.column("n_timesteps").iloc[-1])

    def field(self, name: str) -> Any:
        """A setting; `algorithm` is the paper's name, `folder` where the run is kept. None where it has no such setting."""
        if name == "folder":
            return str(self.path.parent)
        return self.algorithm if name == "algorithm" else self.config.get(name)

    def column(self, name: str) -> pd.Series:
        """A column of progress.csv; "return" is the return after the run's last adaptation step.

        Raises:
          InvalidRunError: there is no such column.
        """
        if name == LAST_RETURN:
            name = f"Step_{self.config.get('num_inner_grad_steps', 1)}-AverageReturn"
        if name not in self.progress:
            hint = nearest(name, [LAST_RETURN, *self.progress])
            raise InvalidRunError(f"{self.path / 'progress.csv'} has no column {name!r}; {hint}")
        return self.progress[name]


def find_run_folders(directories: Iterable[Path]) -> list[Path]:
    """The directories themselves and all below them that hold a params.json or a progress.csv, in order of their names.

    What is below a folder whose name begins with a dot (half a copy, say) is none of them.
    """
    found = (
        (root, path) for root in directories for name in ("params.json", "progress.csv") for path in Path(root).rglob(name)
    )
    files = [path for root, path in found if not any(part[0] == "." for part in path.relative_to(root).parts)]
    folders = {path.parent.resolve(): path.parent for path in files if path.is_file()}  # each once, however it is named
    return sorted(folders.values())


def load_runs(directories: Sequence[Path], columns: Sequence[str] = ()) -> list[RunData]:
    """All runs below the directories that have these columns.

    What is missing, half-written or foreign is named in a warning and left out.
    """
    runs = []
    for folder in find_run_folders(directories):
        try:
            run = load_run(folder)
            require_columns(run, columns)
            runs.append(run)
        except InvalidRunError as error:
            warnings.warn(f"{error}; skipped", RunDataWarning, stacklevel=2)
    return runs


def require_columns(run: RunData, columns: Sequence[str]) -> None:
    """Require the columns of a run; warn if it has NaN or infinity there.

    Raises:
      InvalidRunError: it lacks one.
    """
    for name in columns:
        if missing := int((~np.isfinite(run.column(name))).sum()):
            message = f"{run.path / 'progress.csv'} has no finite number for {name} in {missing} of its rows"
            warnings.warn(message, RunDataWarning, stacklevel=3)


def with_columns(runs: Sequence[RunData], columns: Sequence[str]) -> list[RunData]:
    """The runs that have the columns; the others are named in a warning.

    Raises:
      InvalidRunError: none has them.
    """
    having, messages = [], []
    for run in runs:
        try:
            require_columns(run, columns)
            having.append(run)
        except InvalidRunError as error:
            messages.append(error)
    if messages and not having:
        raise messages[0]
    for message in messages:
        warnings.warn(f"{message}; skipped", RunDataWarning, stacklevel=2)
    return having


def require_runs(there_are_some: bool, root: Path) -> None:
    """Require a run, before an empty picture is drawn.

    Raises:
      InvalidRunError: there are none.
    """
    if not there_are_some:
        raise InvalidRunError(f"there is no run of the figure below {root}")


def load_run(folder: Path) -> RunData:
    """The run in a folder. A half-written last row is named in a warning and left out.

    Raises:
      InvalidRunError: params.json or progress.csv is missing, or is not what a run writes.
    """
    return RunData(folder, _read_config(folder / "params.json"), read_progress(folder / "progress.csv"))


def trained_iterations(folder: Path) -> int:
    """How many iterations the run in the folder has.

    Raises:
      InvalidRunError: there is no run.
    """
    return len(read_progress(folder / "progress.csv"))


def read_progress(path: Path) -> pd.DataFrame:
    """The complete rows of a progress.csv.

    Raises:
      InvalidRunError: there is none, a cell is not a number, or the columns are not those of a run or do not increase.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRunError(f"{path} can't be read ({getattr(error, 'strerror', None) or 'not text'})") from error
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
        warnings.warn(f"{path}: the last row is half-written; left out", RunDataWarning, stacklevel=2)
    rows = [line.rstrip("\r\n").split(",") for line in lines]
    if len(rows) < 2:
        raise InvalidRunError(f"{path} has no complete row")
    header, *values = rows
    ragged = [number for number, row in enumerate(values, start=2) if len(row) != len(header)]
    if ragged or not {"Itr", "n_timesteps"} <= set(header) or len(set(header)) < len(header):
        what = (
            f"line {ragged[0]} has not {len(header)} cells" if ragged else "it has no columns Itr and n_timesteps, once each"
        )
        raise InvalidRunError(f"{path} is not the log of a run: {what}")
    try:
        table = pd.DataFrame(values, columns=header).astype(float)
    except ValueError as error:
        raise InvalidRunError(f"{path} is not the log of a run: {error}") from error
    for name in ("Itr", "n_timesteps"):
        if not (np.isfinite(table[name]).all() and (np.diff(table[name]) > 0).all()):
            raise InvalidRunError(f"{path} is not the log of a run: {name} does not increase from row to row")
    return table


def _read_config(path: Path) -> Settings:
    config = read_params(path)["config"]
    for name in ("algo", "seed"):
        if name not in config:
            raise InvalidRunError(f"{path} does not hold the settings of a run: it has no {name}")
    for name, kind in SETTING_TYPES.items():
        if name in config and not isinstance(config[name], kind):
            raise InvalidRunError(f"{path} does not hold the settings of a run: {name} is {str(config[name])[:50]!r}")
    return config
