"""Trackers: what reaches them. The real packages are tested where they are installed."""

import importlib
import sys

import pytest

from experiment_utils import ConfigError, train
from experiment_utils.callbacks import tracking
from meta_policy_search.utils.logger import grouped_tag
from tests.experiment_utils.small_runs import small

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.mark.parametrize(
    ("metric", "last_step", "tag"),
    [
        ("Step_1-AverageReturn", 1, "after_adaptation/return"),
        ("Step_1-AverageReturn", 3, "after_1_steps/return"),
        ("Step_0-StdReturn", 1, "before_adaptation/StdReturn"),
        ("Step_0-AverageReturn", 0, "after_adaptation/return"),
        ("HeldOut-Step_2-AverageReturn", 2, "held_out_after_adaptation/return"),
        ("LossAfter", 1, "meta_update/LossAfter"),
        ("Time-Sampling", 1, "time/Time-Sampling"),
        ("n_timesteps", 1, "progress/n_timesteps"),
    ],
)
def test_tags_are_in_groups(metric, last_step, tag):
    assert grouped_tag(metric, last_step) == tag


def test_no_tracker_is_imported_unless_asked_for():
    train(small(n_itr=1), verbose=False)
    assert not sys.modules.keys() & {"wandb", "mlflow", "trackio"}


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="track wandb needs its package: pip install wandb"):
        train(small(track="wandb"))


class Recorded(tracking._Backend):
    """A tracker that remembers."""

    calls: list

    def start(self, name, settings, run_id):
        self.calls.append(("start", name, settings["n_itr"], run_id))
        return run_id or "id"

    def log(self, numbers, iteration):
        self.calls.append((iteration, sorted(numbers)))

    def finish(self):
        self.calls.append("finish")


def test_a_resumed_run_goes_on_in_the_same_run_of_the_tracker(tmp_path, monkeypatch):
    Recorded.calls = []
    monkeypatch.setitem(tracking.BACKENDS, "wandb", Recorded)
    monkeypatch.setitem(sys.modules, "wandb", sys)
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, find=importlib.util.find_spec: name == "wandb" or find(name)
    )
    train(small(n_itr=1, track="wandb", eval_every=2, eval_tasks=1), folder=tmp_path, verbose=False)
    train(small(n_itr=2, track="wandb", eval_every=2, eval_tasks=1), folder=tmp_path, resume=True, verbose=False)
    begin, first, end, again, second, _ = Recorded.calls
    assert begin == ("start", "ProMP on MetaPointEnv, seed 1", 1, None)
    assert again == ("start", "ProMP on MetaPointEnv, seed 1", 2, "id")
    assert end == "finish"
    assert (first[0], second[0]) == (0, 1)
    assert "held_out_after_adaptation/return" in first[1]
    assert set(first[1]) - set(second[1]) == {"held_out_after_adaptation/return", "held_out_before_adaptation/return"}


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """Everything that trackers write lies in a folder of the test."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "WANDB_MODE": "offline",
        "WANDB_DIR": str(tmp_path),
        "WANDB_SILENT": "true",
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
        "TRACKIO_DIR": str(tmp_path / "trackio"),
        "HF_HUB_OFFLINE": "1",
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.mark.parametrize("tracker", ["wandb", "mlflow", "trackio"])
def test_the_real_package_takes_a_run_offline_and_its_resumption(offline, tracker):
    pytest.importorskip(tracker)
    train(small(n_itr=2, track=tracker), folder=offline / "run", verbose=False)
    trained = train(small(n_itr=3, track=tracker), folder=offline / "run", resume=True, verbose=False)
    written = {
        "wandb": lambda: list(offline.rglob("*.wandb")),
        "mlflow": lambda: list(offline.rglob("mlflow.db")),
        "trackio": lambda: list((offline / "trackio").rglob("*.db")),
    }[tracker]()
    assert written
    if tracker == "mlflow":
        import mlflow

        (run,) = mlflow.search_runs(experiment_names=[tracking.PROJECT], output_format="list")
        history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "after_adaptation/return")
        assert [point.value for point in history] == trained.progress["Step_1-AverageReturn"].tolist()
        assert run.data.params["env"] == "MetaPointEnv"
