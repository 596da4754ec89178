"""What every algorithm of the family must hold to, whoever wrote it."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.policies.base import MetaPolicy
from meta_policy_search.testing.problem import nearly_on_policy, on_policy, random_batches, small_policy
from meta_policy_search.types import Params, Samples
from meta_policy_search.utils.checkpoint import Checkpoints

Make = Callable[..., MAMLAlgo]  # (policy, **settings of InnerLoop)

GRADIENT_TOLERANCE = 1e-7  # of differences of fourth order, in float64
TOLERANCE = 1e-11  # of sums in another order


def check_algorithm(make: Make, *, judge: Make | None = None, make_policy: Callable[[], MetaPolicy] = small_policy) -> None:
    """All the checks of this module, on small random problems in float64.

    Args:
      make: (policy, **inner) -> the algorithm; `inner` are fields of `InnerLoop`, such as num_inner_grad_steps.
      judge: see `check_meta_gradient`.
      make_policy: for an algorithm with a policy of its own: float64, with `obs_dim`.

    Raises:
      AssertionError: what doesn't hold, in one sentence.
    """
    check_meta_gradient(make, judge=judge, make_policy=make_policy)
    check_task_axis(make, make_policy=make_policy)
    check_masks(make, make_policy=make_policy)
    check_resume(make, make_policy=make_policy)


def check_meta_gradient(
    make: Make,
    *,
    judge: Make | None = None,
    steps: Sequence[int] = (1, 2),
    make_policy: Callable[[], MetaPolicy] = small_policy,
) -> None:
    """The meta-gradient is the derivative of the meta-loss through all inner steps, by central differences.

    Args:
      judge: for losses that are no function of theta, such as DiCE's, whose value is the same everywhere: an algorithm whose
        losses are functions that have their derivatives where the data is on-policy.
      steps: numbers of inner steps K.

    Raises:
      AssertionError: it isn't.
    """
    with _eagerly():
        for k in steps:
            algo = make(make_policy(), num_inner_grad_steps=k)
            dtype = algo.policy.dtype.name
            _require(dtype == "float64", f"differences take float64; the policy of {_name(algo)} has dtype {dtype}")
            prepare = nearly_on_policy if judge is None else on_policy
            batches = prepare(algo, random_batches(algo.policy, k))
            judged = algo if judge is None else judge(algo.policy, num_inner_grad_steps=k)
            relative = gradient_error(algo, batches, judged)
            hint = "" if judge else "; for a loss whose value doesn't show its derivative, such as DiCE's, give a judge"
            hint += "; with a kink in the policy, such as relu's, the differences may be wrong"
            what = f"the meta-gradient of {_name(algo)} with K = {k} differs from that of its meta-loss by {relative:.1e}"
            _require(relative < GRADIENT_TOLERANCE, f"{what} of its size{hint}")


def gradient_error(algo: MAMLAlgo, batches: Sequence[Samples], judge: MAMLAlgo | None = None) -> float:
    """How far the meta-gradient is from differences of the meta-loss (of `judge`) along a random direction, relatively."""
    rng, judge = np.random.default_rng(2), judge or algo
    _, gradient = algo.meta_gradient(batches)
    _require(list(gradient) == list(algo.theta), f"the meta-gradient of {_name(algo)} has other names than its theta")
    direction = {name: rng.normal(size=value.shape) for name, value in algo.theta.items()}
    expected = difference(lambda theta: judge.meta_loss_at(theta, batches).loss, algo.theta, direction)
    return abs(directional(gradient, direction) - expected) / max(1.0, abs(expected))


def directional(gradient: Mapping[str, tf.Tensor], direction: Mapping[str, np.ndarray]) -> float:
    """The derivative along a direction."""
    return float(sum(tf.reduce_sum(gradient[name] * direction[name]) for name in direction))


def difference(
    loss: Callable[[Params], tf.Tensor],
    theta: Mapping[str, tf.Tensor],
    direction: Mapping[str, np.ndarray],
    eps: float = 1e-4,
) -> float:
    """Central difference, of fourth order, of a loss along a direction."""

    def at(steps: int) -> float:
        return float(loss({name: value + steps * eps * direction[name] for name, value in theta.items()}))

    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * eps)


def check_task_axis(make: Make, *, make_policy: Callable[[], MetaPolicy] = small_policy) -> None:
    """Adapting all tasks at once is adapting each alone, and the meta-gradient is the mean of the tasks' own.

    The second holds for one that is the gradient of a mean over tasks, at penalties that are linear in the KL.

    Raises:
      AssertionError: it isn't.
    """
    with _eagerly():
        algo, n_tasks = make(make_policy()), 3
        batches = on_policy(algo, random_batches(algo.policy, algo.num_inner_grad_steps, n_tasks=n_tasks))
        alone = [tf.nest.map_structure(lambda x, n=n: x[n : n + 1], batches) for n in range(n_tasks)]
        together = algo.adapt(algo.policy.stacked_theta(n_tasks), batches[0])
        each = [algo.adapt(algo.policy.stacked_theta(1), task[0]) for task in alone]
        joined = {name: np.concatenate([adapted[name] for adapted in each]) for name in together}
        _require_equal(together, joined, f"{_name(algo)} adapts a task differently where there are others")
        _, gradient = algo.meta_gradient(batches)
        of_tasks = [algo.meta_gradient(task)[1] for task in alone]
        mean = {name: np.mean([gradient_of[name] for gradient_of in of_tasks], axis=0) for name in gradient}
        _require_equal(gradient, mean, f"the meta-gradient of {_name(algo)} is not the mean of the tasks' own")


def check_masks(make: Make, *, make_policy: Callable[[], MetaPolicy] = small_policy) -> None:
    """What stands in steps of weight 0 changes neither adaptation nor meta-gradient.

    Raises:
      AssertionError: it does.
    """
    with _eagerly():
        algo = make(make_policy())
        batches = on_policy(algo, random_batches(algo.policy, algo.num_inner_grad_steps))
        spoiled = tuple(_spoil(samples) for samples in batches)
        start = algo.policy.stacked_theta(2)
        what = f"what stands in masked steps changes the {{}} of {_name(algo)}"
        _require_equal(algo.adapt(start, spoiled[0]), algo.adapt(start, batches[0]), what.format("adaptation"))
        _require_equal(algo.meta_gradient(spoiled)[1], algo.meta_gradient(batches)[1], what.format("meta-gradient"))


def check_resume(make: Make, *, make_policy: Callable[[], MetaPolicy] = small_policy) -> None:
    """After a checkpoint the next meta-update is the same, bit for bit: all that changes is in variables.

    Raises:
      AssertionError: it isn't.
    """
    with _eagerly(), tempfile.TemporaryDirectory() as folder:
        algo = make(make_policy())
        first, second = (
            on_policy(algo, random_batches(algo.policy, algo.num_inner_grad_steps, seed=seed)) for seed in range(2)
        )
        algo.optimize_policy(first)
        Checkpoints(Path(folder), algo).save(1, {})
        metrics = algo.optimize_policy(second)
        resumed = make(make_policy())
        Checkpoints(Path(folder), resumed).restore_latest()
        same = resumed.optimize_policy(second)
        what = f"{_name(algo)} goes on differently after a checkpoint: {{}} is another; keep what changes in a tf.Variable"
        for name, value in algo.theta.items():
            _require(np.array_equal(value, resumed.theta[name]), what.format(name))
        for name, value in metrics.items():
            _require(same.get(name) == value, what.format(f"the metric {name}"))


def _spoil(samples: Samples) -> Samples:
    """Other values where the weight is 0: huge observations, and actions of other rows, which have a density."""
    masked = samples.weights == 0

    def fill(values: tf.Tensor, by: tf.Tensor) -> tf.Tensor:
        return tf.where(tf.reshape(masked, [*masked.shape, *[1] * (len(values.shape) - 3)]), by, values)

    huge, others = tf.fill(samples.observations.shape, 1e30), tf.roll(samples.actions, 1, axis=1)
    observations = fill(samples.observations, tf.cast(huge, samples.observations.dtype))
    return samples._replace(observations=observations, actions=fill(samples.actions, others))


@contextlib.contextmanager
def _eagerly() -> Iterator[None]:
    """To trace graphs would take longer than what they compute here."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _name(algo: MAMLAlgo) -> str:
    return type(algo).__name__


def _require_equal(found: Mapping[str, tf.Tensor], expected: Mapping[str, tf.Tensor], message: str) -> None:
    for name, value in expected.items():
        error = float(np.max(np.abs(np.asarray(found[name]) - np.asarray(value)), initial=0.0))
        _require(error < TOLERANCE, f"{message}: {name} by {error:.1e}")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)
