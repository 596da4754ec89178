"""What a run or a sweep shows while it runs: live on a terminal, lines elsewhere."""

import contextlib
import dataclasses
import math
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from experiment_utils.runs.run_dir import LOG_NAME
from meta_policy_search.utils.stopwatch import ADAPTATION, META_UPDATE, PROCESSING

SHARES = {
    "simulation": "EnvExecTime",
    "policy": "PolicyExecTime",
    "processing": PROCESSING,
    "adaptation": ADAPTATION,
    "meta-update": META_UPDATE,
}

TAIL = 4096  # bytes of a log that its last line surely lies in
PERIOD = 60.0  # s between two reports where there is no terminal

ITERATION = re.compile(r"iteration \d+/\d+: .*")


class Display:
    """Progress of the iterations of this process.

    Args:
      title: what runs.
      n_itr: iterations in all.
      folder: of the run, if it has one.
      last_step: K, whose return is the return after adaptation.
      period: seconds between two lines, where there is no terminal.
    """

    def __init__(self, title: str, folder: Path | None, start_itr: int, n_itr: int, last_step: int, period: float = 0.0):
        self._n_itr, self._start, self._last_step = n_itr, start_itr, last_step
        self._begin, self._title, self._folder = time.perf_counter(), title, folder
        self._period, self._last_line = period, -math.inf
        self._console = Console(file=sys.stdout)
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]} left"),
            TimeElapsedColumn(),
        )
        self._task = self._progress.add_task(title, total=n_itr, completed=start_itr, left="?")
        self._live: Live | None = None

    @contextlib.contextmanager
    def showing(self) -> Iterator[None]:
        """While this is open, `update` shows something."""
        where = "" if self._folder is None else f" -> {self._folder}"
        if not self._console.is_terminal:  # nor in a notebook
            print(f"{self._title}{where}", flush=True)
            yield
            return
        self._console.print(f"{self._title}{where}", soft_wrap=True, highlight=False)
        with Live(self._progress, console=self._console, refresh_per_second=4) as self._live:
            yield

    def update(self, iteration: int, metrics: Mapping[str, float]) -> None:
        """Shows the state after an iteration."""
        numbers = self._numbers(iteration, metrics)
        if self._live is None:
            now = time.perf_counter()
            if now - self._last_line < self._period and iteration + 1 < self._n_itr:
                return
            self._last_line = now
            line = ", ".join(f"{name} {value}" for name, value in numbers.items())
            print(f"iteration {iteration + 1}/{self._n_itr}: {line}", flush=True)
            return
        self._progress.update(self._task, completed=iteration + 1, left=numbers.pop("time left"))
        table = Table.grid(padding=(0, 2))
        for name, value in numbers.items():
            table.add_row(name, value)
        self._live.update(Group(self._progress, table))

    def _numbers(self, iteration: int, metrics: Mapping[str, float]) -> dict[str, str]:
        done = iteration + 1 - self._start
        left = (time.perf_counter() - self._begin) / done * (self._n_itr - iteration - 1)
        steps = metrics["n_timesteps"] / (iteration + 1) / metrics["ItrTime"]
        return {
            **self._returns(metrics),
            "env steps/s": f"{steps:,.0f}",
            "env steps": f"{metrics['n_timesteps']:,}",
            "time": ", ".join(f"{name} {share:.0%}" for name, share in _shares(metrics).items()),
            "time left": _duration(left),
        }

    def _returns(self, metrics: Mapping[str, float]) -> dict[str, str]:
        first, last = (f"{metrics[f'Step_{step}-AverageReturn']:.2f}" for step in (0, self._last_step))
        return {"return before": first, "after": last} if self._last_step else {"return": first}


def _shares(metrics: Mapping[str, float]) -> dict[str, float]:
    """Where the time of the iteration went."""
    totals = {name: sum(v for key, v in metrics.items() if key.endswith(suffix)) for name, suffix in SHARES.items()}
    return {name: total / metrics["ItrTime"] for name, total in totals.items()}


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


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
