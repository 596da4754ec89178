"""Runs of the run scripts in forks of a process that has imported everything: 0.1 s instead of 5 to start one."""

import dataclasses
import multiprocessing
import os
import resource
import runpy
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.stages import STAGES, StageBoard

ROOT = Path(__file__).resolve().parent.parent.parent
POLL = 1e-4  # s, how often to look what a run does


@dataclasses.dataclass(frozen=True)
class Kill:
    """SIGKILL, `delay` seconds after the stage was begun for the `call`-th time (1, 2, ...)."""

    stage: str = "start"
    call: int = 0
    delay: float = 0.0


@dataclasses.dataclass(frozen=True)
class Answer:
    """What became of a run."""

    code: int  # as of subprocess: negative, if a signal ended it
    stage: str  # what it was busy with at its end
    durations: dict[str, float]  # mean seconds by stage


class ForkServer:
    """Starts run scripts in a moment. A context manager.

    Args:
      real: with the algorithms' own gradients (untraced, some seconds per iteration); see `cheap`.
    """

    def __init__(self, real: bool = False):
        self._real, self._context = real, multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.faults.preloaded"])

    def __enter__(self) -> "ForkServer":
        self._directory = tempfile.TemporaryDirectory()
        self._board = Path(self._directory.name) / "stages"
        return self

    def __exit__(self, *exception: object) -> None:
        self._directory.cleanup()

    def run(self, script: str, *argv: str, log: Path, kill: Kill | None = None, file_size: int | None = None) -> Answer:
        """Runs a script of run_scripts/ to its end, or to its death.

        Args:
          log: where its output goes.
          kill: when to kill it.
          file_size: no file can grow beyond it, in bytes; the system refuses.
        """
        board = StageBoard(self._board)
        board.clear()
        arguments = (ROOT / "run_scripts" / script, argv, log, file_size, self._board, self._real)
        process = self._context.Process(target=_become_the_run, args=arguments)
        process.start()
        if kill is not None:
            _kill_in_time(process, kill, board)
        process.join()
        return Answer(process.exitcode, board.now, {stage: board.seconds(stage) for stage in STAGES})


def _become_the_run(script: Path, argv: tuple[str, ...], log: Path, file_size: int | None, board: Path, real: bool) -> None:
    """Executes the script, in the child."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(output, number)
    if not real:
        from tests.faults import cheap

        cheap.install()
    StageBoard(board).install()
    if file_size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    sys.argv = [str(script), *argv]
    runpy.run_path(str(script), run_name="__main__")


def _kill_in_time(process: multiprocessing.Process, kill: Kill, board: StageBoard) -> None:
    """Kills the process when it is time, if it is still there."""
    while board.begun(kill.stage) < kill.call and process.is_alive():
        time.sleep(POLL)
    process.join(kill.delay)
    if process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
