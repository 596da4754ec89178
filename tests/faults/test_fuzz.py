"""Loaders of configs and logs, on files that somebody broke: the right result or their own error, never another one."""

import contextlib
import json
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiment_utils.algorithm_configs import ProMPConfig
from experiment_utils.algorithms import algorithms
from experiment_utils.config_files import config_from_dict, config_to_dict, load_config
from experiment_utils.runs.curves import group_runs, mean_curve
from experiment_utils.runs.results import InvalidRunError, RunDataWarning, load_run
from experiment_utils.runs.run_dir import RunDir
from experiment_utils.runs.run_spec import Run
from experiment_utils.validation import ConfigError
from meta_policy_search.utils.logger import LogError, ProgressLog, whole_lines
from tests.experiment_utils.fake_runs import write_run
from tests.faults.mutations import JSON, changed, examples, mutated

DEFAULTS = [entry.defaults for entry in algorithms()]
PARAMS = {"config": config_to_dict(ProMPConfig()), "versions": {}}
ROWS = "Itr,n_timesteps,Step_1-AverageReturn\n0,100,1.0\n1,200,-0.5\n2,300,1e-05\n"

DEEP = st.integers(1, 100_000).map(lambda depth: b"[" * depth)
FILES = (
    st.binary(max_size=200)
    | mutated(json.dumps(PARAMS).encode())
    | JSON.map(lambda value: json.dumps(value).encode())
    | DEEP
)


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "params.json"


@examples(200)
@given(content=FILES)
def test_a_config_file_gives_a_config_or_a_config_error(file, content):
    file.write_bytes(content)
    for defaults in DEFAULTS:
        try:
            config = load_config(file, defaults)
        except ConfigError:
            continue
        else:
            assert type(config) is type(defaults)
            assert config_from_dict(json.loads(json.dumps(config_to_dict(config))), defaults, "itself") == config


@examples(100)
@given(values=changed(PARAMS["config"]))
def test_changed_settings_give_a_config_or_a_config_error(values):
    try:
        config = config_from_dict(values, ProMPConfig(), "the file")
    except ConfigError:
        return
    for name in values.keys() & PARAMS["config"].keys() - {"env", "algo"}:
        kept, given = getattr(config, name), values[name]
        assert kept == (tuple(given) if isinstance(given, list) else given)


@examples(200)
@given(content=FILES)
def test_a_resumed_runs_settings_are_json_or_a_config_error(file, content):
    file.write_bytes(content)
    with contextlib.suppress(ConfigError):
        assert isinstance(config_from_dict(RunDir(file.parent).read_config(), ProMPConfig(), "the run"), ProMPConfig)


def draw_and_judge(folder: Path) -> None:
    """What the plots and the sweeps do with a folder."""
    with warnings.catch_warnings(action="ignore", category=RunDataWarning):
        for settings in ({"seed": 1}, {"seed": 1, "n_itr": 3}):
            assert Run(Path("x.py"), folder, settings).state() in ("new", "begun", "finished")
        try:
            run = load_run(folder)
            for fields in (["algorithm"], ["env", "inner_lr"]):
                (members,) = group_runs([run], fields).values()
            mean_curve(members)
        except InvalidRunError:
            pass


@examples(150)
@given(content=mutated(ROWS.encode()) | st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_a_log_gives_a_run_or_a_broken_run(tmp_path, content):
    (write_run(tmp_path / "run", [1.0]) / "progress.csv").write_bytes(content)
    draw_and_judge(tmp_path / "run")


@examples(150)
@given(content=FILES | changed({**PARAMS["config"], "outer_type": "dice"}).map(lambda c: json.dumps({"config": c}).encode()))
def test_settings_give_a_run_or_a_broken_run(tmp_path, content):
    (write_run(tmp_path / "run", [1.0, 2.0]) / "params.json").write_bytes(content)
    draw_and_judge(tmp_path / "run")


@examples(300)
@given(content=mutated(ROWS.encode()) | st.binary(max_size=200), keep=st.integers(0, 4))
def test_a_log_goes_on_after_whole_rows_or_refuses(tmp_path, content, keep):
    path = tmp_path / "progress.csv"
    path.write_bytes(content)
    lines = whole_lines(path)
    rows = max(len(lines) - 1, 0)
    try:
        ProgressLog(path, keep)
    except LogError:
        assert keep > rows
        assert path.read_bytes() == content
    else:
        assert keep <= rows
        if keep:
            assert path.read_text().split("\n")[:-1] == lines[: keep + 1]
            assert [line.split(",")[0] for line in lines[1:]] == [str(i) for i in range(rows)] or "Itr" in lines[0]
