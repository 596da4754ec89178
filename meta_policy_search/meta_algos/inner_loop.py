"""The settings of the adaptation, and what is learned of it."""

import dataclasses
import math
import numbers
from typing import TypedDict, get_args

import tensorflow as tf

from meta_policy_search.choices import StepSizeShape
from meta_policy_search.types import Params

STEP_SIZE_SCOPE = "inner_lr/"


class InnerLoopFields(TypedDict, total=False):
    """Fields of `InnerLoop` by name, those that are not left at their defaults."""

    inner_lr: float
    num_inner_grad_steps: int
    trainable_inner_step_size: bool
    step_size_shape: StepSizeShape
    first_order: bool
    adapted: tuple[str, ...] | None
    not_meta_learned: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class InnerLoop:
    """theta_i^(k+1) = theta_i^k - alpha grad L_inner(theta_i^k; D_i^k), k = 0 .. K-1: the settings of it.

    | variant | settings |
    |---|---|
    | plain PPO, TRPO or VPG on all tasks, no adaptation | num_inner_grad_steps=0 |
    | Meta-SGD (Li et al. 2017) | trainable_inner_step_size=True |
    | MAML++ (Antoniou et al. 2019), its step sizes per layer and step | and step_size_shape="parameter_and_step" |
    | FOMAML (Finn et al. 2017) | first_order=True |
    | ANIL (Raghu et al. 2020) | adapted=("/output/",) |
    | CAVIA (Zintgraf et al. 2019), with `ContextPolicy` | adapted=("context",), not_meta_learned=("context",) |

    Args:
      inner_lr: alpha >= 0.
      num_inner_grad_steps: K >= 0.
      trainable_inner_step_size: learn alpha together with theta, starting from inner_lr.
      step_size_shape: of the learned alpha: one for each "entry" of every parameter, one for each named "parameter" (kernel
        or bias of a layer), or one for each "parameter_and_step". Steps beyond K take the last one.
      first_order: the meta-gradient takes the inner gradients as constants.
      adapted: parts of names; the inner step moves the parameters whose name has one of them. None moves all.
      not_meta_learned: parts of names, of the parameters that the meta-update leaves at their initial value.

    Raises:
      ValueError: a setting is out of its range, or has no effect beside the others.
    """

    inner_lr: float = 0.1
    num_inner_grad_steps: int = 1
    trainable_inner_step_size: bool = False
    step_size_shape: StepSizeShape = "entry"
    first_order: bool = False
    adapted: tuple[str, ...] | None = None
    not_meta_learned: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        steps, rate = self.num_inner_grad_steps, self.inner_lr
        whole = isinstance(steps, numbers.Integral) and not isinstance(steps, bool)
        self._require("num_inner_grad_steps", whole and steps >= 0, "a whole number, 0 or more")
        number = isinstance(rate, numbers.Real) and not isinstance(rate, bool)
        self._require("inner_lr", number and math.isfinite(rate) and rate >= 0, "0 or a positive, finite number")
        shapes = get_args(StepSizeShape)
        self._require("step_size_shape", self.step_size_shape in shapes, f"one of {', '.join(shapes)}")
        for name in ("trainable_inner_step_size", "first_order"):
            self._require(name, isinstance(getattr(self, name), bool), "True or False")
        for name in ("adapted", "not_meta_learned"):
            value = getattr(self, name)
            names = value is None if name == "adapted" else False
            names = names or (isinstance(value, tuple) and all(isinstance(item, str) for item in value))
            self._require(name, names and value != ("",), 'a tuple of parts of names, such as ("/output/",)')
        learned = self.trainable_inner_step_size
        self._require(
            "trainable_inner_step_size", not learned or steps > 0, "False where there are no inner steps to learn from"
        )
        fits = learned or self.step_size_shape == "entry"
        self._require("step_size_shape", fits, "left out where trainable_inner_step_size is False")

    def moves(self, name: str) -> bool:
        """Whether the inner step moves the parameter."""
        return self.adapted is None or _fits(name, self.adapted)

    def require_steps(self, why: str) -> None:
        """Raise ValueError if there are no inner steps."""
        if not self.num_inner_grad_steps:
            raise ValueError(f"{why}; with num_inner_grad_steps 0 there is none")

    def require_names(self, names: list[str]) -> None:
        """Raise ValueError if a part of a name in `adapted` or `not_meta_learned` fits no parameter."""
        for setting, parts in (("adapted", self.adapted or ()), ("not_meta_learned", self.not_meta_learned)):
            for part in parts:
                fits = any(part in name for name in names)
                self._require(setting, fits, f"parts of names of the policy's parameters: {', '.join(names)}")

    def theta(self, policy_theta: dict[str, tf.Variable]) -> dict[str, tf.Variable]:
        """All that the meta-optimiser moves: the policy's parameters, and the learned step sizes by "inner_lr/<name>"."""
        meta_learned = {name: value for name, value in policy_theta.items() if not _fits(name, self.not_meta_learned)}
        step_sizes = {
            STEP_SIZE_SCOPE + name: tf.Variable(
                tf.fill(self._step_size_shape(value), tf.constant(self.inner_lr, value.dtype))
            )
            for name, value in policy_theta.items()
            if self.trainable_inner_step_size and self.moves(name)
        }
        return {**meta_learned, **step_sizes}

    def at_step(self, theta: Params, step: int | tf.Tensor) -> Params:
        """theta with the learned step sizes of one inner step, where each step has its own."""
        if self.step_size_shape != "parameter_and_step":
            return theta
        last = self.num_inner_grad_steps - 1

        def chosen(values: tf.Tensor) -> tf.Tensor:  # unlike tf.gather, it has a dense gradient
            return tf.reduce_sum(values * tf.one_hot(tf.minimum(step, last), last + 1, dtype=values.dtype))

        return {name: chosen(value) if name.startswith(STEP_SIZE_SCOPE) else value for name, value in theta.items()}

    def _step_size_shape(self, value: tf.Variable) -> tuple[int, ...]:
        shapes = {"entry": tuple(value.shape), "parameter": (), "parameter_and_step": (self.num_inner_grad_steps,)}
        return shapes[self.step_size_shape]

    def _require(self, name: str, holds: bool, what: str) -> None:
        if not holds:
            raise ValueError(f"{name} is {getattr(self, name)!r}; it must be {what}")


class InnerSettings(InnerLoopFields, total=False):
    """What every algorithm takes for its adaptation: an `InnerLoop`, and fields in place of its own."""

    inner: InnerLoop


def _fits(name: str, parts: tuple[str, ...]) -> bool:
    return any(part in name for part in parts)
