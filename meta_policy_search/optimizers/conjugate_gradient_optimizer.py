"""TRPO's step: conjugate gradient along the constraint's curvature, then a backtracking line search."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypedDict, get_args

import numpy as np
import tensorflow as tf

from meta_policy_search.choices import HvpType
from meta_policy_search.types import MetaLoss, Samples
from meta_policy_search.utils.compiled import compiled, mean_over_tasks

if TYPE_CHECKING:
    from meta_policy_search.meta_algos.base import MAMLAlgo

Gradient = dict[str, tf.Tensor]

CURVATURE_EPS = 1e-8  # the original's guard against dividing by zero curvature
RESIDUAL_TOL = 1e-10  # squared norm of the residual at which conjugate gradient stops, as in the original
DIFFERENCE_EPS = 1e-5  # the original's finite-difference step, absolute


class ConjugateGradientSettings(TypedDict, total=False):
    """Settings of `ConjugateGradientOptimizer` by name."""

    cg_iters: int
    reg_coeff: float
    backtrack_ratio: float
    max_backtracks: int
    hvp: HvpType


class ConjugateGradientOptimizer:
    """minimise loss subject to KL <= step_size, by one natural-gradient step (Schulman et al. 2015, appendix C).

    With g the gradient of the loss, H the curvature of the KL after adaptation and x ~ H^-1 g: theta moves by
    -c^j sqrt(2 delta / x.Hx) x for the first j at which the loss has fallen and the KL is at most delta. If there is none,
    theta stays where it was and the metric `Rejected` is 1.

    Args:
      algo: whose theta it moves.
      step_size: delta > 0, in nats.
      cg_iters: iterations of conjugate gradient, accumulated in float64.
      reg_coeff: added to the diagonal of H.
      backtrack_ratio: c in (0, 1).
      max_backtracks: line-search attempts.
      hvp: how H v is computed.
        "fisher": J^T M (J v), forward over reverse, with M the Fisher information of the action distribution. It is the
        Hessian of the KL where the recorded policy is the current one, as it is in training, and positive semi-definite.
        "hessian": the second derivative of the KL at any theta, forward over reverse; 1.5 to 2 times the work.
        "finite_difference": the original's (c'(theta + e v) - c'(theta - e v)) / 2e with e = 1e-5, for comparison only: in
        float32 its direction after ten iterations is far from the exact one.
    """

    def __init__(
        self,
        algo: "MAMLAlgo",
        step_size: float,
        *,
        cg_iters: int = 10,
        reg_coeff: float = 0.0,
        backtrack_ratio: float = 0.8,
        max_backtracks: int = 15,
        hvp: HvpType = "fisher",
    ):
        if hvp not in get_args(HvpType):
            raise ValueError(f"hvp is {hvp!r}; it can be one of {', '.join(get_args(HvpType))}")
        self.algo, self.step_size = algo, step_size
        self.cg_iters, self.reg_coeff, self.hvp = cg_iters, reg_coeff, hvp
        self.backtrack_ratio, self.max_backtracks = backtrack_ratio, max_backtracks

    def optimize(self, batches: Sequence[Samples]) -> dict[str, float]:
        """Takes the step and returns its metrics.

        Raises:
          FloatingPointError: the meta-gradient or the step is NaN or infinite.
        """
        batches = tf.nest.map_structure(tf.convert_to_tensor, tuple(batches))
        before, gradient = self.algo.meta_gradient(batches)
        direction, scale = self.direction(_finite("meta-gradient", flatten(gradient)), batches)
        _finite("natural gradient", direction)
        after, attempts = self._line_search(before, scale * direction, batches)
        accepted = after if after is not None else before
        return {
            "LossBefore": float(before.loss),
            "LossAfter": float(accepted.loss),
            "dLoss": float(before.loss - accepted.loss),
            "MeanKLBefore": float(before.outer_kl),
            "MeanKL": float(accepted.outer_kl),
            **accepted.inner_kl_metrics(),
            "LineSearchAttempts": float(attempts),
            "Rejected": float(after is None),
        }

    def direction(self, gradient: np.ndarray, batches: Sequence[Samples]) -> tuple[np.ndarray, float]:
        """x ~ H^-1 g [P] and the factor sqrt(2 delta / x.Hx) that puts the step on the trust region; NaN if x.Hx < 0."""
        x, residual = conjugate_gradient(lambda v: self.product(v, batches), gradient, self.cg_iters)
        curvature = x @ (gradient - residual) + CURVATURE_EPS  # H x without another product
        return x, float(np.sqrt(2 * self.step_size / curvature)) if curvature > 0 else np.nan

    def product(self, vector: np.ndarray, batches: Sequence[Samples]) -> np.ndarray:
        """(H + reg_coeff I) v for a flat vector [P], in float64."""
        products = {"fisher": self._fisher, "hessian": self._hessian, "finite_difference": self._finite_difference}
        tangents = unflatten(vector, self.algo.theta)
        return flatten(products[self.hvp](tangents, batches)) + self.reg_coeff * vector

    def _line_search(self, before: MetaLoss, step: np.ndarray, batches: Sequence[Samples]) -> tuple[MetaLoss | None, int]:
        theta = self.algo.theta
        start = {name: tf.identity(value) for name, value in theta.items()}
        origin = flatten(start)
        attempts = self.max_backtracks if np.isfinite(step).all() else 0
        for attempt in range(attempts):
            moved = unflatten(origin - self.backtrack_ratio**attempt * step, theta)
            assign(theta, moved)
            after = self.algo.meta_loss(batches)
            if after.loss < before.loss and after.outer_kl <= self.step_size:  # False if either is NaN
                return after, attempt + 1
        assign(theta, start)
        return None, attempts

    @compiled(join=mean_over_tasks)
    def _fisher(self, vector: Gradient, batches: Sequence[Samples]) -> Gradient:
        algo, policy, samples = self.algo, self.algo.policy, batches[-1]
        theta = {name: tf.identity(value) for name, value in algo.theta.items()}
        with tf.GradientTape() as tape:
            tape.watch(theta)
            with tf.autodiff.ForwardAccumulator(theta, vector) as forward:
                infos = policy.agent_infos(algo.unroll(theta, batches)[-1])
        tangents = {name: _or_zeros(forward.jvp(infos[name]), infos[name]) for name in infos}
        points = {name: tf.stop_gradient(value) for name, value in infos.items()}
        with tf.autodiff.ForwardAccumulator(points, tangents) as forward:
            with tf.GradientTape() as kl_tape:
                kl_tape.watch(points)
                kl = algo.kl(policy.distribution_of(infos), policy.distribution_of(points), samples)
            slopes = kl_tape.gradient(kl, points)
        output_gradients = {name: forward.jvp(slopes[name]) for name in infos}
        return tape.gradient(infos, theta, output_gradients, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    @compiled(join=mean_over_tasks)
    def _hessian(self, vector: Gradient, batches: Sequence[Samples]) -> Gradient:
        theta = {name: tf.identity(value) for name, value in self.algo.theta.items()}
        with tf.autodiff.ForwardAccumulator(theta, vector) as forward:
            slopes = self._constraint_slopes(theta, batches)
        return {name: _or_zeros(forward.jvp(slopes[name]), theta[name]) for name in theta}

    @compiled(join=mean_over_tasks)
    def _finite_difference(self, vector: Gradient, batches: Sequence[Samples]) -> Gradient:
        theta = self.algo.theta
        ahead, behind = (
            self._constraint_slopes({name: theta[name] + eps * vector[name] for name in theta}, batches)
            for eps in (DIFFERENCE_EPS, -DIFFERENCE_EPS)
        )
        return {name: (ahead[name] - behind[name]) / (2 * DIFFERENCE_EPS) for name in theta}

    def _constraint_slopes(self, theta: Gradient, batches: Sequence[Samples]) -> Gradient:
        with tf.GradientTape() as tape:
            tape.watch(theta)
            kl = self.algo.meta_loss_at(theta, batches).outer_kl
        return tape.gradient(kl, theta, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def conjugate_gradient(
    product: Callable[[np.ndarray], np.ndarray], g: np.ndarray, iterations: int
) -> tuple[np.ndarray, np.ndarray]:
    """x with H x ~ g, for H given by `product`, and the residual g - H x; all [P], float64.

    Starts at 0 and stops early once the squared norm of the residual is below 1e-10, or where there is no curvature.
    """
    x, residual, direction = np.zeros_like(g), g.copy(), g.copy()
    squared = residual @ residual
    for _ in range(iterations):
        curved = product(direction)
        curvature = direction @ curved
        if curvature == 0.0:  # no gradient, or none that the constraint sees; nothing to divide by
            break
        step = squared / curvature
        x += step * direction
        residual -= step * curved
        previous, squared = squared, residual @ residual
        if squared < RESIDUAL_TOL:
            break
        direction = residual + squared / previous * direction
    return x, residual


def flatten(values: Gradient) -> np.ndarray:
    """All values as one float64 vector [P], in the order of the names."""
    return np.concatenate([np.asarray(value, np.float64).ravel() for value in values.values()])


def unflatten(vector: np.ndarray, like: Gradient) -> Gradient:
    """The inverse of `flatten`, with the shapes and types of `like`."""
    ends = np.cumsum([np.prod(value.shape, dtype=int) for value in like.values()])
    parts = zip(like.items(), np.split(vector, ends[:-1]), strict=True)
    return {name: tf.cast(tf.reshape(part, value.shape), value.dtype) for (name, value), part in parts}


def assign(theta: dict[str, tf.Variable], values: Gradient) -> None:
    """Sets every variable to its value."""
    for name, value in values.items():
        theta[name].assign(value)


def _finite(what: str, vector: np.ndarray) -> np.ndarray:
    if not np.isfinite(vector).all():
        raise FloatingPointError(f"the {what} is NaN or infinite")
    return vector


def _or_zeros(tangent: tf.Tensor | None, like: tf.Tensor) -> tf.Tensor:
    return tf.zeros_like(like) if tangent is None else tangent
