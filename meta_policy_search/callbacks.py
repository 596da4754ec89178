"""What users add to training: called by `MetaTrainer` at its begin, after every iteration, and at its end."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meta_policy_search.meta_trainer import MetaTrainer  # loads TensorFlow

Metrics = dict[str, float]


class Callback:
    """Base of callbacks. Every hook does nothing by default, so a subclass defines those that it needs.

    What a hook raises ends training; the trainer is then as after the last finished iteration.
    """

    def on_train_begin(self, trainer: "MetaTrainer") -> None:
        """Called before the first iteration; in a resumed run after the checkpoint has been restored."""

    def on_iteration(self, trainer: "MetaTrainer", iteration: int, metrics: Metrics) -> Metrics | None:
        """Called after the meta-update of an iteration, before its row is logged and its checkpoint saved.

        The returns in `metrics` are those of theta before the meta-update, which is `trainer.before`. To end training after
        this iteration set `trainer.stop_training = True`.

        Args:
          metrics: the row so far, including what earlier callbacks have returned. Keys don't change between iterations.

        Returns:
          Further metrics of the row, the same keys in every iteration (NaN where there is no number); None for none.
        """

    def on_train_end(self, trainer: "MetaTrainer") -> None:
        """Called when training ends, also by an error or Ctrl-C."""

    def state(self) -> object:
        """What later iterations depend on, as JSON. It is saved in the checkpoint. None: nothing."""

    def restore(self, state: object) -> None:
        """Take over the `state` of a checkpoint.

        Raises:
          ValueError, KeyError or TypeError: it is not valid.
        """
