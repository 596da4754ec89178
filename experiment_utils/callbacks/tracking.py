"""Runs in Weights & Biases, MLflow or Trackio. Their packages are imported only when they are asked for."""

import abc
import importlib
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from typing_extensions import override

from experiment_utils.config import Tracker
from meta_policy_search.callbacks import Callback, Metrics
from meta_policy_search.utils.logger import grouped_tag

if TYPE_CHECKING:
    from meta_policy_search.meta_trainer import MetaTrainer

PROJECT = "meta_policy_search"


class Tracking(Callback):
    """Sends settings and metrics to a tracker; a resumed run goes on where the tracker has it.

    Where it lies and whether it is online is the tracker's own affair: WANDB_MODE=offline, MLFLOW_TRACKING_URI, TRACKIO_DIR.
    Tags are TensorBoard's (`grouped_tag`); what is no number is left out.

    Args:
      tracker: "wandb", "mlflow" or "trackio".
      name: of the run.
      settings: of the run.
    """

    def __init__(self, tracker: Tracker, name: str, settings: Mapping[str, object]):
        self._backend: _Backend = BACKENDS[tracker](importlib.import_module(tracker))  # noqa: TID251, one of BACKENDS
        self._name, self._settings = name, settings
        self._run_id: str | None = None

    @override
    def on_train_begin(self, trainer: "MetaTrainer") -> None:
        self._run_id = self._backend.start(self._name, self._settings, self._run_id)

    @override
    def on_iteration(self, trainer: "MetaTrainer", iteration: int, metrics: Metrics) -> None:
        last_step = trainer.algo.num_inner_grad_steps
        numbers = {grouped_tag(name, last_step): float(value) for name, value in metrics.items() if np.isfinite(value)}
        self._backend.log(numbers, iteration)

    @override
    def on_train_end(self, trainer: "MetaTrainer") -> None:
        self._backend.finish()

    @override
    def state(self) -> dict[str, str] | None:
        return None if self._run_id is None else {"run_id": self._run_id}

    @override
    def restore(self, state: object) -> None:
        if not isinstance(state, dict) or not isinstance(state["run_id"], str):
            raise ValueError("the run's id in the tracker is no string")
        self._run_id = state["run_id"]


class _Backend(abc.ABC):
    """What trackers have in common."""

    def __init__(self, module: ModuleType):
        self.module = module

    @abc.abstractmethod
    def start(self, name: str, settings: Mapping[str, object], run_id: str | None) -> str:
        """Begins a run, or goes on with the one of the id; returns its id."""

    @abc.abstractmethod
    def log(self, numbers: Mapping[str, float], iteration: int) -> None:
        """Adds an iteration."""

    @abc.abstractmethod
    def finish(self) -> None:
        """Ends the run."""


class _Wandb(_Backend):
    @override
    def start(self, name: str, settings: Mapping[str, object], run_id: str | None) -> str:
        self._run = self.module.init(project=PROJECT, name=name, config=dict(settings), id=run_id, resume="allow")
        return self._run.id

    @override
    def log(self, numbers: Mapping[str, float], iteration: int) -> None:
        self._run.log(dict(numbers), step=iteration)

    @override
    def finish(self) -> None:
        self._run.finish()


class _Trackio(_Backend):
    @override
    def start(self, name: str, settings: Mapping[str, object], run_id: str | None) -> str:
        name = run_id or name  # a run's name is its identity
        self._run = self.module.init(project=PROJECT, name=name, config=dict(settings), resume="allow")
        return self._run.name

    @override
    def log(self, numbers: Mapping[str, float], iteration: int) -> None:
        self.module.log(dict(numbers), step=iteration)

    @override
    def finish(self) -> None:
        self.module.finish()


class _MLflow(_Backend):
    @override
    def start(self, name: str, settings: Mapping[str, object], run_id: str | None) -> str:
        self.module.set_experiment(PROJECT)
        run = self.module.start_run(run_id=run_id, run_name=None if run_id else name)
        if run_id is None:  # MLflow refuses a setting that has changed, such as n_itr
            self.module.log_params(dict(settings))
        return run.info.run_id

    @override
    def log(self, numbers: Mapping[str, float], iteration: int) -> None:
        self.module.log_metrics(dict(numbers), step=iteration)

    @override
    def finish(self) -> None:
        self.module.end_run()


BACKENDS: dict[str, Callable[[ModuleType], _Backend]] = {"wandb": _Wandb, "mlflow": _MLflow, "trackio": _Trackio}
