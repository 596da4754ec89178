"""meta_test.py and export_policy.py as a user calls them."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from experiment_utils.algorithms import SCRIPTS
from experiment_utils.commands import export_policy, meta_test
from experiment_utils.environments import make_env
from experiment_utils.evaluation.trained_policy import load_trained
from experiment_utils.validation import ConfigError, InvalidSetting
from tests.experiment_utils.small_runs import small, untrained

REPORT, META_TEST, EXPORT = SCRIPTS / "report.py", SCRIPTS / "meta_test.py", SCRIPTS / "export_policy.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run"
    untrained(path, small())
    return path


def args(command, run_dir, **settings):
    """The command's `run`, and what a command line would make of these settings."""
    return command.run, command.Args(run_dir=run_dir, **settings)


@pytest.mark.usefixtures("eagerly")
def test_meta_test_writes_tables_and_a_picture(folder, tmp_path, capsys):
    run, asked = args(meta_test, folder, num_tasks=3, rollouts=2, steps=2, out=tmp_path)
    written = run(asked)
    names = {f"k_shot.{ending}" for ending in ("pdf", "png", "csv", "md")} | {"tasks.csv", "tasks.md"}
    assert {path.name for path in written} == names == {path.name for path in tmp_path.iterdir()}
    assert len(pd.read_csv(tmp_path / "k_shot.csv")) == 2 * 4
    tasks = pd.read_csv(tmp_path / "tasks.csv")
    assert len(tasks) == 2 * 4 * 3
    training = load_trained(folder).sample_tasks(3, np.random.default_rng(1).spawn(2)[0])
    assert not set(tasks["value"]) & {str(np.round(task, 4).tolist()) for task in training}
    assert "| meta-policy | 2 | 2 |" in capsys.readouterr().out
    first = (tmp_path / "tasks.csv").read_bytes()
    run(asked)
    assert (tmp_path / "tasks.csv").read_bytes() == first


@pytest.mark.usefixtures("eagerly")
def test_meta_test_takes_explicit_tasks_and_writes_into_the_run_by_default(folder):
    run, asked = args(meta_test, folder, tasks=("[1, 2]", "[0.5, -1]"), rollouts=1, steps=1)
    run(asked)
    assert list(pd.read_csv(folder / "meta_test" / "tasks.csv")["value"].unique()) == ["[1.0, 2.0]", "[0.5, -1.0]"]


@pytest.mark.usefixtures("eagerly")
def test_another_seed_draws_other_tasks(folder, tmp_path):
    for seed in (0, 1):
        run, asked = args(meta_test, folder, num_tasks=2, rollouts=1, steps=1, out=tmp_path / str(seed), seed=seed)
        run(asked)
    drawn = [set(pd.read_csv(tmp_path / seed / "tasks.csv")["value"]) for seed in "01"]
    assert not drawn[0] & drawn[1]


@pytest.mark.usefixtures("eagerly")
def test_held_out_tasks_are_those_that_training_never_draws(tmp_path, capsys):
    config = small(env="GridNavigationEnv", env_options={"split": "train"})
    untrained(tmp_path / "run", config)
    run, asked = args(meta_test, tmp_path / "run", num_tasks=30, rollouts=1, steps=1, held_out=True)
    asked.check()
    run(asked)
    assert "30 tasks that training never draws" in capsys.readouterr().out
    tested = set(pd.read_csv(tmp_path / "run" / "meta_test" / "tasks.csv")["value"])
    drawn = {str(list(task)) for task in make_env(config).sample_tasks(2000, np.random.default_rng(0))}
    assert len(tested) > 1
    assert not tested & drawn
    assert len(drawn) == 18


@pytest.mark.usefixtures("eagerly")
def test_a_family_without_held_out_tasks_is_refused_before_anything_slow_begins(tmp_path):
    untrained(tmp_path / "run", small(env="MetaPointEnvCorner"))
    _, asked = args(meta_test, tmp_path / "run", held_out=True)
    with pytest.raises(ConfigError, match="MetaPointEnvCorner has no held-out tasks"):
        asked.check()


def test_an_adapted_policy_is_exported(folder, tmp_path):
    run, asked = args(export_policy, folder, out=tmp_path / "model", task="[1, -1]", steps=2, rollouts=3)
    (said,) = run(asked)
    assert said.endswith("the policy adapted to the task [1, -1] of iteration 0")
    trained, rng = load_trained(folder), np.random.default_rng(0)
    trained.sample_tasks(1, rng)
    actor = trained.adapt(np.array([1.0, -1.0]), rng=rng, steps=2, rollouts=3)
    observations = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    model = tf.saved_model.load(str(tmp_path / "model"))
    actions = model.signatures["mode"](observations=tf.constant(observations))["actions"]
    np.testing.assert_allclose(actions, actor.act(observations), rtol=1e-5, atol=1e-6)
    assert not np.allclose(actions, trained.actor().act(observations), atol=1e-4)


@pytest.mark.parametrize("settings", [{"steps": 0}, {"num_tasks": 0}, {"rollouts": -1}, {"seed": -1}])
def test_numbers_that_cannot_be_are_named(settings):
    with pytest.raises(InvalidSetting, match=f"{next(iter(settings))} is {next(iter(settings.values()))}; it must be"):
        args(meta_test, "run", **settings)


@pytest.mark.parametrize(
    ("script", "argv", "words"),
    [
        (
            META_TEST,
            ["run", "--num_task", "3"],
            "unknown argument '--num_task'; did you mean '--num_tasks'? (--help lists all)",
        ),
        (META_TEST, ["nowhere"], "there is no run in nowhere: it has no params.json"),
        (EXPORT, ["nowhere", "model"], "there is no run in nowhere: it has no params.json"),
        (EXPORT, ["run"], "an argument is missing; the order is: export_policy.py "),
        (EXPORT, ["run", "model", "--steps", "1"], "--steps has no effect without --task: the meta-policy is not adapted"),
        (EXPORT, ["run", "model", "--rollouts", "0"], "rollouts is 0; it must be a positive whole number"),
        (META_TEST, ["RUN", "--itr", "7"], "RUN/policies has no policy snapshot '7'; there are best, last, 0"),
        (META_TEST, ["RUN", "--tasks", "[1"], "the task '[1' is not JSON, such as -1 or [2, 2]: "),
        (META_TEST, ["RUN", "--tasks", "1"], "task 0 is 1; it must be like "),
        (META_TEST, ["RUN", "--tasks", "[1,2]", "--num_tasks", "3"], "--num_tasks has no effect on --tasks"),
        (EXPORT, ["RUN", "RUN"], "RUN exists already; choose another place for the model"),
        (EXPORT, ["RUN", "RUN/params.json/model"], "can't write RUN/params.json/model: RUN/params.json is not a directory"),
        (META_TEST, ["RUN", "--env", "mine:Env"], "the run in RUN is of the environment 'MetaPointEnv', not of 'mine:Env'"),
        (REPORT, ["nowhere"], "there is no run in nowhere: it has no params.json"),
        (REPORT, ["nowhere", "nowhere", "--out", "page"], "--out goes with one run; there are several"),
        (REPORT, [], "name one run directory or several"),
    ],
)
def test_a_mistake_is_answered_by_one_sentence_without_loading_tensorflow(folder, script, argv, words):
    argv, words = [word.replace("RUN", str(folder)) for word in argv], words.replace("RUN", str(folder))
    code = f"import runpy, sys; sys.argv = {[str(script), *argv]!r}\n"
    code += f"try: runpy.run_path({str(script)!r}, run_name='__main__')\n"
    code += "except SystemExit as stop: assert stop.code == 2\nassert 'tensorflow' not in sys.modules"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stderr.startswith(f"error: {words}")
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.long
def test_the_whole_way_from_the_command_line(folder, tmp_path):
    command = [
        sys.executable,
        str(META_TEST),
        str(folder),
        "--tasks",
        "[1,2]",
        "--rollouts=2",
        "--steps=1",
        "--out",
        str(tmp_path),
    ]
    result = subprocess.run([*command, "--itr", "0"], capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == str(tmp_path / "tasks.md")
    result = subprocess.run([*command, "--itr", "7"], capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 2
    assert result.stderr == f"error: {folder}/policies has no policy snapshot '7'; there are best, last, 0\n"
