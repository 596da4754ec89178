"""The code in the documentation runs."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

import meta_policy_search
from tests import reference
from tests.experiment_utils.test_experiment import ROOT, rows

OWN_ENVIRONMENT, USE = ROOT / "docs" / "own_environment.md", ROOT / "docs" / "use_a_policy.md"
TUTORIALS = ROOT / "docs" / "tutorials"
SMALL = ["--meta_batch_size=2", "--rollouts_per_meta_task=2", "--max_path_length=12", "--n_itr=2", "--hidden_sizes=4"]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def run(command: str, folder: Path, *argv: str) -> None:
    """A command of the page as it stands there, with more arguments."""
    python, script, *flags = shlex.split(command)
    assert python == "python"
    command = [sys.executable, str(ROOT / script), *flags, *argv]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr


@pytest.fixture
def project(tmp_path) -> Path:
    pendulum, cart_pole, _ = blocks(OWN_ENVIRONMENT, "python")
    (tmp_path / "my_envs.py").write_text(pendulum + cart_pole)
    return tmp_path


def test_the_measurements_compare_files_of_the_original_that_can_be_compared():
    patterns = re.findall(r"python -m tests.reference ((?:\S+\.npz ?)+)", (ROOT / "docs" / "measured.md").read_text())
    assert len(patterns) == 3
    for pattern in " ".join(patterns).split():
        files = list(ROOT.glob(pattern))
        assert files
        for path in files:
            assert reference.module_for(path)


def test_the_citations_name_the_version_and_the_paper():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    page = (ROOT / "docs" / "cite.md").read_text()
    assert citation["version"] == meta_policy_search.__version__
    assert f"version = {{{meta_policy_search.__version__}}}" in page
    assert citation["preferred-citation"]["url"] in page


@pytest.mark.slow
def test_the_lines_of_the_readme_train_adapt_and_act(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (lines,) = blocks(ROOT / "README.md", "python")
    names: dict = {}
    exec(lines.replace("n_itr=50", "n_itr=1, meta_batch_size=2, rollouts_per_meta_task=2, max_path_length=9"), names)
    assert names["action"].shape == (2,)
    assert (tmp_path / "data" / "corner" / "policies" / "last.npz").exists()


@pytest.mark.slow
def test_the_page_on_training_from_python_trains_and_its_callback_stops(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    small = "n_itr=3, meta_batch_size=2, rollouts_per_meta_task=2, max_path_length=9"
    for block in blocks(ROOT / "docs" / "train_from_python.md", "python"):
        exec(block.replace("n_itr=50", small).replace("StopAt(1.0)", "StopAt(-1.0)"), names)
    assert len(names["trained"].progress) == 3
    assert names["watched"].progress["Gain"].shape == (1,)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["PendulumRandGravity", "CartPoleRandLength"])
def test_the_page_on_own_environments_trains(project, name):
    (command,) = blocks(OWN_ENVIRONMENT, "bash")
    run(command.replace("PendulumRandGravity", name), project, *SMALL, "--dump_path", "run")
    assert len(rows(project / "run")) == 2


def test_the_page_on_own_environments_steps_from_python(project):
    names: dict = {}
    pendulum, _, from_python = blocks(OWN_ENVIRONMENT, "python")
    exec(pendulum + from_python, names)
    assert names["observations"].shape == names["step"].observations.shape == (8, 3)
    assert (names["step"].rewards < 0).all()
    assert len(set(names["envs"].tasks)) == 8


@pytest.mark.slow
def test_the_page_on_own_policies_trains_checks_and_takes_pictures():
    names: dict = {}
    for block in blocks(ROOT / "docs" / "own_policy.md", "python"):
        exec(block.replace("n_itr=50", "n_itr=1, meta_batch_size=2, rollouts_per_meta_task=2, max_path_length=9"), names)
    policy = names["CNNPolicy"]((7, 6, 3), 2, hidden_sizes=(4,), rng=np.random.default_rng(0))
    pictures = np.random.default_rng(1).integers(0, 256, (2, 5, 7, 6, 3)).astype(np.float32)
    params = {name: value.numpy() for name, value in policy.stacked_theta(2).items()}
    actions, _ = policy.act(params, pictures, policy.noise(np.random.default_rng(2), (2, 5)))
    assert actions.shape == policy.mode(params, pictures).shape == (2, 5, 2)


@pytest.mark.slow
def test_the_page_on_using_a_policy_trains_tests_and_acts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train, meta_test, visualize, report = blocks(USE, "bash")
    run(train, tmp_path, *SMALL)
    run(meta_test, tmp_path, "--num_tasks=2", "--rollouts=2", "--steps=1")
    assert (tmp_path / "data" / "cheetah" / "meta_test" / "k_shot.md").exists()
    assert visualize.split()[1] == "run_scripts/visualize.py"  # drawn in tests/experiment_utils/evaluation/test_visualize.py
    run(report, tmp_path)
    assert "k_shot" in (tmp_path / "data" / "cheetah" / "report.html").read_text()
    names: dict = {}
    for block in blocks(USE, "python"):
        exec(block, names)
    assert names["action"].shape == (6,)
    assert [found.trajectories.rewards.shape for found in names["rounds"]] == [(10, 5, 12)] * 3
    assert names["modes"].shape == names["draws"].shape == (8, 6)
    (export,) = re.findall(r"`(python run_scripts/export_policy.py .*?)`", USE.read_text())
    run(export.replace(" model ", " another "), tmp_path)
    assert (tmp_path / "another" / "saved_model.pb").exists()


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(TUTORIALS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_tutorial_runs_and_is_stored_without_outputs(path, tmp_path):
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] for cell in cells)
    code = "\n".join("".join(cell["source"]) for cell in cells)
    command = [sys.executable, "-c", code]  # like a notebook, it is no file that a worker process could import
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
