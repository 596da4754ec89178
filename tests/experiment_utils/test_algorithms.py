"""The registry knows every algorithm, and takes those of others."""

import dataclasses
import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.colors import to_hex

from experiment_utils import algorithms as registry
from experiment_utils.algorithm_configs import ProMPConfig
from experiment_utils.algorithms import Algorithm, algorithm, algorithms, of_class, of_script, paper_name, register_algorithm
from experiment_utils.config_files import config_to_dict
from experiment_utils.evaluation.trained_policy import load_trained
from experiment_utils.own_algorithms import import_algorithms
from experiment_utils.plot_utils import colours
from experiment_utils.runs.results import load_run
from experiment_utils.runs.run_spec import Run, defaults_of
from experiment_utils.validation import ConfigError
from tests.experiment_utils.small_runs import SMALL, small, untrained
from tests.experiment_utils.test_experiment import ROOT

OWN = Path(__file__).with_name("own_algorithm.py")
FLAGS = ["--env", "MetaPointEnv", "--meta_batch_size", "2", "--rollouts_per_meta_task", "2", "--max_path_length", "5"]
FLAGS += ["--hidden_sizes", "4", "--no-parallel"]


@pytest.fixture
def unregistered(monkeypatch):
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))


@pytest.mark.parametrize("entry", algorithms(), ids=lambda entry: entry.name)
def test_the_settings_of_an_entry_give_its_name(entry):
    assert paper_name({**config_to_dict(entry.defaults), **entry.variant}) == entry.name
    assert entry.script.is_file()


@pytest.mark.parametrize("script", sorted((ROOT / "run_scripts").glob("*_run_*.py")), ids=lambda script: script.stem)
def test_a_script_names_the_algorithm_that_it_trains_without_flags(script):
    entry = runpy.run_path(str(script))["ALGORITHM"]
    assert paper_name(config_to_dict(entry.defaults)) == entry.name


def test_a_script_has_the_settings_of_its_first_entry():
    assert of_script(ROOT / "run_scripts" / "e-maml_run_mujoco.py").name == "E-MAML-TRPO"
    assert defaults_of(ROOT / "run_scripts" / "vpg_run_mujoco.py")["n_itr"] == 300
    assert defaults_of(ROOT / "run_scripts" / "pro-mp_run_point_mass.py")["env"] == "MetaPointEnvCorner"


def test_the_registry_loads_no_tensorflow():
    code = "import sys, experiment_utils.algorithms; assert not {'tensorflow', 'mujoco', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "ProMP"}, "ProMP is an algorithm of this package; give yours another name"),
        ({"defaults": ProMPConfig()}, r"ProMPConfig is the config class of ProMP; .* class MyProMPConfig\(ProMPConfig\)"),
        ({"colour": "red"}, "the colour of Mine is 'red'; it must be like '#D55E00'"),
        ({"variant": {"factr": 1.0}}, "the variant of Mine has 'factr', which MineConfig has not"),
    ],
)
def test_what_cannot_be_an_entry_is_refused(changes, words):
    kind = dataclasses.make_dataclass("MineConfig", [], bases=(ProMPConfig,), frozen=True)
    entry = Algorithm("Mine", kind(), algorithm("ProMP").build, Path("mine.py"), "#123456")
    with pytest.raises(ValueError, match=words):
        register_algorithm(dataclasses.replace(entry, **changes))


def test_a_file_that_registers_nothing_is_named(tmp_path, unregistered):
    (tmp_path / "nothing.py").write_text("")
    for module, words in ((str(tmp_path / "nothing.py"), "registers no algorithm"), ("no_such_module", "can't import")):
        with pytest.raises(ConfigError, match=words):
            import_algorithms(module)


def test_a_policy_is_not_loaded_as_that_of_another_class(tmp_path):
    untrained(tmp_path, small())
    params = json.loads((tmp_path / "params.json").read_text())
    assert params["algorithm_class"] == "meta_policy_search.meta_algos.pro_mp.ProMP"
    for name in ("elsewhere.pro_mp.ProMP", None):  # runs of before have none
        (tmp_path / "params.json").write_text(json.dumps({**params, "algorithm_class": name}))
        load_trained(tmp_path)
    (tmp_path / "params.json").write_text(json.dumps({**params, "algorithm_class": "mine.MyProMP"}))
    with pytest.raises(
        ConfigError, match=r"trained by the algorithm mine.MyProMP, not by .*pro_mp.ProMP; register_algorithm"
    ):
        load_trained(tmp_path)


def script(name: str, *argv: object, cwd: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / name), *map(str, argv)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> Path:
    """The directory of a run of an algorithm from outside, from a sweep that was given two iterations and then three."""
    folder = tmp_path_factory.mktemp("own")
    shutil.copy(OWN, folder / "own_algorithm.py")
    fixed = [f"{name}={value}" for name, value in {**SMALL, "hidden_sizes": 4}.items() if name != "n_itr"]
    for n_itr in (2, 3):
        words = ["--seeds", "1", "--grid", "factor=0.25", "--dump_path", "sweep", "--fixed", *fixed, f"n_itr={n_itr}"]
        done = script("experiment_utils/run_sweep.py", "own_algorithm.py", *words, cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "sweep" / "factor-0.25" / "seed_1"


@pytest.mark.slow
def test_an_algorithm_from_outside_trains_and_resumes_in_a_sweep(swept):
    params = json.loads((swept / "params.json").read_text())
    assert (params["config"]["algo"], params["config"]["factor"]) == ("Halved", 0.25)
    assert params["algorithm_class"] == "own_algorithm.build.<locals>.Halved"
    assert len(load_run(swept).progress) == 3
    assert params["resumed"][0]["itr"] == 2


@pytest.mark.slow
def test_a_policy_from_outside_is_tested_where_its_module_is_named(swept):
    folder = swept.parents[2]
    words = [swept, "--num_tasks", "1", "--rollouts", "1", "--steps", "1"]
    refused = script("run_scripts/meta_test.py", *words, cwd=folder)
    assert refused.returncode == 2
    assert "the algorithm 'Halved', which is not registered" in refused.stderr
    for module in ("own_algorithm", "own_algorithm.py"):
        done = script("run_scripts/meta_test.py", *words, "--algorithm", module, cwd=folder)
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("unregistered")
def test_its_name_and_colour_are_the_entrys(swept):
    folder = swept.parents[2]
    assert load_run(swept).algorithm == "Halved"  # nothing says more here
    done = script("run_scripts/plot_curves.py", swept, "--algorithm", "own_algorithm.py", cwd=folder)
    assert (done.returncode, "Halved ProMP" in (folder / "curves.csv").read_text()) == (0, True), done.stderr
    done = script("run_scripts/report.py", swept, "--algorithm", "own_algorithm.py", cwd=folder)
    assert (done.returncode, "Halved ProMP on MetaPointEnv" in (swept / "report.html").read_text()) == (0, True), done.stderr
    import_algorithms(str(folder / "own_algorithm.py"))
    assert to_hex(colours(["ProMP", "Halved ProMP"])["Halved ProMP"]) == "#123456"
    assert of_class("Halved").name == load_run(swept).algorithm == "Halved ProMP"
    assert Run(folder / "own_algorithm.py", swept, {"seed": 1}).n_itr == 1001
