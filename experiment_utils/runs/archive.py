"""Runs and tables that a repository keeps: copied out of the folder where they are made, and back to go on with them."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from experiment_utils.runs.results import MAY_DIFFER, RunData, load_run
from experiment_utils.runs.run_dir import LOG_NAME, InvalidRunError, RunDir
from experiment_utils.runs.run_spec import Run
from meta_policy_search.utils.checkpoint_files import checkpoint_files

LOGS, POLICIES = ("params.json", "progress.csv"), ("policies/last.npz", "policies/best.npz")
OF_NO_USE = {LOG_NAME, ".lock"}  # what a run leaves that was stopped before its first iteration began


def keep(folder: Path, target: Path, also: tuple[str, ...] = ()) -> str | None:
    """Copies a run's logs, its last and best policies and its newest checkpoint; what else has one of the names `also`, too.

    A copy is enough to draw the run, to use its policy and to go on with it. It may be made while the run is trained: the
    rows of progress.csv are copied last, so a checkpoint never lacks its row. What is kept already gives way only to the
    same run with at least as many rows.

    Returns:
      Why nothing was copied, in one sentence; None if it was.
    """
    try:
        run = load_run(folder)
    except InvalidRunError as error:
        return f"{error}; not kept"
    message = _in_the_way(run, target)
    if message is not None:
        return f"{message}; {folder} is not kept"
    source, kept = RunDir(folder), RunDir(target)
    kept.path.mkdir(parents=True, exist_ok=True)
    old, new = kept.checkpoints.glob("ckpt-*"), checkpoint_files(source.checkpoints)
    names: list[Path | str] = [*(path.relative_to(folder) for path in new), *POLICIES, *also, *LOGS]
    for name in names:
        if (folder / name).exists():
            (target / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(folder / name, target / name)
    for path in old:
        if path.name not in [file.name for file in new]:
            path.unlink()
    return None


def _in_the_way(run: RunData, target: Path) -> str | None:
    """What a copy of the run would destroy at the target."""
    if not RunDir(target).holds_a_run():
        return None
    try:
        kept = load_run(target)
    except InvalidRunError as error:
        return f"{error}; remove it if it is of no use"
    shared = (run.config.keys() & kept.config.keys()) - (MAY_DIFFER - {"seed"})
    differing = sorted(name for name in shared if run.config[name] != kept.config[name])
    if differing:
        return f"{target} is a run with other settings ({', '.join(differing)})"
    if len(kept.progress) > len(run.progress):
        return f"{target} is longer, {len(kept.progress)} rows for {len(run.progress)}"
    return None


def fetch(run: Run, kept: Path) -> str | None:
    """Copies a kept run to where `run` is trained, if it helps there: it is finished, or has a checkpoint to go on from.

    Nothing is copied to a folder in which there is anything but a log, nor a run with other settings.

    Returns:
      Why a kept run could not be used, in one sentence; None if it could, or if there is none.
    """
    if not RunDir(kept).holds_a_run() or RunDir(run.folder).holds_a_run():
        return None
    there = {path.name for path in run.folder.glob("*")}
    if there - OF_NO_USE:
        return f"{run.folder} has no run, but {min(there - OF_NO_USE)}; {kept} is not copied there"
    if not run.continues(kept):
        return f"{kept} is another run, or broken; {run.folder} begins anew"
    if not checkpoint_files(RunDir(kept).checkpoints) and run.state(kept) != "finished":
        return f"{kept} is too short and has no checkpoint to go on from; {run.folder} begins anew"
    partial = run.folder.with_name(f".{run.folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(kept, partial)
    for name in there:
        os.replace(run.folder / name, partial / name)
    os.replace(partial, run.folder)  # all or nothing
    return None


def copy_table(source: Path, target: Path) -> str | None:
    """Copy a table that grows, if there is one; what is there must be a beginning of it.

    Returns:
      Why it was not copied, in one sentence; None if it was, or there is none.
    """
    if not source.exists():
        return None
    new, old = source.read_bytes(), target.read_bytes() if target.exists() else b""
    if not new.startswith(old):
        return f"{target} has other rows than {source}; not replaced"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(new)
    return None


def read_table(path: Path, columns: Mapping[str, type], writer: str) -> pd.DataFrame:
    """A table that a command writes, of columns of these types and others.

    Args:
      writer: the command, for the message.

    Raises:
      InvalidRunError: there is no such file, it is another, or has no rows.
    """
    if not path.exists():
        raise InvalidRunError(f"there is no {path}; {writer} makes it below its --dump_path")
    exactly = dict.fromkeys([name for name, kind in columns.items() if kind is float], _number)
    try:
        table = pd.read_csv(path, converters=exactly).astype(columns)
    except (OSError, ValueError, KeyError) as error:
        raise InvalidRunError(f"{path} is not what {writer} writes ({error})") from error
    if not len(table):
        raise InvalidRunError(f"{path} has no rows")
    return table


def _number(text: str) -> float:
    return float(text or "nan")  # to the last bit, which pandas < 3.1 does not read
