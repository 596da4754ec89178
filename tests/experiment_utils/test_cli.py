"""What a user's mistake is answered with: one sentence, exit code 2, nothing written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiment_utils.cli import parse
from experiment_utils.config import ProMPConfig
from experiment_utils.runs.run_spec import SCRIPTS

PARAMS_OF_THE_ORIGINAL = {
    "seed": 1,
    "baseline": "LinearFeatureBaseline",
    "env": "HalfCheetahRandDirecEnv",
    "rollouts_per_meta_task": 20,
    "max_path_length": 100,
    "parallel": True,
    "discount": 0.99,
    "gae_lambda": 1,
    "normalize_adv": True,
    "hidden_sizes": [64, 64],
    "learn_std": True,
    "inner_lr": 0.1,
    "learning_rate": 0.001,
    "num_promp_steps": 5,
    "clip_eps": 0.3,
    "target_inner_step": 0.01,
    "init_inner_kl_penalty": 0.0005,
    "adaptive_inner_kl_penalty": False,
    "n_itr": 1001,
    "meta_batch_size": 40,
    "num_inner_grad_steps": 1,
}


def parsed(tmp_path: Path, *argv: str):
    return parse(ProMPConfig(), "", [*argv, "--dump_path", str(tmp_path / "run")])


def message(capsys, tmp_path: Path, *argv: str) -> str:
    with pytest.raises(SystemExit) as stop:
        parsed(tmp_path, *argv)
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert len(message.splitlines()) == 1
    assert not (tmp_path / "run").exists()
    return message


def write(path: Path, values: object) -> str:
    path.write_text(json.dumps(values))
    return str(path)


def test_flags_take_underscores_and_hyphens(tmp_path):
    args = parsed(tmp_path, "--n_itr", "30", "--max-path-length", "7", "--hidden_sizes", "8", "4", "--no-learn-std")
    assert (args.config.n_itr, args.config.max_path_length) == (30, 7)
    assert args.config.hidden_sizes == (8, 4)
    assert not args.config.learn_std


def test_the_defaults_are_the_originals(tmp_path):
    original = write(tmp_path / "params.json", PARAMS_OF_THE_ORIGINAL)
    assert parsed(tmp_path, "--config_file", original).config == ProMPConfig()


def test_flags_override_the_config_file(tmp_path):
    file = write(tmp_path / "c.json", {"n_itr": 5, "seed": 7})
    for number, words in enumerate((["--config_file", file], [f"--config-file={file}"])):
        config = parsed(tmp_path / str(number), *words, "--seed", "8").config
        assert (config.n_itr, config.seed) == (5, 8)


def test_class_entries_of_the_originals_sweeps_are_understood(tmp_path):
    file = write(tmp_path / "c.json", {"env": {"$class": "maml_zoo.envs.point_envs.x.MetaPointEnvCorner"}})
    assert parsed(tmp_path, "--config_file", file).config.env == "MetaPointEnvCorner"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--n_iter", "3"], "did you mean 'n_itr'"),
        (["--n_itr", "many"], "--n_itr"),
        (["--n_itr", "0"], "n_itr is 0; it must be a positive number"),
        (["--hidden_sizes", "64", "-1"], "hidden_sizes"),
        (["--inner_lr", "nan"], "inner_lr is nan; it must be 0 or a positive, finite number"),
        (["--learning_rate", "inf"], "learning_rate is inf"),
        (["--env", "HalfCheetaRandDirecEnv"], "did you mean 'HalfCheetahRandDirecEnv'"),
        (["--env", "meta_policy_search/AntRandDirec2D"], "did you mean 'meta_policy_search/AntRandDirec2D-v0'"),
        (["--env", "xyz"], "known are AntRandDirec2DEnv"),
        (["--env", "xyz"], "or a gymnasium id, or module:Class"),
        (["--env", "CartPole-v1"], "CartPole-v1 has no sample_tasks; meta-training needs sample_tasks, set_task, get_task"),
        (["--env", "nowhere:MyEnv"], "can't import the module nowhere of the environment: No module named 'nowhere'"),
        (["--env", "tests.envs.own_envs:Quite"], "the module tests.envs.own_envs has no 'Quite'; did you mean 'Quiet'?"),
        (["--env", "tests.envs.own_envs:Drifter", "--env_options", '{"limt": 3}'], "did you mean 'limit'?"),
        (["--physics", "new"], "paper"),
        (["--baseline", "None"], "LinearFeatureBaseline"),
        (["--num_minibatches", "7"], "a divisor of meta_batch_size (40)"),
        (["--discount", "1.5"], "between 0 and 1"),
        (["--config_file", "missing.json"], "can't read the config file missing.json"),
        (["--config_file"], "config_file"),
        (["--config_file", "a.json", "--config-file=b.json"], "one --config_file only, not a.json and b.json"),
        (["surplus"], "unknown argument 'surplus'"),
    ],
)
def test_a_mistaken_argument_gets_one_helpful_sentence(capsys, tmp_path, argv, words):
    assert words in message(capsys, tmp_path, *argv)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"n_itr": ', "is not JSON"),
        ("[1]", "no JSON object"),
        ('{"n_iter": 3}', "unknown key 'n_iter'; did you mean 'n_itr'"),
        ('{"n_itr": "3"}', "n_itr is '3'; it must be a whole number"),
        ('{"n_itr": true}', "n_itr is True; it must be a whole number"),
        ('{"hidden_sizes": 64}', "hidden_sizes is 64; it must be a list of whole numbers"),
        ('{"algo": "TRPOMAML"}', "is for TRPOMAML, this script trains ProMP"),
    ],
)
def test_a_mistaken_config_file_gets_one_helpful_sentence(capsys, tmp_path, content, words):
    file = tmp_path / "c.json"
    file.write_text(content)
    assert words in message(capsys, tmp_path, "--config_file", str(file))


def test_a_dump_path_that_cannot_be_written_is_refused(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as stop:
        parse(ProMPConfig(), "", ["--dump_path", str(tmp_path / "file" / "run")])
    assert stop.value.code == 2
    assert "can't write to the dump path" in capsys.readouterr().err


def test_a_run_is_never_overwritten(capsys, tmp_path):
    (tmp_path / "params.json").write_text("{}")
    with pytest.raises(SystemExit) as stop:
        parse(ProMPConfig(), "", ["--dump_path", str(tmp_path)])
    assert stop.value.code == 2
    assert "--resume" in capsys.readouterr().err


def test_a_resumed_run_keeps_its_config_but_for_n_itr(capsys, tmp_path):
    write(tmp_path / "params.json", {"config": {"algo": "ProMP", "seed": 5, "n_itr": 10}})
    resume = ["--resume", "--dump_path", str(tmp_path)]
    assert parse(ProMPConfig(), "", resume).config.n_itr == 10
    args = parse(ProMPConfig(), "", [*resume, "--n_itr", "20"])
    assert (args.config.seed, args.config.n_itr) == (5, 20)
    with pytest.raises(SystemExit):
        parse(ProMPConfig(), "", [*resume, "--seed", "6"])
    assert "has seed 5; a resumed run can change only n_itr, sampler" in capsys.readouterr().err


def test_a_config_file_counts_for_what_it_names_when_a_run_is_resumed(capsys, tmp_path):
    (tmp_path / "run").mkdir()
    write(tmp_path / "run" / "params.json", {"config": {"algo": "ProMP", "seed": 5, "n_itr": 10, "discount": 0.9}})
    resume = ["--resume", "--dump_path", str(tmp_path / "run")]
    same = write(tmp_path / "same.json", {"seed": 5, "n_itr": 20})
    config = parse(ProMPConfig(), "", [*resume, "--config_file", str(same)]).config
    assert (config.n_itr, config.discount) == (20, 0.9)
    with pytest.raises(SystemExit):
        parse(ProMPConfig(), "", [*resume, "--config_file", str(write(tmp_path / "other.json", {"seed": 6}))])
    assert "has seed 5; a resumed run can change only" in capsys.readouterr().err


def test_what_cannot_be_resumed_is_said(capsys, tmp_path):
    (tmp_path / "progress.csv").write_text("Itr,n_timesteps\n0,10\n")
    for argv, words in (
        (["--resume"], "--resume needs the --dump_path of the run to go on with"),
        (["--resume", "--dump_path", str(tmp_path)], "has a progress.csv, but no params.json; put it back"),
    ):
        with pytest.raises(SystemExit) as stop:
            parse(ProMPConfig(), "", argv)
        assert stop.value.code == 2
        assert words in capsys.readouterr().err


def test_help_whose_reader_has_gone_away_says_nothing():
    """As in `--help | head`."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, str(SCRIPTS / "plot_curves.py"), "--help"]
    result = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (result.returncode, result.stderr) == (0, "")
