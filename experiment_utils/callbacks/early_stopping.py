"""The end of training that no longer improves."""

from typing import TYPE_CHECKING

from typing_extensions import override

from meta_policy_search.callbacks import Callback, Metrics

if TYPE_CHECKING:
    from meta_policy_search.meta_trainer import MetaTrainer  # loads TensorFlow


class EarlyStopping(Callback):
    """Ends training after `patience` iterations without a higher value of a metric.

    Args:
      patience: in iterations.
      metric: a column of progress.csv; None is the one that the best policy is chosen by. NaN is no value.
    """

    def __init__(self, patience: int, metric: str | None = None):
        self._patience, self._metric = patience, metric
        self._best: float | None = None
        self._best_itr = 0

    @override
    def on_iteration(self, trainer: "MetaTrainer", iteration: int, metrics: Metrics) -> None:
        value = metrics[self._metric or trainer.best_metric]
        if value == value and (self._best is None or value > self._best):
            self._best, self._best_itr = float(value), iteration
        if iteration - self._best_itr >= self._patience:
            trainer.stop_training = True

    @override
    def state(self) -> dict[str, object]:
        return {"best": self._best, "best_itr": self._best_itr}

    @override
    def restore(self, state: object) -> None:
        if not isinstance(state, dict):
            raise ValueError("the state of EarlyStopping is no JSON object")
        best, best_itr = state["best"], state["best_itr"]
        if not isinstance(best, float | None) or type(best_itr) is not int:
            raise ValueError("the state of EarlyStopping is no number and iteration")
        self._best, self._best_itr = best, best_itr
