"""The named configs are the paper's settings, and the options of an environment arrive there."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from experiment_utils.algorithm_configs import ProMPConfig
from experiment_utils.env_sources import options_of
from experiment_utils.environments import make_env
from experiment_utils.train_args import parse
from experiment_utils.validation import ConfigError
from meta_policy_search.envs import FAMILIES, load_class
from tests.experiment_utils.test_cli import message

CONFIGS = Path(__file__).resolve().parent.parent.parent / "run_scripts" / "configs"
LONG = {"max_path_length": 200}
RAND_PARAMS = {
    **LONG,
    "inner_lr": 0.05,
    "num_promp_steps": 3,
    "init_inner_kl_penalty": 1e-3,
    "adaptive_inner_kl_penalty": True,
    "target_inner_step": 1e-2,
}
FIGURE_2 = {  # what differs from the half-cheetah's settings
    "half_cheetah_rand_direc": ("HalfCheetahRandDirecEnv", {}),
    "ant_rand_direc_2d": ("AntRandDirec2DEnv", {}),
    "hopper_rand_params": ("HopperRandParamsEnv", RAND_PARAMS),
    "walker2d_rand_direc": ("Walker2DRandDirecEnv", LONG),
    "humanoid_rand_direc_2d": ("HumanoidRandDirec2DEnv", {**LONG, "hidden_sizes": (128, 128)}),
    "walker2d_rand_params": ("Walker2DRandParamsEnv", RAND_PARAMS),
}


def test_all_six_environments_of_figure_2_have_a_config():
    assert {path.stem for path in CONFIGS.glob("*.json")} >= FIGURE_2.keys()


@pytest.mark.parametrize("name", FIGURE_2)
def test_a_named_config_is_the_papers_setting(name, tmp_path):
    env, changes = FIGURE_2[name]
    argv = ["--config_file", str(CONFIGS / f"{name}.json"), "--dump_path", str(tmp_path / "run")]
    config = parse(ProMPConfig(n_itr=3), "", argv).config
    assert config == dataclasses.replace(ProMPConfig(env=env), **changes)
    assert make_env(config).env.num_envs == 1


@pytest.mark.parametrize(
    "argv", [["--env_options", '{"reward_type": "sparse"}'], ["--config_file"]], ids=["by flag", "by config file"]
)
def test_options_reach_the_environment(argv, tmp_path):
    if argv == ["--config_file"]:
        (tmp_path / "c.json").write_text(json.dumps({"env_options": {"reward_type": "sparse"}}))
        argv = [*argv, str(tmp_path / "c.json")]
    config = parse(ProMPConfig(), "", ["--env", "MetaPointEnv", *argv, "--dump_path", str(tmp_path / "run")]).config
    assert make_env(config).batch(2).reward_type == "sparse"


@pytest.mark.parametrize(
    ("env", "options", "words"),
    [
        ("MetaPointEnv", '{"reward_typ": "dense"}', "did you mean 'reward_type'?"),
        ("HalfCheetahRandDirecEnv", '{"reward_type": "dense"}', "which HalfCheetahRandDirecEnv doesn't have; it has none"),
        ("MetaPointEnv", '{"num_envs": 3}', "env_options has 'num_envs'"),
        ("MetaPointEnv", "[1]", "env_options is [1]; it must be a JSON object"),
        ("MetaPointEnv", '{"reward_type', "it must be a JSON object, such as"),
    ],
)
def test_mistaken_options_get_one_helpful_sentence(tmp_path, env, options, words):
    assert words in message(tmp_path, "--env", env, "--env_options", options)


def test_a_value_that_the_environment_refuses_is_a_mistake_of_the_config():
    with pytest.raises(ConfigError, match="reward_type is 'dens'; it can be 'dense', "):
        make_env(ProMPConfig(env="MetaPointEnv", env_options={"reward_type": "dens"}))


def test_physics_and_threads_follow_their_flags():
    env = make_env(ProMPConfig(physics="modern", parallel=False))
    assert env.options == {"physics": "modern", "num_threads": 1, "backend": "mujoco"}


def test_the_options_of_a_family_are_those_of_its_bases_too():
    assert options_of(load_class(FAMILIES["HopperRandParamsEnv"])) == ["log_scale_limit"]
    assert options_of(load_class(FAMILIES["MetaPointEnvWalls"])) == ["reward_type"]


def test_a_penalty_of_0_cannot_be_adapted():
    with pytest.raises(ConfigError, match=r"init_inner_kl_penalty is 0.0; it must be positive to be adapted"):
        ProMPConfig(init_inner_kl_penalty=0.0, adaptive_inner_kl_penalty=True)
    ProMPConfig(init_inner_kl_penalty=0.0)


def test_adaptation_does_not_go_uphill():
    with pytest.raises(ConfigError, match=r"inner_lr is -0.1; it must be 0 or a positive, finite number"):
        ProMPConfig(inner_lr=-0.1)


def test_numpys_numbers_are_numbers():
    numbers = {"inner_lr": np.float32(0.5), "seed": np.int64(3), "normalize_adv": np.bool_(False)}
    config = ProMPConfig(**numbers, n_itr=np.arange(5)[4], hidden_sizes=np.array([4, 8]), env_options={"x": np.float32(2)})
    assert config == ProMPConfig(
        inner_lr=0.5, seed=3, normalize_adv=False, n_itr=4, hidden_sizes=(4, 8), env_options={"x": 2.0}
    )
    assert ProMPConfig(hidden_sizes=(np.int64(4),)).hidden_sizes == (4,)


def test_options_of_an_environment_are_as_a_resumed_run_reads_them():
    assert ProMPConfig(env_options={"x": (1, np.arange(2)), "y": None}).env_options == {"x": [1, [0, 1]], "y": None}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"x": math.nan}, "Out of range float values are not JSON compliant"),
        ({"x": object()}, "object can't be written as JSON"),
        ({1: 2}, "its keys are strings"),
        ([1], "a JSON object"),
    ],
)
def test_options_that_json_cannot_hold_are_refused(options, words):
    with pytest.raises(ConfigError, match=f"env_options is .*it must be .*{words}"):
        ProMPConfig(env_options=options)
