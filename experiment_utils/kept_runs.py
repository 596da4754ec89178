"""Runs that a repository keeps: copied out of the folder where they are trained, and back to go on with them elsewhere."""

import re
import shutil
from pathlib import Path

from experiment_utils.run_folder import RunFolder
from experiment_utils.run_sweep import Run

LOGS = ("params.json", "progress.csv")
CHECKPOINT_FILE = re.compile(r"ckpt-([0-9]+)\.(index|data-[0-9]+-of-[0-9]+)")


def keep(folder: Path, target: Path, also: tuple[str, ...] = ()) -> None:
    """Copies a run's logs, its last policy and its newest checkpoint; what else has one of the names `also`, too.

    A copy is enough to draw the run, to use its policy and to go on with it. It may be made while the run is trained: the
    rows of progress.csv are copied last, so a checkpoint never lacks its row.
    """
    source, kept = RunFolder(folder), RunFolder(target)
    kept.path.mkdir(parents=True, exist_ok=True)
    old, new = checkpoint_files(kept.checkpoints), checkpoint_files(source.checkpoints)
    names = [*(path.relative_to(folder) for path in new), "policies/last.npz", *also, *LOGS]
    for name in names:
        if (folder / name).exists():
            (target / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(folder / name, target / name)
    for path in old:
        if path.name not in [file.name for file in new]:
            path.unlink()


def fetch(run: Run, kept: Path) -> str | None:
    """Copies a kept run to where `run` is trained, if it helps there: it is finished, or has a checkpoint to go on from.

    Nothing is copied over a run that is there already, nor from one with other settings.

    Returns:
      Why a kept run with these settings could not be used, in one sentence; None if it could, or if there is none.
    """
    if run.state() != "new" or not run.continues(kept):
        return None
    source = RunFolder(kept)
    files = checkpoint_files(source.checkpoints)
    if not files and run.state(kept) != "finished":
        return f"{kept} is shorter and has no checkpoint to go on from; the run begins anew"
    shutil.copytree(kept, run.folder, dirs_exist_ok=True)
    return None


def checkpoint_files(directory: Path) -> list[Path]:
    """The files of the newest checkpoint."""
    named = [(match, path) for path in directory.glob("ckpt-*") if (match := CHECKPOINT_FILE.fullmatch(path.name))]
    newest = max((int(match[1]) for match, _ in named if match[2] == "index"), default=None)
    return sorted(path for match, path in named if int(match[1]) == newest)
