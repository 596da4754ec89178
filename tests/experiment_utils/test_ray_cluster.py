"""Sweeps on a Ray cluster of several nodes, all of them on this machine."""

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from experiment_utils.algorithms import SCRIPTS
from experiment_utils.run_sweep import run_sweep
from experiment_utils.runs.run_spec import Run
from tests.experiment_utils.test_experiment import ROOT, SMALL, rows

ray = pytest.importorskip("ray")

# Goes on from the rows that are there; a row takes a while, and there must be one writer.
FAKE = """
import json, os, pathlib, sys, time
words = sys.argv[1:]
value = lambda name: words[words.index("--" + name) + 1]
folder, n_itr = pathlib.Path(value("dump_path")), int(value("n_itr"))
params, progress = folder / "params.json", folder / "progress.csv"
if not params.exists():
    progress.write_text("Itr,n_timesteps\\n")
    params.write_text(json.dumps({"config": {"algo": "ProMP", "seed": int(value("seed")), "n_itr": n_itr}}))
for i in range(len(progress.read_text().splitlines()) - 1, n_itr):
    time.sleep(0.2)
    with progress.open("a") as file:
        file.write(f"{i},{i * 10}\\n")
    print(f"iteration {i + 1}/{n_itr} by process {os.getpid()}", flush=True)
"""


@pytest.fixture
def cluster(monkeypatch):
    """A head without cores, and two nodes with one each."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_worker_niceness", "0")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    cluster.nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    cluster.wait_for_nodes()
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def kill_a_node_when(condition, cluster) -> threading.Thread:
    def wait_and_kill():
        while not condition():
            time.sleep(0.1)
        cluster.remove_node(cluster.nodes[0], allow_graceful=False)

    thread = threading.Thread(target=wait_and_kill)
    thread.start()
    return thread


def lines(folder: Path) -> int:
    progress = folder / "progress.csv"
    return len(progress.read_text().splitlines()) if progress.exists() else 0


@pytest.mark.slow
@pytest.mark.long
def test_runs_of_a_lost_node_go_on_on_another(cluster, tmp_path):
    script = tmp_path / "fake_run.py"
    script.write_text(FAKE)
    runs = [Run(script, tmp_path / f"run_{seed}", {"seed": seed, "n_itr": 25}) for seed in range(2)]
    killer = kill_a_node_when(lambda: all(lines(run.folder) > 3 for run in runs), cluster)
    outcomes = run_sweep(runs, jobs=2, cluster=cluster.address)
    killer.join()
    assert [outcome.code for outcome in outcomes] == [0, 0]
    writers = []
    for run in runs:
        assert [row.split(",")[0] for row in (run.folder / "progress.csv").read_text().splitlines()[1:]] == list(
            map(str, range(25))
        )
        writers.append(len({line.rpartition(" ")[2] for line in (run.folder / "run.log").read_text().splitlines()}))
    assert sorted(writers) == [1, 2]


@pytest.mark.slow
@pytest.mark.long
def test_a_killed_node_changes_no_number(cluster, tmp_path):
    settings = {"env": "MetaPointEnv", "n_itr": 12, "meta_batch_size": 2, "rollouts_per_meta_task": 2, "max_path_length": 10}
    settings["hidden_sizes"] = (8,)

    def sweep(name):
        return [
            Run(SCRIPTS / "vpg_run_mujoco.py", tmp_path / name / str(seed), {**settings, "seed": seed}) for seed in (1, 2)
        ]

    run_sweep(sweep("undisturbed"))
    runs = sweep("disturbed")
    killer = kill_a_node_when(lambda: all(lines(run.folder) > 3 for run in runs), cluster)
    outcomes = run_sweep(runs, jobs=2, cluster=cluster.address)
    killer.join()
    assert [outcome.code for outcome in outcomes] == [0, 0]
    for seed in "12":
        assert rows(tmp_path / "disturbed" / seed) == rows(tmp_path / "undisturbed" / seed)


@pytest.fixture
def client_port():
    """Where the client server of a cluster listens that `ray start` has started."""
    ports = {}
    for name in ("--port", "--ray-client-server-port"):
        with socket.create_server(("127.0.0.1", 0)) as server:
            ports[name] = server.getsockname()[1]
    flags = ["--num-cpus", "1", "--include-dashboard", "false", *(f"{name}={port}" for name, port in ports.items())]
    ray_cli = Path(sys.executable).with_name("ray")
    head = subprocess.Popen([ray_cli, "start", "--head", "--block", *flags], stdout=subprocess.PIPE, text=True)
    assert any("Ray runtime started" in line for line in head.stdout)
    yield ports["--ray-client-server-port"]
    head.terminate()
    head.communicate(timeout=60)


@pytest.mark.slow
@pytest.mark.long
def test_a_cluster_is_reached_from_outside(client_port, tmp_path):
    sweep = [sys.executable, "experiment_utils/run_sweep.py", "run_scripts/pro-mp_run_point_mass.py", "--seeds", "1", "2"]
    settings = ["--fixed", "n_itr=3", *(f"{name[2:]}={value}" for name, value in zip(SMALL[::2], SMALL[1::2], strict=True))]
    where = ["--dump_path", str(tmp_path), "--cluster", f"ray://127.0.0.1:{client_port}"]
    result = subprocess.run([*sweep, *settings, *where], cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 ran, 0 failed" in result.stdout
    assert [len(rows(path.parent)) for path in tmp_path.rglob("progress.csv")] == [3, 3]


def test_a_cluster_that_is_not_there_gets_one_sentence(tmp_path, monkeypatch):
    """What Ray does is played: other tests may run a cluster on this machine, which "auto" would find."""

    def init(address, **_):
        raise ConnectionError(f"could not find any running Ray instance at {address}")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(ValueError, match=r"^there is no Ray cluster at 'auto'; `ray start --head` starts one"):
        run_sweep([Run(tmp_path / "script.py", tmp_path / "run", {})], cluster="auto")
