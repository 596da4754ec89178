"""The built wheel, installed alone: what `pip install` gives."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import meta_policy_search

ROOT = Path(__file__).resolve().parent.parent
SMALL = ["--meta_batch_size", "2", "--rollouts_per_meta_task", "2", "--max_path_length", "5", "--hidden_sizes", "4"]

pytestmark = pytest.mark.slow  # a minute, because it is the only test of what users install


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A virtual environment with the wheel; its other packages are those of this one."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("the wheel is built from what git has, and this is no repository")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(ROOT / name, source / name) if os.stat(ROOT).st_dev == os.stat(folder).st_dev else _copy(name, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source)]
    subprocess.run(build, check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    python = folder / "venv" / "bin" / "python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True, check=True
    )
    packages = Path(site.stdout.strip())
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)], check=True)
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")  # behind the wheel's own
    return folder


def _copy(name: str, source: Path) -> None:
    (source / name).write_bytes((ROOT / name).read_bytes())


def run(installed: Path, *words: str) -> str:
    """The output of the command, from an empty directory outside the repository."""
    work = installed / "work"
    work.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [installed / "venv" / "bin" / "meta-policy-search", *words]
    result = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_wheel_has_the_scripts_inside_its_packages(installed):
    (wheel,) = installed.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    metadata = f"meta_policy_search-{meta_policy_search.__version__}.dist-info"
    assert tops == {"meta_policy_search", "experiment_utils", metadata}
    assert {"experiment_utils/py.typed", "meta_policy_search/py.typed", "experiment_utils/scripts/meta_test.py"} <= set(
        names
    )
    metadata = zipfile.ZipFile(wheel).read(next(name for name in names if name.endswith("/METADATA"))).decode()
    assert "Description-Content-Type: text/markdown" in metadata


def test_it_trains_and_all_that_is_done_with_a_run(installed):
    work, run_dir = installed / "work", "data/run"
    assert "train " in run(installed, "--help")
    run(installed, "train", "promp", "--env", "MetaPointEnvCorner", "--n_itr", "2", *SMALL, "--dump_path", run_dir)
    params = json.loads((work / run_dir / "params.json").read_text())
    assert params["versions"]["meta_policy_search"] == meta_policy_search.__version__
    assert params["command"][0] == "meta-policy-search train ProMP"
    run(installed, "meta-test", run_dir, "--num_tasks", "2", "--rollouts", "2", "--steps", "1")
    assert (work / run_dir / "meta_test" / "k_shot.png").exists()
    run(installed, "visualize", run_dir, "--video", "film.gif")
    assert (work / "film.gif").read_bytes().startswith(b"GIF89a")
    run(installed, "report", run_dir)
    assert "<html" in (work / run_dir / "report.html").read_text()
    run(installed, "export", run_dir, "model")
    assert (work / "model" / "saved_model.pb").exists()


def test_it_sweeps_an_algorithm_by_name_and_draws(installed):
    work = installed / "work"
    settings = ["env=MetaPointEnv", "n_itr=2", "meta_batch_size=2", "rollouts_per_meta_task=2", "max_path_length=5"]
    run(installed, "sweep", "lvc-vpg", "--seeds", "1", "--dump_path", "sweep", "--fixed", *settings)
    (params,) = work.joinpath("sweep").rglob("params.json")
    assert json.loads(params.read_text())["config"]["inner_type"] == "likelihood_ratio"
    run(installed, "plot", "sweep", "--out", "curves")
    assert (work / "curves.pdf").read_bytes().startswith(b"%PDF")


def test_it_draws_the_committed_results(installed):
    run(installed, "reproduce", "figure4", "--plot-only", "--out", "figures")
    assert list((installed / "work" / "figures").glob("figure4*.png"))
