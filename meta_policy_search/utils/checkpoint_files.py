"""The names of a run's checkpoint files, for whoever looks for them without TensorFlow."""

import re
from pathlib import Path

FILE_NAME = re.compile(r"ckpt-([0-9]+)(\.index|\.data-[0-9]+-of-[0-9]+|_temp)")


def checkpoint_numbers(directory: Path) -> list[int]:
    """Return the numbers of the checkpoints in a directory, good or not, ascending."""
    names = [FILE_NAME.fullmatch(path.name) for path in directory.glob("ckpt-*")]
    return sorted(int(name[1]) for name in names if name and name[2] == ".index")


def newest_checkpoint(directory: Path) -> int | None:
    """Return after how many iterations the newest checkpoint was written; None if there is none."""
    return max(checkpoint_numbers(directory), default=None)


def checkpoint_files(directory: Path) -> list[Path]:
    """Return the files of the newest checkpoint."""
    newest = newest_checkpoint(directory)
    named = [(FILE_NAME.fullmatch(path.name), path) for path in directory.glob("ckpt-*")]
    return sorted(path for name, path in named if name and int(name[1]) == newest and name[2] != "_temp")
