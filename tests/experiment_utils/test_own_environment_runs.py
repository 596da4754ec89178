"""Anyone's environment, trained on from the run scripts."""

import re
import signal
import subprocess

import pytest

from experiment_utils.algorithm_configs import ProMPConfig
from experiment_utils.environments import make_env, require_env
from experiment_utils.validation import ConfigError
from meta_policy_search.envs.gymnasium_vector_env import GymnasiumVectorEnv
from meta_policy_search.envs.mujoco_envs.hopper_rand_params import HopperRandParamsEnv
from tests.experiment_utils.test_experiment import MUJOCO, ROOT, SMALL, command, rows, wait_for_rows

ENV = ["--env", "tests.envs.own_envs:Drifter"]


def start(folder, *argv, **settings) -> subprocess.Popen:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command(folder, *argv, script=MUJOCO), cwd=ROOT, **streams, **settings)


@pytest.mark.parametrize("name", ["tests.envs.own_envs:Quiet", "tests/Quiet-v0", "tests.envs.own_envs:tests/Quiet-v0"])
def test_an_environment_is_found_by_class_and_by_id(name):
    env = make_env(ProMPConfig(env=name, parallel=False)).env
    assert isinstance(env, GymnasiumVectorEnv)
    assert env.observation_space.shape == (2,)


def test_a_family_of_the_package_stays_a_batch_by_whatever_name_it_is_called():
    here = "meta_policy_search.envs.mujoco_envs.hopper_rand_params:HopperRandParamsEnv"
    for name in ("HopperRandParamsEnv", "meta_policy_search/HopperRandParams-v0", here):
        config = ProMPConfig(env=name, physics="modern", env_options={"log_scale_limit": 1.0})
        env = make_env(config).env
        assert isinstance(env, HopperRandParamsEnv)
        assert (env.options["physics"], env.log_scale_limit) == ("modern", 1.0)


def test_options_reach_the_constructor():
    env = make_env(ProMPConfig(env="tests.envs.own_envs:Drifter", env_options={"limit": 2}, parallel=False)).env
    assert env._single.unwrapped.limit == 2
    require_env(ProMPConfig(env="tests.envs.own_envs:Drifter", env_options={"limit": 2}))


def test_spaces_that_no_policy_fits_are_a_mistake_of_the_config():
    with pytest.raises(ConfigError, match=r"tests.envs.own_envs:Unbounded can't be used: its action space .* finite bounds"):
        make_env(ProMPConfig(env="tests.envs.own_envs:Unbounded"))


@pytest.mark.slow
@pytest.mark.long
def test_a_killed_and_resumed_run_gives_the_same_numbers_bit_for_bit(tmp_path):
    for folder, killed_at in (("whole", None), ("killed", 3)):
        process = start(tmp_path / folder, *ENV, *SMALL, "--n_itr", "8")
        if killed_at:
            wait_for_rows(tmp_path / folder, killed_at, process)
            process.send_signal(signal.SIGKILL)
            process.wait()
            process = start(tmp_path / folder, "--resume", *ENV)
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    assert len(rows(tmp_path / "whole")) == 8
    assert rows(tmp_path / "killed") == rows(tmp_path / "whole")


@pytest.mark.slow
def test_a_worker_that_dies_or_raises_stops_the_run_and_keeps_the_last_checkpoint(tmp_path):
    for name, words in (("Raising", "RuntimeError (the arm fell off)"), ("Dying", "a worker process died (exit code 3)")):
        folder = tmp_path / name
        _, errors = (process := start(folder, "--env", f"tests.envs.own_envs:{name}", *SMALL)).communicate(timeout=300)
        assert process.returncode == 1
        assert (
            f"iteration 1: {'the environment raised ' if name == 'Raising' else ''}{words} in 1 of 3 tasks (slot" in errors
        )
        assert errors.count("error: ") == 1
        if name == "Raising":
            assert "in step\n" in errors
        assert (folder / "checkpoints" / "ckpt-1.index").exists()
        assert len(rows(folder)) == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "./tests/envs/own_envs:Quiet",
            "is no name of a module; an environment is module:Class, as tests.envs.own_envs:Quiet",
        ),
        ("tests/envs/own_envs.py:Quiet", "is module:Class, as tests.envs.own_envs:Quiet"),
        ("/a/b/own_envs.py:Quiet", "is module:Class, as own_envs:Quiet, called where own_envs lies"),
        (":Quiet", "'' is no name of a module; an environment is module:Class, as my_envs:Quiet"),
        ("tests.envs.own_envs:", "the module tests.envs.own_envs has no ''"),
        ("tests.envs.own_envs.Quiet", "is module:Class, here perhaps tests.envs.own_envs:Quiet"),
        ("tests.envs.own_envs:Quiet()", "has no 'Quiet()'; did you mean 'Quiet'?"),
        ("tests.envs.case_envs:AN_OBJECT", "is an environment, an object of the class Base; name the class, or a function"),
        ("tests.envs.case_envs:forgot_to_return", "it made None, no environment"),
        ("tests.envs.case_envs:NoAttribute", "it has no action_space"),
    ],
)
def test_a_name_that_is_no_environment_is_answered_with_the_right_form(name, message):
    with pytest.raises(ConfigError, match=re.escape(message)) as error:
        make_env(ProMPConfig(env=name, parallel=False))
    assert "\n" not in str(error.value)


def test_a_wrapper_around_the_tasks_is_found_by_its_class():
    assert make_env(ProMPConfig(env="tests.envs.case_envs:KeywordWrapper", parallel=False)).observation_space.shape == (2,)


@pytest.mark.parametrize("statement", ["open('terrain.npy')", "raise SystemExit(3)", "1 / 0", "import syntax error"])
def test_what_a_module_raises_is_one_sentence_and_its_own_traceback(statement, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "raising_module.py").write_text(f"{statement}\n")
    with pytest.raises(ConfigError, match=r"can't import the module raising_module of the environment: [A-Z]") as error:
        require_env(ProMPConfig(env="raising_module:Env"))
    (note,) = error.value.__notes__
    assert "raising_module.py" in note.splitlines()[0 if "syntax" in statement else 1]
    assert "importlib" not in note


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "flags", "code", "words"),
    [
        (
            "StepFails",
            [],
            1,
            "iteration 0: the environment raised OSError ([Errno 28] No space left on device: 'log.txt')",
        ),
        ("StepFails", ["--no_parallel"], 1, "iteration 0: the environment raised OSError ([Errno 28] No space left"),
        ("NoFile", [], 1, "-0.4604265724722594], when it was reset to draw new ones. The run stopped"),
        ("CloseFails", [], 0, "warning: the environment raised SystemExit (3) when it was closed; nothing is lost"),
        ("MakeFails", [], 2, "can't be used: the environment raised PermissionError ([Errno 13] Permission denied)"),
    ],
)
def test_a_failing_environment_leaves_one_sentence_and_its_traceback_on_the_screen(tmp_path, name, flags, code, words):
    size = ["--n_itr", "1", "--meta_batch_size", "2", "--rollouts_per_meta_task", "2", "--max_path_length", "20"]
    process = start(tmp_path / "run", "--env", f"tests.envs.case_envs:{name}", *size, *flags)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == code, errors
    sentence, header, *frames = errors.splitlines()
    assert words in sentence
    assert header == "Traceback (most recent call last):"
    assert all("tests/envs/case_envs.py" in frame for frame in frames if frame.startswith("  File"))
    assert frames[-1].split("Error")[0] in ("OS", "FileNotFound", "SystemExit: 3", "Permission")
    assert (tmp_path / "run").exists() == (code == 0)
    assert ("no iteration was finished, so nothing of the run is kept" in sentence) == (code == 1)
