"""How well a policy adapts: its return against adaptation steps, and against the number of rollouts adapted on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.stats
import tensorflow as tf

from experiment_utils.evaluation.tasks import IN_TRAINING, task_text
from experiment_utils.evaluation.trained_policy import TrainedPolicy
from experiment_utils.progress import tracked
from meta_policy_search.baselines.linear_baseline import LinearBaseline
from meta_policy_search.envs.base import Tasks
from meta_policy_search.meta_tester import MetaTester, first_rollouts
from meta_policy_search.policies.base import stack_params
from meta_policy_search.samplers.meta_sample_processor import task_returns
from meta_policy_search.samplers.trial_sample_processor import returns_in_order
from meta_policy_search.types import Params, Trajectories

ROLLOUTS = (1, 2, 5, 10, 20, 50, 100)  # adapted on, as far as there are so many
META, RANDOM = "meta-policy", "random initialisation"
SUCCESS = "SuccessRate"


class Shot(NamedTuple):
    """Returns after some adaptation."""

    steps: int
    rollouts: int  # per task, that each step adapted on
    returns: list[np.ndarray]  # of the episodes of each task, N arrays
    success: Mapping[str, float] = {}  # by name, if the family knows of success
    task_success: Sequence[Mapping[str, float]] = ()  # of each task


class Interval(NamedTuple):
    """A mean and its 95 % interval; NaN where one group tells nothing of the spread."""

    mean: float
    low: float
    high: float


def compare(
    trained: TrainedPolicy, tasks: Tasks, steps: int, rollouts: int, rng: np.random.Generator
) -> dict[str, list[Shot]]:
    """`k_shot` of the meta-policy and of a randomly initialised one, in the same tasks, with the same step sizes.

    Of policies with a memory it is `in_trial`, without inner steps.
    """
    policy = trained.components.algo.policy
    random = {name: tf.cast(value, policy.dtype) for name, value in policy.init_params(rng).items()}
    with trained.tester(tasks, rollouts) as tester:
        params = {name: stack_params(theta, len(tasks)) for name, theta in ((META, policy.theta), (RANDOM, random))}
        if trained.has_memory:
            return {name: in_trial(tester, own, rng) for name, own in params.items()}
        shots = {name: k_shot(tester, own, steps, rng) for name, own in params.items()}
        total = steps + 1 + len(fewer_rollouts(rollouts))
        return {name: list(tracked(rounds, name, total)) for name, rounds in shots.items()}


def fewer_rollouts(rollouts: int) -> list[int]:
    """Numbers of rollouts below `rollouts` that one step is measured on."""
    return [count for count in ROLLOUTS if count < rollouts]


def k_shot(tester: MetaTester, params: Params, steps: int, rng: np.random.Generator) -> Iterator[Shot]:
    """0 .. steps adaptation steps on all R rollouts, then one step on fewer of them; each measured by R new rollouts.

    Args:
      params: [N, ...], before adaptation.
      steps: K >= 1.

    Raises:
      SamplingError, AdaptationError: see `MetaTester.rounds`.
    """
    n_rollouts = tester.sampler.batch_shape[1]
    for step, found in enumerate(tester.rounds(params, steps, rng)):
        if step == 0:
            first = found.trajectories
        yield _shot(tester, step, n_rollouts, found.trajectories)
    for rollouts in fewer_rollouts(n_rollouts):
        adapted = tester.adapt(params, first_rollouts(first, rollouts))
        trajectories, _ = tester.sampler.obtain_samples(adapted, rng)
        yield _shot(tester, 1, rollouts, trajectories)


def _shot(tester: MetaTester, steps: int, rollouts: int, trajectories: Trajectories) -> Shot:
    n_tasks, success = len(trajectories.mask), _success(tester, trajectories)
    of_tasks = [tf.nest.map_structure(lambda x, n=n: x[n : n + 1], trajectories) for n in range(n_tasks)] if success else []
    return Shot(steps, rollouts, task_returns(trajectories), success, [_success(tester, task) for task in of_tasks])


def _success(tester: MetaTester, trajectories: Trajectories) -> dict[str, float]:
    """What of the family's diagnostics is called a success rate."""
    found = tester.sampler.diagnostics(trajectories)
    return {name: value for name, value in found.items() if name.endswith(SUCCESS)}


def in_trial(tester: MetaTester, params: Params, rng: np.random.Generator) -> list[Shot]:
    """Returns of a trial's rollouts in their order, of a policy with a memory: it has seen 0, 1, 2, .. of them before.

    Raises:
      SamplingError: see `MetaTester.rounds`.
    """
    trajectories, _ = tester.sampler.obtain_samples(params, rng)
    by_task = returns_in_order(trajectories)
    return [
        Shot(0, seen, [np.array([row[seen] for row in rows if len(row) > seen]) for rows in by_task])
        for seen in range(min(max(map(len, rows)) for rows in by_task))
    ]


def mean_interval(groups: Sequence[np.ndarray] | np.ndarray) -> Interval:
    """The mean over all values of all groups, and its interval over groups, which are independent; their values aren't.

    mean = sum_g S_g / sum_g n_g, with the linearised error of a ratio,
    sqrt(G / (G - 1) sum_g (S_g - mean n_g)^2) / sum_g n_g, times Student's t with G - 1 degrees of freedom.
    """
    sums, counts = np.array([(group.sum(), len(group)) for group in groups]).T
    mean, number = sums.sum() / counts.sum(), len(groups)
    if number == 1:
        return Interval(float(mean), np.nan, np.nan)
    error = np.sqrt(number / (number - 1) * np.sum((sums - mean * counts) ** 2)) / counts.sum()
    half = scipy.stats.t.ppf(0.975, number - 1) * error
    return Interval(float(mean), float(mean - half), float(mean + half))


def overall_table(results: Mapping[str, Sequence[Shot]]) -> pd.DataFrame:
    """A row for each policy and shot: the return over all episodes of all tasks, with the interval over tasks."""
    rows = [
        {
            "policy": policy,
            "steps": shot.steps,
            "rollouts": shot.rollouts,
            **_columns(mean_interval(shot.returns)),
            **_size(shot),
            **shot.success,
        }
        for policy, shots in results.items()
        for shot in shots
    ]
    return pd.DataFrame(rows)


def task_table(
    results: Mapping[str, Sequence[Shot]], tasks: Tasks, in_training: Sequence[bool] | None = None
) -> pd.DataFrame:
    """A row for each policy, shot and task: the return over its episodes, with the interval over episodes.

    Args:
      in_training: whether training drew each task; None where that is not known.
    """
    rows = [
        {
            "policy": policy,
            "task": number,
            "value": task_text(tasks[number]),
            **({} if in_training is None else {IN_TRAINING: in_training[number]}),
            "steps": shot.steps,
            "rollouts": shot.rollouts,
            **_columns(mean_interval(returns[:, np.newaxis])),
            "episodes": len(returns),
            **({} if not shot.success else {SUCCESS: shot.task_success[number][SUCCESS]}),
        }
        for policy, shots in results.items()
        for shot in shots
        for number, returns in enumerate(shot.returns)
    ]
    return pd.DataFrame(rows)


def rollouts_that_fit(trained: TrainedPolicy) -> int:
    """From how many rollouts of full length on a task has as many steps as the baseline of its advantages has features.

    On fewer the baseline fits the noise, so that it is the baseline that is measured, and not the policy.
    """
    processor = trained.components.sample_processor
    baseline = getattr(processor, "return_baseline", None) or getattr(processor, "baseline", None)
    if not isinstance(baseline, LinearBaseline):
        return 1
    observation = np.zeros((1, *trained.components.algo.policy.obs_shape))
    return -(-baseline.features(observation, np.zeros(1)).shape[1] // trained.config.max_path_length)


def _columns(interval: Interval) -> dict[str, float]:
    return {"return": interval.mean, "95 % low": interval.low, "95 % high": interval.high}


def _size(shot: Shot) -> dict[str, int]:
    return {"tasks": len(shot.returns), "episodes": sum(map(len, shot.returns))}
