"""What a user's mistake is answered with: one sentence, exit code 2, nothing written."""

import contextlib
import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiment_utils.algorithm_configs import ProMPConfig
from experiment_utils.algorithms import SCRIPTS
from experiment_utils.config import CHANGES_NO_NUMBER
from experiment_utils.config_files import may_change
from experiment_utils.train_args import parse
from experiment_utils.validation import ConfigError, InvalidSetting, field_types
from meta_policy_search.envs import FAMILIES

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


def message(tmp_path: Path, *argv: str) -> str:
    """What the arguments are answered with; nothing is written."""
    with pytest.raises(ConfigError) as error:
        parsed(tmp_path, *argv)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()
    return str(error.value)


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
        (["--n_iter", "3"], "unknown argument '--n_iter'; did you mean '--n_itr'? (--help lists all)"),
        (["--no-paralel"], "unknown argument '--no-paralel'; did you mean '--no_parallel'? (--help lists all)"),
        (["--n_itr", "many"], "n_itr is 'many'; it must be a positive whole number, such as --n_itr 1001"),
        (["--n_itr", "1.5"], "n_itr is '1.5'; it must be a positive whole number"),
        (["--n_itr", "0"], "n_itr is 0; it must be a positive whole number"),
        (["--n_itr"], "--n_itr has no value; it must be a positive whole number, such as --n_itr 1001"),
        (["--n_itr", "--seed", "3"], "--n_itr has no value"),
        (["--seed", "-1"], "seed is -1; it must be 0 or a positive whole number"),
        (
            ["--hidden_sizes", "64,64"],
            "it must be positive whole numbers, such as --hidden_sizes 64 64",
        ),
        (["--hidden_sizes", "64", "-1"], "hidden_sizes is 64 -1; it must be positive whole numbers"),
        (["--hidden_sizes"], "hidden_sizes is ''; it must be positive whole numbers, such as --hidden_sizes 64 64"),
        (
            ["--normalize_adv", "False"],
            "takes no value, not 'False'; write --no_normalize_adv",
        ),
        (["--parallel=false"], "--parallel takes no value, not 'false'; write --no_parallel"),
        (["--learn-std", "0"], "--learn_std takes no value, not '0'; write --no_learn_std"),
        (["--learn_std", "On"], "--learn_std takes no value, not 'On'; write --learn_std"),
        (["--learn_std=7"], "not '7'; write --learn_std, or --no_learn_std for the opposite"),
        (["--inner_lr", "nan"], "inner_lr is nan; it must be 0 or a positive, finite number"),
        (
            ["--inner_lr", "0.1,0.2"],
            "inner_lr is '0.1,0.2'; it must be 0 or a positive, finite number",
        ),
        (["--learning_rate", "inf"], "learning_rate is inf"),
        (["--env", "HalfCheetaRandDirecEnv"], "did you mean 'HalfCheetahRandDirecEnv'"),
        (["--env", "meta_policy_search/AntRandDirec2D"], "did you mean 'meta_policy_search/AntRandDirec2D-v0'"),
        (["--env", "xyz"], "known are AntRandDirec2DEnv"),
        (["--env", "xyz"], "or a gymnasium id, or module:Class"),
        (["--env", "CartPole-v1"], "CartPole-v1 has no sample_tasks; meta-training needs sample_tasks, set_task, get_task"),
        (["--env", "nowhere:MyEnv"], "can't import the module nowhere of the environment: No module named 'nowhere'"),
        (["--env", "tests.envs.own_envs:Quite"], "the module tests.envs.own_envs has no 'Quite'; did you mean 'Quiet'?"),
        (["--env", "tests.envs.own_envs:Drifter", "--env_options", '{"limt": 3}'], "did you mean 'limit'?"),
        (["--physics", "new"], "physics is 'new'; it must be 'paper' or 'modern'"),
        (["--baseline", "None"], "baseline is 'None'; it must be one of 'LinearFeatureBaseline', 'LinearTimeBaseline'"),
        (["--num_minibatches", "7"], "num_minibatches is 7; it must be a divisor of meta_batch_size (40)"),
        (["--discount", "1.5"], "discount is 1.5; it must be a number between 0 and 1"),
        (["--config_file", "missing.json"], "can't read the config file missing.json"),
        (["--config_file"], "--config_file has no value; it must be a path"),
        (["--config_file", "a.json", "--config-file", "b.json"], "there can be one --config_file only"),
        (["--meta_batch_size", "1000000000"], "and this machine has"),
        (["surplus"], "unknown argument 'surplus'"),
    ],
)
def test_a_mistaken_argument_gets_one_helpful_sentence(tmp_path, argv, words):
    assert words in message(tmp_path, *argv)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"n_itr": ', "is not JSON"),
        ("[1]", "no JSON object"),
        ('{"n_iter": 3}', "unknown key 'n_iter'; did you mean 'n_itr'"),
        ('{"n_itr": "3"}', "c.json can't be used: n_itr is '3'; it must be a positive whole number"),
        ('{"n_itr": true}', "n_itr is True; it must be a positive whole number"),
        ('{"hidden_sizes": 64}', "hidden_sizes is 64; it must be positive whole numbers"),
        ('{"algo": "DICEMAML"}', "c.json is for DiCE, this script trains ProMP"),
        ('{"algo": "TRPOMAML"}', "c.json is for TRPO-MAML, this script trains ProMP"),
    ],
)
def test_a_mistaken_config_file_gets_one_helpful_sentence(tmp_path, content, words):
    file = tmp_path / "c.json"
    file.write_text(content)
    assert words in message(tmp_path, "--config_file", str(file))


def test_a_dump_path_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="can't write to the dump path"):
        parse(ProMPConfig(), "", ["--dump_path", str(tmp_path / "file" / "run")])


def test_a_run_is_never_overwritten(tmp_path):
    (tmp_path / "params.json").write_text("{}")
    with pytest.raises(ConfigError, match="already holds a run; go on with it by --resume"):
        parse(ProMPConfig(), "", ["--dump_path", str(tmp_path)])


@pytest.fixture
def run(tmp_path) -> Path:
    """A run that was begun."""
    (tmp_path / "run").mkdir()
    write(tmp_path / "run" / "params.json", {"config": {"algo": "ProMP", "seed": 5, "n_itr": 10, "discount": 0.9}})
    return tmp_path / "run"


@pytest.mark.parametrize("flag", ["--resume", "--resume_or_start"])
@pytest.mark.parametrize(
    ("argv", "changes"),
    [
        ([], {}),
        (["--n_itr", "20"], {"n_itr": 20}),
        (["--no_parallel"], {"parallel": False}),
        (["--num_workers", "3", "--cpus_per_worker", "2"], {"num_workers": 3, "cpus_per_worker": 2}),
        (["--seed", "5", "--discount", "0.9"], {}),
    ],
)
def test_a_resumed_run_keeps_its_settings_but_for_what_changes_no_number(run, flag, argv, changes):
    args = parse(ProMPConfig(), "", [flag, "--dump_path", str(run), *argv])
    assert args.resume
    assert args.config == ProMPConfig(**{"seed": 5, "n_itr": 10, "discount": 0.9, **changes})


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--seed", "6"], "has seed 5, not 6; a resumed run can change only n_itr, parallel, sampler"),
        (["--seed", "1"], "has seed 5, not 1"),
        (["--discount", "0.99"], "has discount 0.9, not 0.99"),
        (["--hidden_sizes", "8"], "has hidden_sizes (64, 64), not (8,)"),
    ],
)
def test_a_resumed_run_with_other_numbers_is_refused(run, argv, words):
    with pytest.raises(ConfigError, match=re.escape(words)):
        parse(ProMPConfig(), "", ["--resume", "--dump_path", str(run), *argv])


def test_a_config_file_counts_for_what_it_names_when_a_run_is_resumed(run, tmp_path):
    resume = ["--resume", "--dump_path", str(run)]
    same = write(tmp_path / "same.json", {"seed": 5, "n_itr": 20})
    config = parse(ProMPConfig(), "", [*resume, "--config_file", same]).config
    assert (config.n_itr, config.discount) == (20, 0.9)
    with pytest.raises(ConfigError, match="has seed 5, not 6; a resumed run can change only"):
        parse(ProMPConfig(), "", [*resume, "--config_file", write(tmp_path / "other.json", {"seed": 6})])


def test_what_cannot_be_resumed_is_said(tmp_path):
    for argv, words in (
        (["--resume"], "--resume needs the --dump_path of the run to go on with"),
        (["--resume_or_start"], "--resume_or_start needs the --dump_path of the run"),
        (
            ["--resume", "--dump_path", str(tmp_path / "runn")],
            "it has no params.json; look at the path",
        ),
        (["--resume", "--dump_path", str(tmp_path)], "there is no run in"),
    ):
        with pytest.raises(ConfigError, match=words):
            parse(ProMPConfig(), "", argv)
    assert not (tmp_path / "runn").exists()
    (tmp_path / "progress.csv").write_text("Itr,n_timesteps\n0,10\n")
    for flag in ("--resume", "--resume_or_start"):
        with pytest.raises(ConfigError, match=r"has a progress.csv, but no params.json; put it back"):
            parse(ProMPConfig(), "", [flag, "--dump_path", str(tmp_path)])


def test_a_script_that_may_be_the_first_call_begins_the_run(tmp_path):
    args = parse(ProMPConfig(), "", ["--resume_or_start", "--dump_path", str(tmp_path / "run"), "--n_itr", "7"])
    assert (args.resume, args.config.n_itr) == (False, 7)


def test_settings_that_change_no_number_say_so_on_their_field():
    marked = {field.name for field in dataclasses.fields(ProMPConfig) if field.metadata == CHANGES_NO_NUMBER}
    assert {"parallel", "sampler", "num_workers", "cpus_per_worker"} <= marked
    assert may_change(ProMPConfig) == ["n_itr", *(name for name in field_types(ProMPConfig) if name in marked)]


@pytest.mark.parametrize("name", field_types(ProMPConfig))
@pytest.mark.parametrize("value", [None, "abc", -1, float("nan"), [], [["a"]]])
def test_python_refuses_a_wrong_value_of_any_setting_as_the_command_line_does(name, value):
    fits = isinstance(value, str) and name in ("env",)
    with contextlib.nullcontext() if fits else pytest.raises(InvalidSetting, match=f"^{name} is .*; it must be "):
        ProMPConfig(**{name: value})


def test_lists_and_whole_numbers_become_what_the_setting_is():
    config = ProMPConfig(hidden_sizes=[8, 4], inner_lr=1)
    assert config.hidden_sizes == (8, 4)
    assert type(config.inner_lr) is float


def test_help_names_the_task_families_and_keeps_the_lines_of_examples(capsys):
    with pytest.raises(SystemExit) as stop:
        parse(ProMPConfig(), "What it does.\n\npython run.py --n_itr 3\npython run.py --seed 4", ["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "    python run.py --n_itr 3\n    python run.py --seed 4\n" in text
    assert "[[" not in text
    assert "{None}" not in text
    for family in FAMILIES:
        assert family in text


def test_help_whose_reader_has_gone_away_says_nothing():
    """As in `--help | head`."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, str(SCRIPTS / "plot_curves.py"), "--help"]
    result = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("module", ["commands.plot_curves", "paper.reproduce", "commands.meta_test", "train_args"])
def test_what_is_slow_to_import_is_imported_after_the_arguments_are_parsed(module):
    slow = ["tensorflow", "matplotlib.pyplot", "scipy.stats", "mujoco"]
    code = f"import sys, experiment_utils.{module}; print([name for name in {slow} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
