"""reproduce.py as a user calls it: from committed data in seconds, and, slowly, from nothing."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiment_utils.paper import figure, figure4
from experiment_utils.paper import reproduce as reproduce_module
from experiment_utils.paper.reproduce import Figure2, Figure3, Figure4
from experiment_utils.runs.results import RunDataWarning
from tests.experiment_utils.fake_runs import write_run
from tests.experiment_utils.paper.test_figures import LVC_VPG, write_variance_run
from tests.experiment_utils.paper.test_times import write_times

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "run_scripts" / "reproduce.py"
SMALL = Path(__file__).with_name("small_figures.py")


def reproduce(*argv: str, script: Path = SCRIPT) -> subprocess.CompletedProcess:
    command = [sys.executable, str(script), *map(str, argv)]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)


@pytest.fixture
def results(tmp_path) -> Path:
    """A little of what results/ holds."""
    root = tmp_path / "results"
    for seed in (1, 2):
        write_run(root / "half_cheetah" / "ProMP" / f"seed_{seed}", [1.0, 2.0 * seed], seed=seed)
    write_run(root / "half_cheetah" / "LVC-VPG" / "seed_1", [1.0, 2.0], **LVC_VPG)
    for name in ("LVC", "DiCE"):
        write_variance_run(root / "figure3" / name / "seed_1", name, [5.0, 6.0])
        write_variance_run(root / "figure3_point" / name / "seed_1", name, [5.0, 6.0], env="MetaPointEnvMomentum")
    trpo = {"algo": "TRPOMAML", "inner_type": "likelihood_ratio", "exploration": False, "num_inner_grad_steps": 3}
    folder = write_run(root / "figure4" / "LVC-TRPO" / "seed_1", [1.0, 2.0], env="MetaPointEnvMomentum", **trpo)
    np.savez(folder / "exploration.npz", before=np.zeros((2, 5, 2)), after=np.ones((2, 5, 2)), iterations=2)
    rows = [(f, 0.001, i, 0.1 - 0.01 * i, 0.05) for f in ("I", "II") for i in range(5)]
    columns = ["formulation", "learning_rate", "iteration", "theta_0", "theta_1"]
    (root / "formulations").mkdir()
    table = pd.DataFrame(rows, columns=columns).assign(seed=0, clipped=True)
    table.to_csv(root / "formulations" / "thetas.csv", index=False)
    (root / "times").mkdir()
    write_times(root / "times" / "times.csv")
    return root


@pytest.mark.parametrize("figure", ["figure1", "figure2", "figure3", "figure3_point", "figure4", "formulations", "times"])
def test_plot_only_draws_from_kept_data(results, tmp_path, figure):
    before = sorted(path for path in results.rglob("*"))
    result = reproduce(figure, "--plot-only", "--results", results, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out" / f"{figure}.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "out" / f"{figure}.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path for path in results.rglob("*")) == before


def test_plot_only_names_what_is_broken(results, tmp_path):
    broken = results / "half_cheetah" / "ProMP" / "seed_1" / "progress.csv"
    broken.write_text("Itr,n_time")
    result = reproduce("figure2", "--plot-only", "--results", results, "--out", tmp_path / "out")
    assert result.returncode == 0
    assert f"warning: {broken} has no complete row; skipped" in result.stderr


def test_a_mistake_gets_one_sentence(tmp_path):
    result = reproduce("figure2", "--env", "cheetah", "--dump_path", tmp_path)
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
    assert "no panel 'cheetah'" in result.stderr


@pytest.fixture(autouse=True)
def _format_of_warnings(monkeypatch):
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)  # the script changes it


def main(argv: list[str]) -> int:
    return reproduce_module.main(argv)


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        ("figure2 --n_itr 0", "n_itr is 0; it must be a positive whole number"),
        ("figure3 --env ant", "unknown argument '--env'"),
        ("figure2 --budjet quick", "did you mean '--budget'?"),
        ("figur2", "there is no 'figur2'; did you mean 'figure2'? (--help lists all)"),
        *((f"{figure} --plot_only", "there is no") for figure in ("figure2", "figure4", "formulations", "times")),
    ],
)
def test_other_mistakes_too(capsys, tmp_path, monkeypatch, argv, sentence):
    monkeypatch.chdir(tmp_path)
    where = "--results" if "--plot_only" in argv else "--dump_path"
    assert main([*argv.split(), where, str(tmp_path)]) == 2
    errors = capsys.readouterr().err
    assert sentence in errors
    assert len(errors.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "argv",
    [
        *["figure1 --results elsewhere", "figure2 --results elsewhere", "figure3 --cpus_per_run 2"],
        *["figure2 --cluster auto --backend dask", "figure2 --plot_only --collect", "figure2 --plot_only --seeds 1"],
        *["figure2 --plot_only --budget paper", "figure4 --plot_only --n_itr 3", "figure3 --plot_only --from_results"],
    ],
)
def test_a_flag_that_would_do_nothing_is_refused(capsys, tmp_path, argv):
    assert main([*argv.split(), "--out", str(tmp_path / "out")]) == 2
    assert "has no effect on" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "argv",
    [
        *["figure1 --n_itr 3", "figure1 --collect", "figure2 --round_tasks previous", "figure4 --env ant"],
        *["formulations --jobs 2", "times --n_itr 9", "estimators --seeds 1"],
    ],
)
def test_a_figure_has_no_flags_of_others(capsys, tmp_path, argv):
    assert main([*argv.split(), "--out", str(tmp_path / "out")]) == 2
    assert "unknown argument" in capsys.readouterr().err


def test_smoke_runs_do_not_become_results(capsys, tmp_path):
    assert main(["figure4", "--budget", "smoke", "--collect", "--dump_path", str(tmp_path)]) == 2
    assert "--collect keeps no runs of --budget smoke" in capsys.readouterr().err


def test_the_flags_say_which_runs():
    some = Figure2(seeds=(4, 5), env=("ant",), n_itr=7).runs()
    assert {(run.folder.parts[-3], run.folder.name) for run in some} == {("ant", "seed_4"), ("ant", "seed_5")}
    assert {run.settings["n_itr"] for run in some} == {7}
    (seed,) = {run.settings["seed"] for run in Figure4(seeds=(9,)).runs()}
    assert seed == 9
    previous = Figure3(round_tasks="previous", seeds=(2,)).runs()
    assert {(run.settings["round_tasks"], run.settings["seed"]) for run in previous} == {("previous", 2)}


def test_only_the_documentations_own_pictures_go_to_its_folder(tmp_path):
    assert Figure2(plot_only=True).default_out() == ROOT / "docs" / "figures"
    for other in (
        Figure2(plot_only=True, env=("ant",), results=tmp_path),
        Figure3(plot_only=True, budget="paper", results=tmp_path),
        Figure2(plot_only=True, results=tmp_path),
        Figure2(dump_path=tmp_path),
    ):
        assert other.default_out() == tmp_path / "figures"
    assert Figure2(plot_only=True, env=("ant",)).default_out() == ROOT / "results" / "figures"


def test_how_to_train_goes_to_the_sweep(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(figure, "run_sweep", lambda runs, *how: asked.append((len(runs), *how)) or [])
    assert Figure3(jobs=3, cluster="auto", cpus_per_run=2, dump_path=tmp_path).train() == 0
    assert asked == [(2, 3, "loky", "auto", 2)]


def test_what_is_stopped_is_collected(tmp_path, monkeypatch):
    def stopped(runs, *_):
        write_run(runs[0].folder, [1.0], seed=1)
        raise KeyboardInterrupt

    monkeypatch.setattr(figure, "run_sweep", stopped)
    argv = ["figure2", "--env", "ant", "--dump_path", str(tmp_path / "data")]
    assert main(argv) == 130
    assert main([*argv, "--results", str(tmp_path / "results"), "--collect"]) == 130
    assert (tmp_path / "results" / "ant" / "ProMP" / "seed_1" / "progress.csv").exists()


def test_a_policy_that_cannot_explore_is_left_out_of_the_picture(tmp_path, monkeypatch):
    def diverged(run):
        raise RuntimeError("NaN or infinite actions of the policy")

    monkeypatch.setattr(figure, "run_sweep", lambda runs, *_: [])
    monkeypatch.setattr(figure4, "explore", diverged)
    with pytest.warns(RunDataWarning, match="NaN or infinite actions of the policy; not in the picture"):
        Figure4(dump_path=tmp_path).train()


def test_drawing_does_not_wait_for_tensorflow(results, tmp_path):
    code = f"import sys, runpy; sys.argv = ['x', 'figure2', '--plot-only', '--results', {str(results)!r}, "
    code += f"'--out', {str(tmp_path)!r}]\ntry:\n    runpy.run_path({str(SCRIPT)!r}, run_name='__main__')\n"
    code += "except SystemExit as stop:\n    assert stop.code == 0\nassert 'tensorflow' not in sys.modules"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize(
    ("argv", "runs", "collected"),
    [
        (["figure2", "--env", "half_cheetah", "--seeds", "1", "--n_itr", "2"], 5, "half_cheetah/ProMP/seed_1/progress.csv"),
        (["figure3"], 2, "figure3/DiCE/seed_1/progress.csv"),
        (["figure4", "--seeds", "1"], 3, "figure4/E-MAML-TRPO/seed_1/exploration.npz"),
        (["formulations"], 0, "formulations/thetas.csv"),
        (["times"], 0, "times/times.csv"),
        (
            ["baselines", "--env", "momentum", "--methods", "ProMP", "RL2", "--seeds", "1", "--n_itr", "2"],
            2,
            "baselines/momentum/RL2/seed_1/adaptation.csv",
        ),
    ],
)
def test_a_figure_from_nothing_then_from_what_is_finished(tmp_path, argv, runs, collected):
    def again(*flags):
        command = [*argv, "--dump_path", tmp_path / "data", "--results", tmp_path / "results", "--collect", *flags]
        result = reproduce(*command, script=SMALL)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    again()
    assert (tmp_path / "data" / "figures" / f"{argv[0]}.pdf").exists()
    assert (tmp_path / "results" / collected).exists()
    assert len(list((tmp_path / "results").rglob("ckpt-*.index"))) == runs
    elsewhere = ["--dump_path", tmp_path / "elsewhere", "--from_results"]
    for finished in (again(), again(*elsewhere)):
        assert not runs or f"{runs} runs: {runs} were finished already" in finished
    if runs:
        assert f"{runs} runs: 0 were finished already, {runs} ran, 0 failed" in again(*elsewhere, "--n_itr", "4")
        assert {len(path.read_text().splitlines()) for path in (tmp_path / "elsewhere").rglob("progress.csv")} == {5}
    plotted = reproduce(
        argv[0], "--plot_only", "--results", tmp_path / "results", "--out", tmp_path / "plotted", script=SMALL
    )
    assert plotted.returncode == 0, plotted.stderr


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("figure", ["figure2", "figure3", "figure3_point", "figure4", "baselines", "formulations", "times"])
def test_the_smoke_budget_draws(tmp_path, figure):
    panel = ["--env", "half_cheetah"] if figure == "figure2" else []
    result = reproduce(figure, *panel, "--budget", "smoke", "--dump_path", tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert (tmp_path / "smoke" / "figures" / f"{figure}.pdf").exists()
