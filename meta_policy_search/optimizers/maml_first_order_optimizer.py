"""Adam, or another optimiser of Keras, on the meta-loss."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import keras
import tensorflow as tf

from meta_policy_search.types import MetaLoss, Samples
from meta_policy_search.utils.compiled import compiled

LearningRateSchedule: TypeAlias = keras.optimizers.schedules.LearningRateSchedule
Gradient = dict[str, tf.Tensor]


class _LearningRate:
    """A learning rate that Keras asks for and sets. A number would become a float32, and one more entry of checkpoints."""

    def __init__(self, value: float, dtype: tf.DType):
        self._value = tf.Variable(value, dtype=dtype, trainable=False)

    def __call__(self) -> tf.Tensor:
        return tf.convert_to_tensor(self._value)

    def assign(self, value: float) -> None:
        self._value.assign(value)


class MAMLFirstOrderOptimizer(tf.Module):
    """`max_epochs` passes of Adam over the same samples; its moments persist over the meta-iterations.

    Adam has the form of TensorFlow 1, step = lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + 1e-8).

    Args:
      theta: the variables it moves, by name.
      learning_rate: beta > 0, or a schedule of Keras over the steps of this optimiser. `optimizer.adam.learning_rate = 1e-4`
        changes a number; checkpoints don't hold it, so it must be set again after a resume.
      max_epochs: passes over the samples in one call of `optimize`.
      num_minibatches: steps per pass; each uses a slice of the tasks. Must divide the number of tasks.
      optimizer: of Keras, new, instead of Adam; `learning_rate` is its own affair then.
    """

    def __init__(
        self,
        theta: dict[str, tf.Variable],
        learning_rate: float | LearningRateSchedule,
        max_epochs: int = 1,
        num_minibatches: int = 1,
        optimizer: keras.optimizers.Optimizer | None = None,
    ):
        super().__init__()
        self.max_epochs, self.num_minibatches = max_epochs, num_minibatches
        self._variables = [theta[name] for name in theta]
        self._names = list(theta)
        if optimizer is None:
            scheduled = isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule)
            rate = learning_rate if scheduled else _LearningRate(learning_rate, self._variables[0].dtype)
            optimizer = keras.optimizers.Adam(rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8)
        self.adam = optimizer
        self.adam.build(self._variables)

    def optimize(
        self,
        meta_gradient: Callable[[Sequence[Samples]], tuple[MetaLoss, Gradient]],
        meta_loss: Callable[[Sequence[Samples]], MetaLoss],
        batches: Sequence[Samples],
    ) -> tuple[MetaLoss, MetaLoss]:
        """Takes the steps; returns the meta-loss on all tasks before the first and after the last of them."""
        batches = tf.nest.map_structure(tf.convert_to_tensor, tuple(batches))
        before = None if self.num_minibatches == 1 else meta_loss(batches)
        for _ in range(self.max_epochs):
            for minibatch in self._minibatches(batches):
                loss, gradient = meta_gradient(minibatch)
                before = loss if before is None else before
                self.apply(gradient)
        after = meta_loss(batches)
        return after if before is None else before, after  # without epochs theta has stayed where it was

    @compiled
    def apply(self, gradient: Gradient) -> None:
        """One step of the optimiser."""
        self.adam.apply_gradients((gradient[name], v) for name, v in zip(self._names, self._variables, strict=True))

    def _minibatches(self, batches: Sequence[Samples]) -> list[Sequence[Samples]]:
        if self.num_minibatches == 1:
            return [batches]
        n_tasks = batches[0].observations.shape[0]
        if n_tasks % self.num_minibatches:
            raise ValueError(f"num_minibatches is {self.num_minibatches}, which does not divide the {n_tasks} tasks")
        size = n_tasks // self.num_minibatches
        starts = range(0, n_tasks, size)
        return [tf.nest.map_structure(lambda x, i=i: x[i : i + size], batches) for i in starts]
