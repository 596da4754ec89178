"""What a sweep shows while it runs: a line for each run, read from the runs' own logs."""

import contextlib
import dataclasses
import re
import sys
import threading
from collections.abc import Iterator, Sequence, Set
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

LOG_NAME = "run.log"
TAIL = 4096  # bytes of a log that its last line surely lies in
PERIOD = 60.0  # s between two reports where there is no terminal

ITERATION = re.compile(r"iteration \d+/\d+: .*")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a run."""

    folder: Path
    code: int  # of its process; 0 is success
    reused: bool  # it was finished before
    error: str = ""  # why its process was not started

    def what_failed(self) -> str:
        """Where, and what: why it was not started, or the end of its log."""
        log = self.folder / LOG_NAME
        return self.error or f"{self.folder}, log {log}: {last_line(log)}"


@contextlib.contextmanager
def showing(folders: Sequence[Path], finished: Set[Path] = frozenset()) -> Iterator[None]:
    """Shows the status of the runs in the folders while this is open: live on a terminal, every minute elsewhere.

    Args:
      folders: of the runs.
      finished: those in which there is nothing left to do.
    """
    console = Console(file=sys.stdout)
    if console.is_terminal:
        with Live(get_renderable=lambda: status_table(folders, finished), console=console, refresh_per_second=1):
            yield
        return
    stop = threading.Event()
    thread = threading.Thread(target=_report, args=(folders, finished, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def status_table(folders: Sequence[Path], finished: Set[Path] = frozenset()) -> Table:
    """A row for each run: its folder and the last thing that it said."""
    table = Table.grid(padding=(0, 2))
    for folder in folders:
        table.add_row(folder.name if len(folders) == 1 else "/".join(folder.parts[-3:]), status(folder, finished))
    return table


def status(folder: Path, finished: Set[Path] = frozenset()) -> str:
    """The last iteration that the run reported, or its last line before the first."""
    log = folder / LOG_NAME
    if not log.exists():
        return "finished before" if folder in finished else "waiting"
    line = last_line(log)
    return line.split(", env steps ")[0] if ITERATION.match(line) else line


def last_line(log: Path) -> str:
    """The last line of a log that isn't blank; "" if there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")


def _report(folders: Sequence[Path], finished: Set[Path], stop: threading.Event) -> None:
    while not stop.wait(PERIOD):
        for folder in folders:
            print(f"{folder}: {status(folder, finished)}", flush=True)
