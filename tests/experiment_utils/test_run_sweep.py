"""Sweeps, with a run script that takes no time."""

import json
import subprocess
import sys
import time
from pathlib import Path

import joblib
import pytest

from experiment_utils import run_sweep as run_sweep_module
from experiment_utils.algorithms import SCRIPTS
from experiment_utils.display import status
from experiment_utils.run_sweep import execute, grid, main, report, run_sweep
from experiment_utils.runs.run_spec import Run, as_flags, as_word
from experiment_utils.sweep_plan import as_value

# Like a run script: goes on from the rows that are there, fails for seed 2, and stops after one row for seed 3, once.
FAKE = """
import json, pathlib, sys
words = sys.argv[1:]
value = lambda name: words[words.index("--" + name) + 1]
folder, seed, n_itr = pathlib.Path(value("dump_path")), int(value("seed")), int(value("n_itr"))
assert "--resume_or_start" in words
if seed == 2:
    sys.exit("error: seed 2 is unlucky")
params, progress = folder / "params.json", folder / "progress.csv"
fresh = not params.exists()
if fresh:
    rate = float(value("inner_lr"))
    params.write_text(json.dumps({"config": {"algo": "ProMP", "seed": seed, "n_itr": n_itr, "inner_lr": rate}}))
    progress.write_text("Itr,n_timesteps\\n")
rows = len(progress.read_text().splitlines()) - 1
for i in range(rows, 1 if seed == 3 and fresh else n_itr):
    with progress.open("a") as file:
        file.write(f"{i},{i * 10}\\n")
    print(f"iteration {i + 1}/{n_itr}: return before 0.00, after 1.00, env steps/s 5, env steps 10", flush=True)
sys.exit(1 if seed == 3 and fresh else 0)
"""


@pytest.fixture
def script(tmp_path) -> Path:
    path = tmp_path / "fake_run.py"
    path.write_text(FAKE)
    return path


def rows(folder: Path) -> list[str]:
    return (folder / "progress.csv").read_text().splitlines()[1:]


def sweep(script: Path, tmp_path: Path, *seeds: int, n_itr: int = 3) -> list[Run]:
    return grid(script, tmp_path / "sweep", {"inner_lr": [0.1, 0.2]}, seeds, {"n_itr": n_itr})


def test_the_grid_is_every_combination_with_every_seed(tmp_path):
    runs = grid(Path("x.py"), tmp_path, {"inner_lr": [0.1, 0.2], "hidden_sizes": [(8,), (8, 4)]}, [1, 2], {"n_itr": 3})
    assert len(runs) == len({run.folder for run in runs}) == 8
    assert runs[-1].folder == tmp_path / "inner_lr-0.2,hidden_sizes-8x4" / "seed_2"
    assert runs[-1].settings == {"n_itr": 3, "inner_lr": 0.2, "hidden_sizes": (8, 4), "seed": 2}


def test_settings_become_flags():
    assert as_flags("hidden_sizes", (8, 4)) == ["--hidden_sizes", "8", "4"]
    assert as_flags("exploration", True) == ["--exploration"]
    assert as_flags("exploration", False) == ["--no-exploration"]
    assert as_flags("inner_lr", 1e-05) == ["--inner_lr", "1e-05"]


@pytest.mark.parametrize("value", [1, 0.5, 1e-05, True, False, "likelihood_ratio", (64, 64)])
def test_words_and_values_are_inverse(value):
    assert as_value(as_word(value)) == value
    assert type(as_value(as_word(value))) is type(value)


def test_a_failed_run_stops_nothing_and_is_named_with_its_log(script, tmp_path, capsys):
    outcomes = run_sweep(sweep(script, tmp_path, 1, 2), jobs=2)
    assert [outcome.code for outcome in outcomes] == [0, 1, 0, 1]
    assert rows(tmp_path / "sweep" / "inner_lr-0.2" / "seed_1") == ["0,0", "1,10", "2,20"]
    assert report(outcomes) == 1
    captured = capsys.readouterr()
    assert "4 runs: 0 were finished already, 2 ran, 2 failed" in captured.out
    log = tmp_path / "sweep" / "inner_lr-0.1" / "seed_2" / "run.log"
    assert f"log {log}: error: seed 2 is unlucky" in captured.err
    assert log.exists()


def test_finished_runs_are_reused_and_cut_off_ones_resumed(script, tmp_path, capsys):
    runs = sweep(script, tmp_path, 1, 3)
    first = run_sweep(runs)
    assert [outcome.code for outcome in first] == [0, 1, 0, 1]
    second = run_sweep(runs)
    assert [(outcome.code, outcome.reused) for outcome in second] == [(0, True), (0, False)] * 2
    assert all(rows(run.folder) == ["0,0", "1,10", "2,20"] for run in runs)
    assert report(second) == 0
    assert "4 runs: 2 were finished already, 2 ran, 0 failed" in capsys.readouterr().out


def test_more_iterations_continue_a_finished_run_and_fewer_reuse_it(script, tmp_path):
    run_sweep(sweep(script, tmp_path, 1))
    longer, shorter = sweep(script, tmp_path, 1, n_itr=5)[0], sweep(script, tmp_path, 1, n_itr=2)[0]
    assert shorter.state() == "finished"
    assert longer.state() == "begun"
    assert not execute(longer).reused
    assert len(rows(longer.folder)) == 5


def test_a_run_with_other_settings_is_not_taken_for_this_one(script, tmp_path):
    run = sweep(script, tmp_path, 1)[0]
    execute(run)
    assert run.state() == "finished"
    assert Run(run.script, run.folder, {**run.settings, "inner_lr": 0.3}).state() == "begun"
    assert Run(run.script, run.folder, {**run.settings, "hidden_sizes": (8,)}).state() == "begun"


def test_a_run_that_lost_its_number_of_iterations_is_not_taken_for_finished(script, tmp_path):
    run = sweep(script, tmp_path, 1)[0]
    execute(run)
    (run.folder / "params.json").write_text(json.dumps({"config": {"algo": "ProMP", "seed": 1}}))
    assert Run(run.script, run.folder, {"seed": 1}).state() == "begun"


def test_a_scalar_on_the_command_line_is_the_list_of_it(script, tmp_path):
    run = sweep(script, tmp_path, 1)[0]
    execute(run)
    params = run.folder / "params.json"
    config = json.loads(params.read_text())["config"]
    params.write_text(json.dumps({"config": {**config, "hidden_sizes": [8]}}))
    assert Run(run.script, run.folder, {**run.settings, "hidden_sizes": 8}).state() == "finished"


@pytest.mark.parametrize("damage", ["{", '{"config": 3}'])
def test_a_damaged_folder_is_left_to_the_run_script(script, tmp_path, damage):
    run = sweep(script, tmp_path, 1)[0]
    execute(run)
    (run.folder / "params.json").write_text(damage)
    assert run.state() == "begun"


def test_two_runs_in_one_folder_are_refused(script, tmp_path):
    run = sweep(script, tmp_path, 1)[0]
    with pytest.raises(ValueError, match="same folder"):
        run_sweep([run, run])


def test_any_registered_backend_of_joblib_serves(script, tmp_path):
    used = []

    class Cluster(joblib._parallel_backends.ThreadingBackend):
        def submit(self, *args, **kwargs):
            used.append(True)
            return super().submit(*args, **kwargs)

    joblib.register_parallel_backend("cluster", Cluster)
    outcomes = run_sweep(sweep(script, tmp_path, 1), jobs=2, backend="cluster")
    assert [outcome.code for outcome in outcomes] == [0, 0]
    assert len(used) == 2


def test_the_status_is_the_runs_own_last_word(script, tmp_path):
    good, bad = sweep(script, tmp_path, 1, 2)[:2]
    assert status(good.folder) == "waiting"
    execute(good)
    execute(bad)
    assert status(good.folder) == "iteration 3/3: return before 0.00, after 1.00, env steps/s 5"
    assert status(bad.folder) == "error: seed 2 is unlucky"
    (good.folder / "run.log").unlink()
    assert status(good.folder, {good.folder}) == "finished before"
    assert status(good.folder) == "waiting"  # to go on


def test_an_external_backend_of_joblib_serves(script, tmp_path, monkeypatch):
    """One that joblib imports when it is first named, as "dask"."""
    made = []

    class Cluster(joblib._parallel_backends.ThreadingBackend):
        def __init__(self, **kwargs):
            made.append(True)
            super().__init__(**kwargs)

    register = lambda: joblib.register_parallel_backend("far", Cluster)  # noqa: E731
    monkeypatch.setitem(joblib.parallel.EXTERNAL_BACKENDS, "far", register)
    outcomes = run_sweep(sweep(script, tmp_path, 1), jobs=2, backend="far")
    assert ([outcome.code for outcome in outcomes], bool(made)) == ([0, 0], True)


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--grid", "seed=7,8"], "seed is no setting of the grid; --seeds gives the seeds"),
        (["--fixed", "seed=5"], "--seeds gives the seeds"),
        (["--fixed", "dump_path=elsewhere"], "--dump_path gives the folder of all runs"),
        (["--fixed", "n_itr=1", "n_itr=2"], "n_itr is given twice"),
        (["--fixed", "inner_lr=1", "--grid", "inner_lr=0.1,0.2"], "inner_lr is given twice"),
        (["--fixed", "dump-path=elsewhere"], "--dump_path gives the folder of all runs"),
        (["--fixed", "config_file=a.json"], "--fixed gives what all runs share"),
        (["--fixed", 'env_options={"a"'], "is no JSON object"),
        (["--seeds"], "--seeds needs a seed or several"),
        (["--seeds", "1", "--backend", "nosuch"], "nosuch"),
    ],
)
def test_what_would_do_something_else_is_refused(script, tmp_path, capsys, argv, sentence):
    folder = [] if "--dump_path" in argv else ["--dump_path", str(tmp_path / "cli")]
    assert main([str(script), *argv, *folder]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "cli").exists()


@pytest.mark.parametrize("flag", ["--grid", "--fixed"])
def test_a_misspelt_setting_is_refused_before_any_run_begins(tmp_path, capsys, flag):
    assert main([str(SCRIPTS / "pro-mp_run_mujoco.py"), flag, "iner_lr=0.1", "--dump_path", str(tmp_path / "cli")]) == 2
    assert "iner_lr is no setting of pro-mp_run_mujoco.py; did you mean 'inner_lr'?" in capsys.readouterr().err
    assert not (tmp_path / "cli").exists()


def test_a_folder_that_cannot_be_written_stops_no_other_run(script, tmp_path, capsys):
    (tmp_path / "cli" / "inner_lr-0.1").mkdir(parents=True)
    (tmp_path / "cli" / "inner_lr-0.1" / "seed_4").touch()
    argv = ["--seeds", "4", "5", "--grid", "inner_lr=0.1", "--fixed", "n_itr=1", "--dump_path", str(tmp_path / "cli")]
    assert main([str(script), *argv]) == 1
    captured = capsys.readouterr()
    assert "2 runs: 0 were finished already, 1 ran, 1 failed" in captured.out
    assert f"can't write {tmp_path / 'cli' / 'inner_lr-0.1' / 'seed_4'} (File exists)" in captured.err
    assert (tmp_path / "cli" / "inner_lr-0.1" / "seed_5" / "progress.csv").exists()


def test_settings_are_the_same_in_any_spelling(script, tmp_path, capsys):
    argv = ["--seeds", "1", "--fixed", "n-itr=1", "inner-lr=0.1", "--dump_path", str(tmp_path / "cli")]
    assert main([str(script), *argv]) == main([str(script), *argv]) == 0
    assert "1 runs: 1 were finished already" in capsys.readouterr().out
    options = {"reward_type": "dense"}
    assert as_value('{"reward_type": "dense"}') == options
    assert as_flags("env_options", options) == ["--env_options", '{"reward_type": "dense"}']
    assert as_word(options) == "reward_type-dense"


def test_ctrl_c_is_answered_with_a_sentence(script, tmp_path, capsys, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("experiment_utils.run_sweep.run_sweep", stop)
    assert main([str(script), "--dump_path", str(tmp_path)]) == 130
    assert "The same command goes on where it was." in capsys.readouterr().err


# With defaults, as every run script of the package has them.
WITH_DEFAULTS = """
import dataclasses
@dataclasses.dataclass
class Config:
    inner_lr: float = 0.1
    n_itr: int = 3
    algo = "ProMP"
DEFAULTS = Config()
if __name__ == "__main__":
    exec(%r)
"""


@pytest.mark.parametrize("kept", [{"algo": "TRPOMAML"}, {"inner_lr": 0.2}])
def test_a_run_with_other_defaults_is_neither_taken_for_this_one_nor_touched(tmp_path, capsys, kept):
    script = tmp_path / "run.py"
    script.write_text(WITH_DEFAULTS % FAKE)
    folder = tmp_path / "cli" / "defaults" / "seed_1"
    folder.mkdir(parents=True)
    config = {"algo": "ProMP", "seed": 1, "n_itr": 3, "inner_lr": 0.1, **kept}
    (folder / "params.json").write_text(json.dumps({"config": config}))
    (folder / "progress.csv").write_text("Itr,n_timesteps\n0,0\n1,10\n2,20\n")
    assert Run(script, folder, {"seed": 1}).state() == "begun"
    assert main([str(script), "--seeds", "1", "--dump_path", str(tmp_path / "cli")]) == 1
    assert f"{folder} has a run with another {next(iter(kept))}; move it" in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == ["params.json", "progress.csv"]


def test_the_scripts_own_number_of_iterations_counts(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(WITH_DEFAULTS % FAKE)
    short, whole = Run(script, tmp_path / "run", {"seed": 1, "n_itr": 1}), Run(script, tmp_path / "run", {"seed": 1})
    assert short.command()[-4:] == ["--seed", "1", "--n_itr", "1"]
    execute(Run(script, tmp_path / "run", {"seed": 1, "n_itr": 1, "inner_lr": 0.1}))
    assert (short.state(), whole.state()) == ("finished", "begun")
    assert execute(whole).code == 0
    assert (whole.state(), len(rows(whole.folder))) == ("finished", 3)


def test_a_run_that_was_killed_before_its_last_checkpoint_is_not_finished(script, tmp_path):
    run = sweep(script, tmp_path, 1)[0]
    execute(run)
    (run.folder / "checkpoints").mkdir()
    for number, state in ((2, "begun"), (3, "finished")):
        (run.folder / "checkpoints" / f"ckpt-{number}.index").touch()
        assert run.state() == state


def test_the_script_itself_hands_its_runs_to_other_processes(tmp_path):
    """What is in __main__ goes to the pool by value."""
    script = tmp_path / "run.py"
    script.write_text(WITH_DEFAULTS % FAKE)
    argv = ["--seeds", "1", "4", "--fixed", "inner_lr=0.1", "--jobs", "2", "--dump_path", str(tmp_path / "cli")]
    command = [sys.executable, run_sweep_module.__file__, str(script), *argv]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert "2 runs: 0 were finished already, 2 ran, 0 failed" in result.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no prctl")
def test_a_run_ends_with_the_sweep_that_is_killed(tmp_path):
    script, noted = tmp_path / "run.py", tmp_path / "pid"
    script.write_text(
        f"import os, pathlib, time; pathlib.Path({str(noted)!r}).write_text(str(os.getpid())); time.sleep(100)"
    )
    command = [sys.executable, run_sweep_module.__file__, str(script), "--seeds", "1", "--dump_path", str(tmp_path / "cli")]
    sweep = subprocess.Popen(command)
    wait_for(lambda: noted.exists() and noted.read_text())
    sweep.kill()
    sweep.wait()
    wait_for(lambda: has_ended(noted.read_text()))


def has_ended(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"  # nobody has asked how it ended
    except OSError:
        return True


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_command_line(script, tmp_path, capsys):
    argv = [
        str(script),
        "--grid",
        "inner_lr=0.1",
        "--fixed",
        "n_itr=1",
        "--seeds",
        "1",
        "--dump_path",
        str(tmp_path / "cli"),
    ]
    assert main(argv) == 0
    assert (tmp_path / "cli" / "inner_lr-0.1" / "seed_1" / "progress.csv").exists()
    assert main([str(script), "--grid", "inner_lr"]) == 2
    assert "'inner_lr' is not name=value" in capsys.readouterr().err
    assert main([str(tmp_path / "none.py")]) == 2
    assert "there is no run script" in capsys.readouterr().err
    assert main([str(script), "--jbos", "2"]) == 2
    assert "did you mean '--jobs'?" in capsys.readouterr().err


def test_the_command_is_the_run_scripts_own_resume(tmp_path):
    run = Run(Path("run.py"), tmp_path, {"n_itr": 3})
    assert run.command() == [sys.executable, "run.py", "--resume_or_start", "--dump_path", str(tmp_path), "--n_itr", "3"]
