"""The code in the documentation runs."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.experiment_utils.test_runs import ROOT, rows

PAGE = ROOT / "docs" / "own_environment.md"
SMALL = ["--meta_batch_size=2", "--rollouts_per_meta_task=2", "--max_path_length=12", "--n_itr=2", "--hidden_sizes=4"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
def project(tmp_path) -> Path:
    pendulum, cart_pole, _ = blocks("python")
    (tmp_path / "my_envs.py").write_text(pendulum + cart_pole)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["PendulumRandGravity", "CartPoleRandLength"])
def test_the_page_on_own_environments_trains(project, name):
    (command,) = blocks("bash")
    python, script, *flags = shlex.split(command.replace("PendulumRandGravity", name))
    assert python == "python"
    argv = [sys.executable, str(ROOT / script), *flags, *SMALL, "--dump_path", "run"]
    result = subprocess.run(argv, cwd=project, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    assert len(rows(project / "run")) == 2


def test_the_page_on_own_environments_steps_from_python(project):
    names: dict = {}
    pendulum, _, from_python = blocks("python")
    exec(pendulum + from_python, names)
    assert names["observations"].shape == names["step"].observations.shape == (8, 3)
    assert (names["step"].rewards < 0).all()
    assert len(set(names["envs"].tasks)) == 8
