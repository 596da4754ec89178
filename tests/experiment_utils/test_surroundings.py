"""What a user's machine has set up breaks no script, and is answered by one sentence where it must."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiment_utils import run_sweep
from experiment_utils.algorithms import SCRIPTS
from tests.experiment_utils.fake_runs import write_run

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
NOT_ASCII = os.fsdecode("ö".encode())
HOMELESS = """
import pathlib, runpy, sys

def home():
    raise RuntimeError("Could not determine home directory.")

pathlib.Path.home = home
sys.argv = [{script!r}, "--help"]
runpy.run_path({script!r}, run_name="__main__")
"""


def called(script: Path, *argv: str, **variables: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(script), *map(str, argv)]
    return subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=300, errors="replace", check=False
    )


@pytest.fixture
def run(tmp_path) -> Path:
    returns = {"Step_0-AverageReturn": [0.0, 1.0]}
    return write_run(tmp_path / "run", [1.0, 2.0], extra=returns)


@pytest.fixture
def home(tmp_path) -> Path:
    """A home directory whose matplotlibrc would need LaTeX."""
    folder = tmp_path / "home" / ".config" / "matplotlib"
    folder.mkdir(parents=True)
    (folder / "matplotlibrc").write_text("text.usetex: True\nfont.family: no such font\n")
    return tmp_path / "home"


@pytest.fixture
def settings(home) -> dict[str, str]:
    """All that is known to break plots and output, at once."""
    return {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"), "MPLBACKEND": "nonsense", **ASCII}


def test_pictures_are_the_same_whatever_the_user_has_set(run, settings, tmp_path):
    for name, variables in (("plain", {}), ("set", settings), ("homeless", {"HOME": "/proc/none"})):
        result = called(SCRIPTS / "plot_curves.py", run, "--out", tmp_path / name, **variables)
        assert result.returncode == 0, result.stderr
    pictures = {(tmp_path / f"{name}.png").read_bytes() for name in ("plain", "set", "homeless")}
    assert len(pictures) == 1


def test_a_report_is_written_whatever_the_user_has_set(run, settings):
    result = called(SCRIPTS / "report.py", run, **settings)
    assert (result.returncode, result.stderr) == (0, "")


def test_letters_that_the_locale_lacks_are_refused_in_a_path(tmp_path):
    folder = tmp_path / NOT_ASCII
    result = called(SCRIPTS / "pro-mp_run_point_mass.py", "--dump_path", folder, **ASCII)
    assert result.returncode == 2
    assert "has letters that the locale doesn't know; set LC_ALL=C.UTF-8" in result.stderr
    assert not folder.exists()


def test_sweeps_need_no_home_directory():
    code = HOMELESS.format(script=run_sweep.__file__)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
