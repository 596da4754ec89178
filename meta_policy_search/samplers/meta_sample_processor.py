"""From trajectories to advantages, per task."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar, Protocol

import numpy as np

from meta_policy_search.samplers.returns import (
    discounted_sums,
    generalized_advantages,
    normalize_advantages,
    shift_advantages_to_positive,
)
from meta_policy_search.types import Samples, Trajectories


class Baseline(Protocol):
    """Anything that can be fitted to one task's steps and evaluated on them."""

    def fit_predict(self, observations: np.ndarray, times: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """The baseline [B] of one task's steps: observations [B, O], times [B] since the episode's start, targets [B]."""


@dataclasses.dataclass(frozen=True)
class MetaSampleProcessor:
    """Returns, baseline, generalised advantages, each task by itself.

    Args:
      baseline: fitted to the discounted returns of one task's steps.
      discount: gamma in [0, 1].
      gae_lambda: lambda in [0, 1].
      normalize_adv: to mean 0 and standard deviation 1 over the steps of the task.
      positive_adv: shift the advantages of the task to be positive.
    """

    baseline: Baseline
    discount: float = 0.99
    gae_lambda: float = 1.0
    normalize_adv: bool = False
    positive_adv: bool = False

    provides: ClassVar[tuple[str, ...]] = ("advantages",)  # of the fields of `Samples` that not every processor fills

    def process_samples(self, trajectories: Trajectories) -> tuple[Samples, dict[str, float]]:
        """The samples that the algorithm takes, and the statistics of the returns under the original's keys."""
        mask, rewards = trajectories.mask, trajectories.rewards
        returns = discounted_sums(rewards * mask, trajectories.start, self.discount)
        baselines = task_baselines(self.baseline, trajectories, returns)
        advantages = generalized_advantages(rewards * mask, baselines, trajectories.start, self.discount, self.gae_lambda)
        for task, keep in enumerate(mask):
            advantages[task][keep] = self._standardised(advantages[task][keep])
        steps = mask.sum(axis=(1, 2), keepdims=True)
        extras = {"returns": returns, "baselines": baselines}
        samples = make_samples(trajectories, weights=mask / steps, advantages=advantages * mask, extras=extras)
        return samples, self.statistics(trajectories)

    def statistics(self, trajectories: Trajectories) -> dict[str, float]:
        """Of the returns of all finished episodes, under the original's keys."""
        return return_statistics(trajectories, self.discount)

    def _standardised(self, advantages: np.ndarray) -> np.ndarray:
        if self.normalize_adv:
            advantages = normalize_advantages(advantages)
        return shift_advantages_to_positive(advantages) if self.positive_adv else advantages


def step_times(trajectories: Trajectories) -> np.ndarray:
    """The index of each step in its episode, [N, R, T]."""
    return np.arange(trajectories.start.shape[-1]) - trajectories.start


def task_baselines(baseline: Baseline, trajectories: Trajectories, targets: np.ndarray) -> np.ndarray:
    """The baseline [N, R, T], fitted to each task's targets [N, R, T]; 0 under the mask."""
    times, baselines = step_times(trajectories), np.zeros(targets.shape)
    for task, keep in enumerate(trajectories.mask):
        observations = trajectories.observations[task][keep]
        wanted = targets[task][keep]
        found = np.asarray(baseline.fit_predict(observations, times[task][keep], wanted))
        if found.shape != wanted.shape:
            what = f"{type(baseline).__name__} returned a baseline of the shape {list(found.shape)}"
            raise ValueError(f"{what}; it must be {list(wanted.shape)}, a number for each step")
        baselines[task][keep] = found
    return baselines


def make_samples(
    trajectories: Trajectories,
    weights: np.ndarray,
    advantages: np.ndarray | None = None,
    adjusted_rewards: np.ndarray | None = None,
    extras: Mapping[str, np.ndarray] | None = None,
) -> Samples:
    """Puts the pieces together in the type of the observations; what is not provided is NaN."""
    nothing = np.full(trajectories.mask.shape, np.nan)
    dtype = trajectories.observations.dtype
    return Samples(
        observations=trajectories.observations,
        actions=trajectories.actions,
        start=trajectories.start,
        weights=weights.astype(dtype),
        agent_infos=trajectories.agent_infos,
        adj_avg_rewards=mean_normalised_rewards(trajectories).astype(dtype),
        advantages=(nothing if advantages is None else advantages).astype(dtype),
        adjusted_rewards=(nothing if adjusted_rewards is None else adjusted_rewards).astype(dtype),
        extras={name: value.astype(dtype) for name, value in (extras or {}).items()},
    )


def normalised_rewards(trajectories: Trajectories) -> np.ndarray:
    """Step rewards normalised by mean and deviation over all steps of all tasks, [N, R, T]; 0 under the mask."""
    kept = trajectories.rewards[trajectories.mask]
    return (trajectories.rewards - kept.mean()) / (kept.std() + 1e-8) * trajectories.mask


def mean_normalised_rewards(trajectories: Trajectories) -> np.ndarray:
    """Each task's mean of `normalised_rewards`, [N]: what E-MAML credits the pre-update behaviour with."""
    return normalised_rewards(trajectories).sum(axis=(1, 2)) / trajectories.mask.sum(axis=(1, 2))


def return_statistics(trajectories: Trajectories, discount: float) -> dict[str, float]:
    """Statistics over the finished episodes of all tasks."""
    returns = np.concatenate(task_returns(trajectories))
    return {
        "AverageDiscountedReturn": float(np.concatenate(task_returns(trajectories, discount)).mean()),
        "AverageReturn": float(returns.mean()),
        "NumTrajs": len(returns),
        "StdReturn": float(returns.std()),
        "MaxReturn": float(returns.max()),
        "MinReturn": float(returns.min()),
    }


def task_returns(trajectories: Trajectories, discount: float = 1.0) -> list[np.ndarray]:
    """The discounted returns of the finished episodes of each task, N arrays [episodes]."""
    rewards, mask = trajectories.rewards * trajectories.mask, trajectories.mask
    sums = discounted_sums(rewards, trajectories.start, discount)
    first = mask & (step_times(trajectories) == 0)
    return [of_task[begins] for of_task, begins in zip(sums, first, strict=True)]
