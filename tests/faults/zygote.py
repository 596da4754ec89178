"""A process that has imported everything, run nothing, and forks a child for each run: 0.1 s instead of 5 to start one.

It reads requests from stdin and writes answers to stdout, a line of JSON each. `Zygote` is the other end.
"""

import dataclasses
import importlib
import json
import os
import resource
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
IMPORTED = (
    "experiment_utils.display",
    "experiment_utils.environments",
    "experiment_utils.runs.learning_curve",
    "experiment_utils.builders",
    "meta_policy_search.envs.point_envs.point_env_2d",
    "meta_policy_search.meta_algos.dice_maml",
    "meta_policy_search.meta_algos.pro_mp",
    "meta_policy_search.meta_trainer",
    "meta_policy_search.utils.logger",
)
POLL = 1e-4  # s, how often the parent looks what the child does


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


class Zygote:
    """Starts run scripts in a moment. A context manager.

    Args:
      real: with the algorithms' own gradients (untraced, some seconds per iteration); see `cheap`.
    """

    def __init__(self, real: bool = False):
        self._real = real

    def __enter__(self) -> "Zygote":
        command = [sys.executable, "-m", "tests.faults.zygote", *(["real"] if self._real else [])]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.stdin.close()
        self._process.wait()

    def run(self, script: str, *argv: str, log: Path, kill: Kill | None = None, file_size: int | None = None) -> Answer:
        """Runs a script of run_scripts/ to its end, or to its death.

        Args:
          log: where its output goes.
          kill: when to kill it.
          file_size: no file can grow beyond it, in bytes; the system refuses.
        """
        fault = None if kill is None else dataclasses.asdict(kill)
        request = {"script": script, "argv": argv, "log": str(log), "kill": fault, "file_size": file_size}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Answer(**json.loads(self._process.stdout.readline()))


def serve(real: bool) -> None:
    """Answers requests until stdin is closed."""
    from tests.faults.stages import STAGES, StageBoard

    board = StageBoard()
    _import_everything()
    if not real:
        from tests.faults import cheap

        cheap.install()
    board.install()
    for line in sys.stdin:
        request = json.loads(line)
        board.clear()
        child = os.fork()
        if child == 0:
            _become_the_run(request)
        code = _watch(child, request["kill"], board)
        durations = {stage: board.seconds(stage) for stage in STAGES}
        print(json.dumps({"code": code, "stage": board.now, "durations": durations}), flush=True)


def _import_everything() -> None:
    from experiment_utils.tensorflow_setup import quiet_stderr

    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with quiet_stderr():
        import tensorflow as tf

    for name in IMPORTED:
        importlib.import_module(name)
    tf.config.run_functions_eagerly(True)  # tracing would take longer than the run


def _become_the_run(request: dict[str, Any]) -> None:
    """Never returns."""
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number, target in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(target, number)
    if request["file_size"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_size"],) * 2)
    script = str(ROOT / "run_scripts" / request["script"])
    sys.argv = [script, *request["argv"]]
    code = 70  # an exception that nobody caught, but SystemExit
    try:
        runpy.run_path(script, run_name="__main__")
        code = 0
    except SystemExit as stop:
        code = stop.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        os._exit(code)


def _watch(child: int, kill: dict[str, Any] | None, board) -> int:
    """Waits for the child, kills it when it is time, and returns its exit code."""
    due = None
    while True:
        pid, status = os.waitpid(child, os.WNOHANG if kill else 0)
        if pid:
            return os.waitstatus_to_exitcode(status)
        now = time.perf_counter()
        if due is None and board.begun(kill["stage"]) >= kill["call"]:
            due = now + kill["delay"]
        if due is not None and now >= due:
            os.kill(child, signal.SIGKILL)
            kill = None
        else:
            time.sleep(POLL)


if __name__ == "__main__":
    serve(real="real" in sys.argv)
