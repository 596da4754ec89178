"""The short run that faults are injected into, and what its output must be when one stops it."""

from pathlib import Path

from tests.faults.forkserver import Answer, ForkServer
from tests.faults.kills import ENV, SMALL

SCRIPT, N_ITR = "vpg_run_mujoco.py", "5"


def start(server: ForkServer, folder: Path, log: Path, *argv: str, file_size: int | None = None) -> Answer:
    """Runs it in a process of its own; `file_size` bounds the bytes of every file that it writes."""
    log.write_text("")
    settings = ["--dump_path", str(folder), "--n_itr", N_ITR, *ENV, *SMALL, *argv]
    return server.run(SCRIPT, *settings, log=log, file_size=file_size)


def assert_one_sentence(log: Path, *words: str) -> None:
    """The log ends in one error sentence with these words, and no traceback."""
    output = log.read_text()
    assert "Traceback" not in output
    assert output.count("error: ") == 1
    assert "\nerror: " in output or output.startswith("error: ")
    for word in words:
        assert word in output
