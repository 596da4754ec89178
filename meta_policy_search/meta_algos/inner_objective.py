"""The objective of the adaptation, by its name."""

import dataclasses
import numbers
from typing import get_args

import tensorflow as tf

from meta_policy_search.choices import InnerType
from meta_policy_search.meta_algos.inner_loop import InnerLoop
from meta_policy_search.meta_algos.objectives import (
    dice_loss,
    likelihood_ratio_loss,
    loaded_dice_loss,
    log_likelihood_loss,
    second_order_loss,
    tmaml_loss,
)
from meta_policy_search.types import HESSIAN_BASELINES, Samples


@dataclasses.dataclass(frozen=True)
class InnerObjective:
    """What the inner step descends. All have the same gradient in expectation; they differ in its derivative, the Hessian.

    | inner_type | objective | expected Hessian |
    |---|---|---|
    | log_likelihood | MAML's surrogate | H2 |
    | likelihood_ratio | J^LR, LVC | H1 + H2 |
    | loaded_dice | Loaded DiCE | H1 + H2 + H12 + H12^T with dependencies of d steps weighted lambda^d |
    | second_order | second-order expansion (Tang et al. 2021) | all of it |
    | dice | DiCE, with the samples of `DiceSampleProcessor` | all of it |
    | tmaml | the same with a control variate, with the processor's hessian_baseline | all of it |

    Raises:
      ValueError: an unknown inner_type, or loaded_dice_lambda is not in [0, 1] or is set beside another type.
    """

    inner_type: InnerType = "likelihood_ratio"
    loaded_dice_lambda: float = 1.0

    def __post_init__(self) -> None:
        if self.inner_type not in get_args(InnerType):
            raise ValueError(f"inner_type is {self.inner_type!r}; it can be one of {', '.join(get_args(InnerType))}")
        decay = self.loaded_dice_lambda
        if isinstance(decay, bool) or not isinstance(decay, numbers.Real) or not 0 <= decay <= 1:
            raise ValueError(f"loaded_dice_lambda is {decay!r}; it must be between 0 and 1")
        if self.inner_type != "loaded_dice" and decay != 1:
            raise ValueError(f"loaded_dice_lambda is {decay!r}; it has an effect with inner_type loaded_dice only")

    @property
    def of_rewards(self) -> bool:
        """Whether it takes adjusted rewards, and not advantages."""
        return self.inner_type in ("dice", "tmaml")

    def reads(self, inner: InnerLoop) -> tuple[str, ...]:
        """What an algorithm with this objective in its adaptation, and advantages after it, needs of `Samples`."""
        needs_rewards = self.of_rewards and inner.num_inner_grad_steps > 0
        return ("advantages", "adjusted_rewards") if needs_rewards else ("advantages",)

    def loss(self, log_prob: tf.Tensor, old_log_prob: tf.Tensor, samples: Samples) -> tf.Tensor:
        """The loss of each task [N], of log-probabilities [N, R, T]."""
        advantages, start, weights = samples.advantages, samples.start, samples.weights
        if self.inner_type == "likelihood_ratio":
            return likelihood_ratio_loss(log_prob, old_log_prob, advantages, weights)
        if self.inner_type == "log_likelihood":
            return log_likelihood_loss(log_prob, advantages, weights)
        if self.inner_type == "loaded_dice":
            return loaded_dice_loss(log_prob, advantages, start, weights, self.loaded_dice_lambda)
        if self.inner_type == "second_order":
            return second_order_loss(log_prob, old_log_prob, advantages, start, weights)
        if self.inner_type == "tmaml":
            if HESSIAN_BASELINES not in samples.extras:
                raise ValueError("inner_type tmaml needs samples of DiceSampleProcessor with a hessian_baseline")
            return tmaml_loss(log_prob, samples.adjusted_rewards, samples.extras[HESSIAN_BASELINES], start, weights)
        return dice_loss(log_prob, samples.adjusted_rewards, start, weights)
