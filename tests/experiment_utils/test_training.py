"""Training from Python: the same numbers as a run script's, in memory or in a folder."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest

from experiment_utils import ConfigError, ProMPConfig, load_trained, train
from experiment_utils.algorithms import build_of
from experiment_utils.experiment import main
from meta_policy_search.callbacks import Callback
from tests.experiment_utils.small_runs import small

pytestmark = pytest.mark.usefixtures("eagerly")

SESSION = """
import gymnasium, numpy as np, tensorflow as tf
from gymnasium.spaces import Box
from experiment_utils import ProMPConfig, train

class Line(gymnasium.Env):
    observation_space, action_space = Box(-9, 9, (1,), np.float32), Box(-1, 1, (1,), np.float32)
    def sample_tasks(self, n_tasks): return self.np_random.uniform(-1, 1, n_tasks)
    def set_task(self, task): self.goal = task
    def get_task(self): return self.goal
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}
    def step(self, action): return np.zeros(1, np.float32), float(self.goal * action[0]), False, False, {}

tf.config.run_functions_eagerly(True)
sizes = {"meta_batch_size": 2, "rollouts_per_meta_task": 2, "max_path_length": 5, "hidden_sizes": (4,)}
trained = train(ProMPConfig(env="__main__:Line", n_itr=2, **sizes))
print(len(trained.progress), trained.adapt(0.5, rng=np.random.default_rng(0)).act(np.zeros(1)).shape)
"""


def numbers(progress: pd.DataFrame) -> pd.DataFrame:
    """The log without the columns that hold times."""
    return progress[[name for name in progress if "Time" not in name]]


def theta_of(trained) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in trained.components.algo.theta.items()}


def as_script(folder, config, *argv):
    """What a run script with these defaults does."""
    words = ["script.py", "--dump_path", str(folder), *argv]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", words)
        return main(config, build_of(config), "")


def test_memory_a_folder_and_the_run_script_give_the_same_bits(tmp_path):
    config = small(num_inner_grad_steps=2, n_itr=2)
    in_memory = train(config, verbose=False)
    in_folder = train(config, folder=tmp_path / "train", verbose=False)
    assert as_script(tmp_path / "script", config) == 0
    script = load_trained(tmp_path / "script", "last")
    for other in (in_folder, script):
        pd.testing.assert_frame_equal(numbers(other.progress), numbers(in_memory.progress), check_exact=True)
        np.testing.assert_equal(theta_of(other), theta_of(in_memory))
        assert other.itr == in_memory.itr == config.n_itr
    files = [{path.name for path in (tmp_path / name).iterdir()} for name in ("train", "script")]
    assert files[0] == files[1] >= {"params.json", "progress.csv", "learning_curve.png", "checkpoints", "policies", "tb"}


def test_what_is_trained_in_memory_adapts_and_acts():
    trained, rng = train(small(), verbose=False), np.random.default_rng(0)
    task = trained.sample_tasks(1, rng)[0]
    adapted = trained.adapt(task, rng=rng)
    assert adapted.act(np.zeros(2)).shape == (2,)
    assert not np.array_equal(adapted.act(np.ones(2)), trained.actor().act(np.ones(2)))


def test_a_resumed_run_gives_the_same_bits(tmp_path):
    whole = train(small(n_itr=4), verbose=False)
    train(small(n_itr=2), folder=tmp_path, verbose=False)
    resumed = train(small(n_itr=4), folder=tmp_path, resume=True, verbose=False)
    pd.testing.assert_frame_equal(numbers(resumed.progress), numbers(whole.progress), check_exact=True)
    np.testing.assert_equal(theta_of(resumed), theta_of(whole))


def test_what_cannot_be_is_said(tmp_path):
    with pytest.raises(ConfigError, match="needs the directory of the run"):
        train(small(), resume=True)
    with pytest.raises(ConfigError, match="there is no run in"):
        train(small(), folder=tmp_path, resume=True)
    with pytest.raises(ConfigError, match="unknown environment 'Nowhere'"):
        train(small(env="Nowhere"), folder=tmp_path / "new")
    assert not (tmp_path / "new").exists()
    train(small(n_itr=1), folder=tmp_path / "run", verbose=False)
    with pytest.raises(ConfigError, match="already holds a run"):
        train(small(n_itr=1), folder=tmp_path / "run")
    with pytest.raises(ConfigError, match=r"has inner_lr 0\.1, not 0\.2; a resumed run can change only"):
        train(small(inner_lr=0.2), folder=tmp_path / "run", resume=True)


def test_another_build_makes_the_components():
    built = []

    def build(config, rng):
        built.append(build_of(config)(config, rng))
        return built[0]

    trained = train(small(n_itr=1), build, verbose=False)
    assert trained.components.algo is built[0].algo


def test_it_says_how_far_it_is_or_nothing(capsys):
    train(small(), verbose=False)
    assert capsys.readouterr().out == ""
    train(small())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ProMP on MetaPointEnv, seed 1"
    assert lines[-1].startswith("iteration 3/3: return before")


class Interrupt(Callback):
    """Ctrl-C in the second iteration."""

    def on_iteration(self, trainer, iteration, metrics):
        if iteration == 1:
            os.kill(os.getpid(), signal.SIGINT)


class Impatient(Callback):
    """Ctrl-C twice in the first iteration."""

    def on_iteration(self, trainer, iteration, metrics):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)  # Python's handler runs between two instructions


def test_a_run_that_ends_in_its_first_iteration_can_be_started_again(tmp_path):
    (tmp_path / "notes").touch()
    with pytest.raises(KeyboardInterrupt, match=r"^stopped after 0 of 4 iterations$"):
        train(small(n_itr=4), folder=tmp_path, callbacks=[Impatient()], verbose=False)
    assert {path.name for path in tmp_path.iterdir()} == {"notes", ".lock"}
    train(small(n_itr=1), folder=tmp_path, verbose=False)


def test_ctrl_c_ends_after_the_iteration_and_the_run_can_go_on(tmp_path):
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(KeyboardInterrupt, match="stopped after 2 of 4 iterations; go on with"):
        train(small(n_itr=4), folder=tmp_path, callbacks=[Interrupt()], verbose=False)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    resumed = train(small(n_itr=4), folder=tmp_path, resume=True, verbose=False)
    whole = train(small(n_itr=4), verbose=False)
    pd.testing.assert_frame_equal(numbers(resumed.progress), numbers(whole.progress), check_exact=True)


def test_it_trains_in_another_thread():
    results = []
    thread = threading.Thread(target=lambda: results.append(train(small(n_itr=1), verbose=False)))
    thread.start()
    thread.join()
    assert len(results[0].progress) == 1


@pytest.mark.slow
def test_an_environment_of_a_session_is_simulated_in_parallel():
    command = [sys.executable, "-c", SESSION]  # like a notebook, it is no file that a worker process could import
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "2 (1,)"


@pytest.mark.slow
def test_a_script_without_a_guard_is_reported_of_it(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SESSION)
    command = [sys.executable, str(script)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 1
    assert 'below `if __name__ == "__main__":`; parallel=False' in result.stderr.splitlines()[-1]


def test_public_names_load_when_they_are_used():
    code = """
import sys, experiment_utils, meta_policy_search
from experiment_utils import ProMPConfig, train
assert not {"tensorflow", "mujoco"} & sys.modules.keys()
for package in (meta_policy_search, experiment_utils):
    assert set(package.__all__) <= set(dir(package))
    for name in package.__all__:
        getattr(package, name)
assert train is experiment_utils.train
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    assert ProMPConfig().algo == "ProMP"
