"""Compares every algorithm with the numbers that the original code recorded for it (`promp_*.npz`, `trpomaml_*.npz`, ...).

A file holds a configuration, initial parameters, the data of the steps 0..K, and what the original computed from them, run
in float64 (`out64/`) and in float32. Both precisions of the package are compared with the float64 numbers:

* `float64 ...`: does the package compute the same? To make that answerable, the constants that the original rounds to
  float32 even in its float64 run are rounded here too: the inner step size and everything in Adam.
* `float32 ...`: is the package, as it ships, as accurate as float32 allows?

A deviation is relative to the largest entry of the recorded array, but to no less than `floor`; below it, it is absolute.
The package runs eagerly here, which is faster than tracing it anew for every file.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.meta_algos.objectives import mean_kl
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.optimizers.conjugate_gradient_optimizer import flatten, unflatten
from meta_policy_search.types import Samples
from tests.meta_algos.original import Original, Quantity, build, use_original_kl
from tests.reference import nans_agree

WELL_CONDITIONED = 1e-3  # of the largest gradient entry
ABOUT_ZERO = " (gradient about 0)"


def compare(path: Path, dtypes: Sequence[tf.DType] = (tf.float64, tf.float32)) -> dict[str, float]:
    """The largest deviation of every quantity in the file, over tasks and parameters."""
    original, found = Original(path), {}
    eagerly = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        for dtype in dtypes:
            for name, value, expected in quantities(original, dtype):
                name = f"{dtype.name} {name}"
                found[name] = float(np.maximum(found.get(name, 0.0), deviation(name, value, expected)))  # keeps a NaN
    finally:
        tf.config.run_functions_eagerly(eagerly)
    return found


def deviation(name: str, value: object, expected: np.ndarray) -> float:
    """max |value - expected| / max(|expected|, floor)."""
    value, expected = np.asarray(value, np.float64), np.asarray(expected, np.float64)
    if value.shape != expected.shape:
        raise AssertionError(f"{name} has shape {value.shape}; the original's has {expected.shape}")
    value, expected = nans_agree(value, expected)
    return float(np.max(np.abs(value - expected), initial=0) / max(np.max(np.abs(expected), initial=0), floor(name)))


def floor(name: str) -> float:
    """The size of the terms that a quantity is summed from: where they cancel, deviations are absolute.

    Losses, gradients and parameters are made of terms of size 1; divergences, where two policies differ by a tenth or so,
    of that size. In float64 this matters only where the original's KL enters, which adds 1e-8 to its denominator: on-policy
    its gradient is that epsilon and nothing else.
    """
    kind = _kind(name)
    if name.startswith("float64"):
        return {"kl": 0.1, "kl_gradient": 1.0}.get(kind, 1e-3)
    return {"kl": 0.1, "kl_gradient": 1.0, "loss": 1.0, "gradient": 1.0, "adam": 1.0}.get(kind, 1e-3)


def _kind(name: str) -> str:
    for kind, words in KINDS.items():
        if any(word in name for word in words):
            return kind
    return "other"


KINDS = {  # by a part of the quantity's name; the first that fits
    "trust_region": ["exact_hvp/"],
    "coefficient": ["inner_kl_coeff"],
    "kl_gradient": ["constraint_grad", "Hx_gradient"],
    "kl": ["inner_kl", "outer_kl", "KLInner", "KLBefore", "constraint_val"],
    "loss": ["_obj", "loss_before", "Loss"],
    "gradient": ["grad"],
    "adam": ["after_epoch", "after_optimize_policy"],
}


def tolerance(path: Path, name: str) -> float:
    """What a quantity may deviate: 1e-9 in float64, 5e-6 in float32, and where more than that, why.

    In float32 the largest that was seen is 2.6e-6, on AMD's Zen 1; processors sum in different orders.
    """
    kind, exact = _kind(name), name.startswith("float64")
    if kind == "trust_region":
        return 1e-6
    if not exact and name.endswith(ABOUT_ZERO):
        return 2 * _adam_steps(name) * Original(path).config("learning_rate")
    if not exact:
        return 5e-6
    if kind in ("kl", "kl_gradient"):
        return 1e-7
    return max(1e-9, min(1e-7, 1e-6 * _kl_penalty(path)))  # ProMP's loss has the original's KL in it, times its coefficient


def _kl_penalty(path: Path) -> float:
    original = Original(path)
    return original.config("init_inner_kl_penalty") if original.config("algo") == "ProMP" else 0.0


def _adam_steps(name: str) -> int:
    """How many steps of Adam lie behind a quantity `after_...<n>[_twice]`."""
    return int(re.search(r"after_\D*(\d+)", name)[1]) * (2 if "twice" in name else 1)


def quantities(original: Original, dtype: tf.DType) -> Iterator[Quantity]:
    """Everything recorded in the file, beside what the package computes in this precision."""
    algo, batches = build(original, dtype), original.batches(dtype.as_numpy_dtype)
    yield from adaptation(algo, batches, original)
    yield from objective(algo, batches, original)
    if isinstance(algo, ProMP):
        yield from promp(algo, batches, original)
        yield from promp_steps(build(original, dtype), batches, original)
        yield from promp_calls(build(original, dtype), batches, original)
    elif isinstance(algo, TRPOMAML):
        yield from constraint(algo, batches, original)
        if dtype == tf.float64:
            yield from trust_region_step(build(original, dtype), batches, original)
    else:
        yield from first_order_calls(algo, batches, original)


def adaptation(algo: MAMLAlgo, batches: Sequence[Samples], original: Original) -> Iterator[Quantity]:
    """The adapted parameters, by the sampler's way and within the meta-loss, and the inner losses."""
    params = algo.policy.stacked_theta(original.n_tasks)
    for k, samples in enumerate(batches[:-1], 1):
        params = algo.adapt(params, samples)
        yield from original.match_tasks("sampling_adapted", k, params)
    distributions, unrolled = _unroll(algo, batches)
    for k in range(1, len(batches)):
        yield from original.match_tasks("adapted", k, unrolled[k])
        loss = algo.inner_loss(distributions[k - 1], batches[k - 1])
        yield "inner_obj", loss, original.tasks(f"inner_obj/step{k}")


def _unroll(algo: MAMLAlgo, batches: Sequence[Samples]) -> tuple[list, list]:
    """The distributions of `MAMLAlgo.unroll`, and the parameters for which it asks the policy on the way."""
    seen, distribution = [], algo.policy.distribution
    algo.policy.distribution = lambda params, observations: seen.append(params) or distribution(params, observations)
    try:
        return algo.unroll(algo.theta, batches), seen
    finally:
        del algo.policy.distribution


def objective(algo: MAMLAlgo, batches: Sequence[Samples], original: Original) -> Iterator[Quantity]:
    """The outer losses, the meta-loss and its gradient, at the initial parameters."""
    yield "outer_obj", algo.outer_loss(algo.unroll(algo.theta, batches), batches), original.tasks("outer_obj")
    meta_loss, gradient = algo.meta_gradient(batches)
    yield "meta_objective", meta_loss.loss, original["meta_objective"]
    yield from original.match_vector("grad", gradient)


def promp(algo: ProMP, batches: Sequence[Samples], original: Original) -> Iterator[Quantity]:
    """What only ProMP's files hold of the initial parameters: divergences and likelihood ratios."""
    meta_loss, kl = algo.meta_loss(batches), _kl(algo, batches)
    for k in range(1, len(batches)):
        yield "inner_kl", kl[k - 1], original.tasks(f"inner_kl/step{k}")
    yield "inner_kl_per_step", meta_loss.inner_kl, original["inner_kl_per_step"]
    yield "outer_kl", kl[-1], original.tasks("outer_kl")
    yield "outer_kl_mean", meta_loss.outer_kl, original["outer_kl_mean"]
    adapted = algo.unroll(algo.theta, batches)[-1]
    ratio = np.exp(algo.log_prob(adapted, batches[-1]) - algo.old_log_prob(batches[-1]))[:, 0]
    yield "outer_ratio", ratio, original.tasks("outer_ratio")
    active = np.mean(np.abs(ratio - 1) > original.config("clip_eps"))
    yield "clip_active_fraction", active, original["clip_active_fraction"]


def _kl(algo: MAMLAlgo, batches: Sequence[Samples]) -> list[tf.Tensor]:
    """KL(recorded || current) of the policies after 0..K steps, [N] each."""
    old = [algo.policy.behaviour_distribution(samples.agent_infos) for samples in batches]
    policies = zip(old, algo.unroll(algo.theta, batches), batches, strict=True)
    return [mean_kl(before, after, samples.weights) for before, after, samples in policies]


def promp_steps(algo: ProMP, batches: Sequence[Samples], original: Original) -> Iterator[Quantity]:
    """One Adam step at a time with fixed coefficients."""
    algo.optimizer.max_epochs, algo.adaptive_inner_kl_penalty = 1, False
    for epoch in original.numbered("after_epoch"):
        metrics = algo.optimize_policy(batches)
        yield "loss_before_epoch", metrics["LossBefore"], original[f"loss_before_epoch{epoch}"]
        yield from _after_adam(f"after_epoch{epoch}", algo, original)


def promp_calls(algo: ProMP, batches: Sequence[Samples], original: Original) -> Iterator[Quantity]:
    """`optimize_policy` as a training run calls it, twice on the same data, with adaptive coefficients."""
    (steps,) = original.numbered("after_optimize_policy")
    group = f"optimize_policy{steps}"
    algo.optimizer.max_epochs = steps
    yield "inner_kl_coeff_before", algo.inner_kl_coeff, original["inner_kl_coeff_before"]
    metrics = algo.optimize_policy(batches)
    for name in ("LossBefore", "LossAfter", "KLInner"):
        yield f"{group}/{name}", metrics[name], original[f"{group}/{name}"]
    yield f"{group}/outer_kl_after", metrics["KLOuter"], original[f"{group}/outer_kl_after"]
    yield f"{group}/inner_kls_after", algo.meta_loss(batches).inner_kl, original[f"{group}/inner_kls_after"]
    for call in (group, f"{group}_twice"):
        if call != group:
            algo.optimize_policy(batches)
        yield f"{call}/inner_kl_coeff_after", algo.inner_kl_coeff, original[f"{call}/inner_kl_coeff_after"]
        yield from _after_adam(f"after_{call}", algo, original)


def first_order_calls(algo: MAMLAlgo, batches: Sequence[Samples], original: Original) -> Iterator[Quantity]:
    """Calls of `optimize_policy` on the same data, one Adam step each."""
    for call in original.numbered("after_optimize_policy_x"):
        metrics = algo.optimize_policy(batches)
        yield from _after_adam(f"after_optimize_policy_x{call}", algo, original)
        if call == 1:
            yield "optimize_policy/LossBefore", metrics["LossBefore"], original["optimize_policy/LossBefore"]
            yield "optimize_policy/LossAfter", metrics["LossAfter"], original["optimize_policy/LossAfter"]


def _after_adam(group: str, algo: MAMLAlgo, original: Original) -> Iterator[Quantity]:
    """Parameters after Adam; entries whose gradient is about 0 apart.

    Adam divides by the size of the gradient: where that is about 0, rounding in it is amplified, at worst to a whole step.
    """
    gradients = original.params("grad")
    threshold = WELL_CONDITIONED * max(np.max(np.abs(gradient)) for gradient in gradients.values())
    matches = zip(original.match(group, algo.theta), gradients.values(), strict=True)
    for (_, value, expected), gradient in matches:
        about_zero = np.abs(gradient) < threshold
        yield group, np.where(about_zero, expected, value), expected
        if about_zero.any():
            yield group + ABOUT_ZERO, np.where(about_zero, value, expected), expected


def constraint(algo: TRPOMAML, batches: Sequence[Samples], original: Original) -> Iterator[Quantity]:
    """The KL that bounds TRPO's step, its gradient, and its curvature along the gradient of the loss."""
    batches = tf.nest.map_structure(tf.convert_to_tensor, batches)
    theta = {name: tf.identity(value) for name, value in algo.theta.items()}
    with tf.GradientTape() as tape:
        tape.watch(theta)
        kl = algo.meta_loss_at(theta, batches).outer_kl
    yield "outer_kl", _kl(algo, batches)[-1], original.tasks("outer_kl")
    yield "constraint_val_before", kl, original["constraint_val_before"]
    yield from original.match_vector("constraint_grad", tape.gradient(kl, theta))
    _, gradient = algo.meta_gradient(batches)
    if algo.policy.dtype == tf.float64:  # in float32 the difference of two gradients 1e-5 apart is mostly noise
        algo.optimizer.hvp = "finite_difference"
        product = algo.optimizer.product(flatten(gradient), batches)
        yield from original.match_vector("Hx_gradient", unflatten(product, theta))
    else:  # in float64 with the step
        product = _compiled(algo.optimizer.product, flatten(gradient), batches)
        yield from original.match_vector("Hx_gradient_exact_autodiff", unflatten(product, theta))


def trust_region_step(algo: TRPOMAML, batches: Sequence[Samples], original: Original) -> Iterator[Quantity]:
    """The curvature and the step of TRPO, beside the original's conjugate gradient and line search with an exact curvature.

    In float64 only, and with the original's epsilon in the KL: ten iterations of conjugate gradient on an ill-conditioned
    or, off-policy, indefinite curvature amplify a difference of 1e-8 in it without bound, and float32's even more.
    """
    use_original_kl(algo)
    directions, direction = [], algo.optimizer.direction
    algo.optimizer.direction = lambda *args: directions.append(_compiled(direction, *args)) or directions[-1]
    batches = tf.nest.map_structure(tf.convert_to_tensor, batches)
    _, gradient = algo.meta_gradient(batches)
    product = _compiled(algo.optimizer.product, flatten(gradient), batches)
    yield from original.match_vector("Hx_gradient_exact_autodiff", unflatten(product, algo.theta))
    metrics = algo.optimize_policy(batches)
    group, ((x, scale),) = "exact_hvp", directions
    yield "optimize_policy/LossBefore", metrics["LossBefore"], original["optimize_policy/LossBefore"]
    yield "optimize_policy/MeanKLBefore", metrics["MeanKLBefore"], original["optimize_policy/MeanKLBefore"]
    yield f"{group}/rejected", metrics["Rejected"], original[f"{group}/rejected"]
    yield f"{group}/loss_after", metrics["LossAfter"], original[f"{group}/loss_after"]
    yield f"{group}/kl_after", metrics["MeanKL"], original[f"{group}/kl_after"]
    yield from original.match(f"{group}/after_optimize", algo.theta)
    yield from original.match_vector(f"{group}/descent_direction", unflatten(x, algo.theta))
    yield f"{group}/initial_step_size", scale, original[f"{group}/initial_step_size"]
    yield f"{group}/backtrack_iters", metrics["LineSearchAttempts"] - 1, original[f"{group}/backtrack_iters"]


def _compiled(function: Callable, *args: object) -> object:
    """Calls a function with the package compiled: worth it for a dozen products with the same curvature."""
    tf.config.run_functions_eagerly(False)
    try:
        return function(*args)
    finally:
        tf.config.run_functions_eagerly(True)
