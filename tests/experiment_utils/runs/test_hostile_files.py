"""Untrusted run directories and config files are safe to open: none of their code runs."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from experiment_utils.algorithm_configs import ProMPConfig
from experiment_utils.config_files import config_from_dict
from experiment_utils.env_sources import find
from experiment_utils.runs.results import InvalidRunError, RunDataWarning, load_run, load_runs
from experiment_utils.runs.run_dir import RunDir
from experiment_utils.train_args import parse
from experiment_utils.validation import ConfigError
from tests.experiment_utils.test_cli import message

HOSTILE_ENVS = [
    "os:system",
    "subprocess:run",
    "builtins:exec",
    "hostile_module:Env",
    "hostile_module:hostile_module/Env-v0",
    "meta_policy_search.envs.vector_worker:random",
    ":system",
    "os:",
]


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.fixture
def marker(tmp_path, monkeypatch) -> Path:
    """The file that hostile code would make; a module that makes it lies in the working directory."""
    marker = tmp_path / "marker"
    work = tmp_path / "work"
    work.mkdir()
    touch = f"import pathlib; pathlib.Path({str(marker)!r}).touch()\n"
    for name in ("hostile_module", "metaworld", "ray", "imageio"):
        (work / f"{name}.py").write_text(touch)
    monkeypatch.chdir(work)
    return marker


def hostile_run(folder: Path, **config) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "params.json").write_text(json.dumps({"config": {"algo": "ProMP", "seed": 1, **config}}))
    return folder


@pytest.mark.parametrize("env", HOSTILE_ENVS)
def test_code_named_in_an_untrusted_run_is_not_imported_and_the_sentence_names_the_flag(tmp_path, marker, env):
    folder = hostile_run(tmp_path / "run", env=env, env_options={"command": f"touch {marker}"})
    with pytest.raises(ConfigError, match="if you trust it, add --env "):
        parse(ProMPConfig(), "", ["--resume", "--dump_path", str(folder)])
    assert not marker.exists()
    assert "hostile_module" not in sys.modules


@pytest.mark.parametrize("env", HOSTILE_ENVS)
def test_code_named_in_an_untrusted_config_file_is_not_imported(tmp_path, marker, env):
    file = tmp_path / "c.json"
    file.write_text(json.dumps({"env": env, "env_options": {"command": f"touch {marker}"}}))
    assert "if you trust it, add --env " in message(tmp_path, "--config_file", str(file))
    assert not marker.exists()


def test_the_user_can_name_it(tmp_path):
    env = "tests.envs.own_envs:Quiet"
    folder = hostile_run(tmp_path / "run", env=env)
    assert parse(ProMPConfig(), "", ["--resume", "--dump_path", str(folder), "--env", env]).config.env == env
    file = tmp_path / "c.json"
    file.write_text(json.dumps({"env": env}))
    argv = ["--config_file", str(file), "--env", env, "--dump_path", str(tmp_path / "other")]
    assert parse(ProMPConfig(), "", argv).config.env == env


def test_to_name_another_is_not_enough(tmp_path, marker):
    folder = hostile_run(tmp_path / "run", env="hostile_module:Env")
    with pytest.raises(ConfigError, match="has env 'hostile_module:Env'"):
        parse(ProMPConfig(), "", ["--resume", "--dump_path", str(folder), "--env", "tests.envs.own_envs:Quiet"])
    assert not marker.exists()


def test_the_class_entries_of_the_original_name_no_module():
    config = config_from_dict({"env": {"$class": "os:system.Env"}}, ProMPConfig(), "the file")
    assert config.env == "Env"


def test_a_family_of_the_package_imports_nothing_from_the_working_directory(marker):
    with pytest.raises(ConfigError):
        find("meta_policy_search/Nothing-v0")
    code = "from experiment_utils.env_sources import find\ntry:\n    find('ML1ReachEnv')\nexcept Exception:\n    pass"
    environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[3]), "PYTHONSAFEPATH": "1"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert not marker.exists()


CHILDREN = {
    "environments of one's own": "GymnasiumVectorEnv(make=Quiet, num_envs=2).reset_envs(np.random.default_rng(0))",
    "pictures": "ProcessRenderer(HalfCheetahRandDirecEnv().model, 'rgb_array').close()",
    "mujoco-py": "with contextlib.suppress(ValueError): require_mujoco_py()",
}
PARENT = """
import contextlib
import numpy as np
from meta_policy_search.envs.gymnasium_vector_env import GymnasiumVectorEnv
from meta_policy_search.envs.mujoco_envs.half_cheetah_rand_direc import HalfCheetahRandDirecEnv
from meta_policy_search.envs.mujoco_envs.legacy_engine import require_mujoco_py
from meta_policy_search.envs.mujoco_envs.rendering import ProcessRenderer
from tests.envs.own_envs import Quiet

if __name__ == "__main__":
    {}
"""


@pytest.mark.parametrize("child", CHILDREN)
def test_child_processes_import_nothing_from_the_working_directory(tmp_path, marker, child):
    for name in ("joblib", "multiprocessing", "gym", "mujoco_py"):
        Path(f"{name}.py").write_text(Path("ray.py").read_text())
    script = tmp_path / "parent" / "script.py"
    script.parent.mkdir()
    script.write_text(PARENT.format(CHILDREN[child]))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    environment.pop("PYTHONSAFEPATH", None)
    subprocess.run([sys.executable, script], env=environment, check=True)
    assert not marker.exists()


def test_pickles_and_object_arrays_in_a_run_folder_are_not_loaded(tmp_path, marker):
    folder = hostile_run(tmp_path / "run")
    bomb = pickle.dumps(Bomb(marker))
    for name in ("progress.csv", "learning_curve.png", "exploration.npz", "checkpoint"):
        (folder / name).write_bytes(bomb)
    with pytest.raises(InvalidRunError):
        load_run(folder)
    (folder / "params.json").write_bytes(bomb)
    with pytest.warns(RunDataWarning, match="skipped"):
        assert not load_runs([tmp_path])
    with pytest.raises(ConfigError):
        RunDir(folder).read_config()
    assert not marker.exists()


def test_hostile_checkpoints_are_not_executed(tmp_path, marker):
    import tensorflow as tf

    from meta_policy_search.utils.checkpoint import Checkpoints

    np.save(tmp_path / "objects.npy", np.array([Bomb(marker)]), allow_pickle=True)
    for number, content in enumerate((pickle.dumps(Bomb(marker)), (tmp_path / "objects.npy").read_bytes())):
        for part in ("index", "data-00000-of-00001"):
            (tmp_path / f"ckpt-{number}.{part}").write_bytes(content)
    state, messages = Checkpoints(tmp_path, tf.Module()).restore_latest()
    assert state is None
    assert len(messages) == 2
    assert not marker.exists()
