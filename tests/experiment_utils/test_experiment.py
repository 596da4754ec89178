"""Runs as a user starts, kills and resumes them."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "run_scripts" / "pro-mp_run_point_mass.py"
MUJOCO = SCRIPT.with_name("pro-mp_run_mujoco.py")
SMALL = ["--meta_batch_size", "3", "--rollouts_per_meta_task", "2", "--max_path_length", "10", "--hidden_sizes", "8"]
DENSE = ["--env", "MetaPointEnv", "--env_options", '{"reward_type": "dense"}']  # every action shows in the numbers
N_ITR = 30

pytestmark = pytest.mark.slow


def command(folder: Path, *argv: str, script: Path = SCRIPT) -> list[str]:
    return [sys.executable, str(script), "--dump_path", str(folder), *argv]


def run(folder: Path, *argv: str, script: Path = SCRIPT) -> subprocess.CompletedProcess:
    return subprocess.run(command(folder, *argv, script=script), capture_output=True, text=True, timeout=300, check=False)


def rows(folder: Path) -> list[dict[str, str]]:
    """progress.csv without the columns that hold times."""
    with (folder / "progress.csv").open() as file:
        return [{k: v for k, v in row.items() if "Time" not in k} for row in csv.DictReader(file)]


def policies(folder: Path) -> dict[str, bytes]:
    """The snapshots by name."""
    return {path.name: path.read_bytes() for path in (folder / "policies").iterdir()}


def wait_for_rows(folder: Path, count: int, process: subprocess.Popen) -> None:
    while not ((folder / "progress.csv").exists() and len(rows(folder)) >= count):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    result = run(folder, "--n_itr", str(N_ITR), *SMALL, *DENSE)
    assert result.returncode == 0, result.stderr
    assert len({row["Step_0-AverageReturn"] for row in rows(folder)}) == N_ITR
    assert f"iteration {N_ITR}/{N_ITR}: return before" in result.stdout
    return folder


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def test_a_run_leaves_everything_behind(finished):
    params = json.loads((finished / "params.json").read_text())
    assert params["config"]["n_itr"] == N_ITR
    assert params["versions"]["mujoco"] == "3.17.0"
    assert params["environment"] == {"TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1")}
    assert len(rows(finished)) == N_ITR
    assert rows(finished)[-1]["n_timesteps"] == str(N_ITR * 2 * 3 * 2 * 10)
    assert (finished / "learning_curve.pdf").read_bytes().startswith(b"%PDF")
    assert (finished / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    assert list((finished / "tb").glob("events.*"))
    assert not [path for path in finished.rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib")]


def test_a_killed_and_resumed_run_gives_the_same_numbers_bit_for_bit(finished, tmp_path):
    folder = tmp_path / "killed"
    for wanted in (0, 7, 19):  # killed before the first row, and twice in the middle
        resume = ["--resume"] if wanted else ["--n_itr", str(N_ITR), *SMALL, *DENSE]
        process = subprocess.Popen(command(folder, *resume), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if wanted:
            wait_for_rows(folder, wanted, process)
        else:
            while not (folder / "params.json").exists():
                time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert run(folder, "--resume").returncode == 0
    assert rows(folder) == rows(finished)
    assert policies(folder) == policies(finished)
    assert set(policies(finished)) == {"itr_0.npz", "best.npz", "last.npz"}
    params = json.loads((folder / "params.json").read_text())
    assert [entry["itr"] >= least for entry, least in zip(params["resumed"][-2:], (6, 18), strict=True)] == [True, True]
    assert params["resumed"][-1]["command"][-1] == "--resume"


def test_a_run_goes_on_with_the_same_bits_on_another_number_of_cores(tmp_path):
    """Three slices of four tasks on one core, then on all; three processes, since TensorFlow's threads are set once."""
    tasks = ["--meta_batch_size", "12", "--rollouts_per_meta_task", "20", "--max_path_length", "10", "--hidden_sizes", "8"]
    one, all_of_them, one_core = tmp_path / "one", tmp_path / "all", {**os.environ, "LOKY_MAX_CPU_COUNT": "1"}
    subprocess.run(command(one, "--n_itr", "2", *tasks, *DENSE), env=one_core, capture_output=True, check=True)
    shutil.copytree(one, all_of_them)
    resumed = [
        subprocess.Popen(command(folder, "--resume", "--n_itr", "4"), env=env, stdout=subprocess.DEVNULL)
        for folder, env in ((one, one_core), (all_of_them, None))
    ]
    assert [process.wait() for process in resumed] == [0, 0]
    assert len({row["LossAfter"] for row in rows(one)}) == 4
    assert rows(one) == rows(all_of_them)
    assert policies(one) == policies(all_of_them)


def test_ctrl_c_saves_draws_and_prints_the_command_that_resumes(finished, tmp_path):
    folder = tmp_path / "interrupted"
    process = subprocess.Popen(
        command(folder, "--n_itr", "100", *SMALL, *DENSE), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for_rows(folder, 5, process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopping after this iteration" in errors
    assert 5 <= len(rows(folder)) < 100
    assert "Traceback" not in output + errors
    assert (folder / "learning_curve.pdf").exists()
    resume = next(line for line in output.splitlines() if "--resume" in line)
    assert subprocess.run(resume, shell=True, cwd=ROOT, capture_output=True, check=False).returncode == 0
    assert len(rows(folder)) == 100
    assert rows(folder)[:N_ITR] == rows(finished)


def test_a_second_ctrl_c_stops_at_once_and_loses_nothing_saved(finished, tmp_path):
    folder = tmp_path / "interrupted"
    slow = ["--n_itr", "300", "--meta_batch_size", "40", "--rollouts_per_meta_task", "60"]  # an iteration takes seconds
    process = subprocess.Popen(command(folder, *slow), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for_rows(folder, 1, process)
    for _ in range(2):
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in output + errors
    assert "--resume" in output
    assert len(rows(folder)) == 1


def test_a_truncated_checkpoint_is_replaced_by_the_one_before(finished, copy):
    newest = copy / "checkpoints" / f"ckpt-{N_ITR}.data-00000-of-00001"
    newest.write_bytes(newest.read_bytes()[:100])
    result = run(copy, "--resume")
    assert result.returncode == 0
    assert f"ckpt-{N_ITR} can't be used" in result.stderr
    assert rows(copy) == rows(finished)


def test_a_foreign_checkpoint_is_replaced_by_the_one_before(finished, copy):
    for path in (copy / "checkpoints").glob(f"ckpt-{N_ITR}.*"):
        path.write_bytes(os.urandom(1000))
    result = run(copy, "--resume")
    assert result.returncode == 0
    assert f"ckpt-{N_ITR} can't be used" in result.stderr
    assert rows(copy) == rows(finished)


def test_without_any_good_checkpoint_nothing_is_touched(copy):
    for path in (copy / "checkpoints").glob("ckpt-*"):
        path.write_bytes(b"x")
    before = (copy / "progress.csv").read_bytes()
    result = run(copy, "--resume")
    assert result.returncode == 2
    assert "no checkpoint" in result.stderr
    assert (copy / "progress.csv").read_bytes() == before


def test_a_half_written_row_is_cut_off(finished, copy):
    with (copy / "progress.csv").open("a") as file:
        file.write(f"{N_ITR},0.1")
    assert run(copy, "--resume", "--n_itr", str(N_ITR + 2)).returncode == 0
    assert rows(copy)[:N_ITR] == rows(finished)
    assert len(rows(copy)) == N_ITR + 2


def test_the_number_of_simulation_threads_changes_no_bit(tmp_path):
    folders = {flag: tmp_path / flag for flag in ("--parallel", "--no_parallel")}
    for flag, folder in folders.items():
        assert run(folder, "--n_itr", "3", flag, *SMALL, script=MUJOCO).returncode == 0
    assert rows(folders["--parallel"]) == rows(folders["--no_parallel"])


def test_a_run_that_diverges_at_once_stops_with_the_iteration_and_can_be_started_again(tmp_path):
    result = run(tmp_path / "run", "--n_itr", "5", "--inner_lr", "1e38", *SMALL, script=MUJOCO)
    assert result.returncode == 1
    assert "iteration 0" in result.stderr
    assert re.search(r"tasks \(slot \d: ", result.stderr)
    assert "try a smaller inner_lr" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "run").exists()


WITHOUT_TENSORFLOW = """
import runpy, sys
sys.argv = ["script", "--n_iter", "3"]
try:
    runpy.run_path({script!r}, run_name="__main__")
except SystemExit as stop:
    assert stop.code == 2
assert "tensorflow" not in sys.modules
"""


def test_an_answer_to_a_mistake_does_not_wait_for_tensorflow():
    code = WITHOUT_TENSORFLOW.format(script=str(SCRIPT))
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
