"""Advantages over trials, of several episodes each: what an action in one episode is worth in the next ones."""

import dataclasses

import numpy as np
from typing_extensions import override

from meta_policy_search.samplers.meta_sample_processor import MetaSampleProcessor, step_times
from meta_policy_search.samplers.returns import discounted_sums
from meta_policy_search.types import Samples, Trajectories


@dataclasses.dataclass(frozen=True)
class TrialSampleProcessor(MetaSampleProcessor):
    """`MetaSampleProcessor` for RL2: returns, baseline and advantages go on over the ends of a row's episodes.

    A row [T] is one trial, which begins at its first step; the baseline's time is that of the trial. Statistics are those
    of episodes, and besides the mean return of the rows' first and last ones.
    """

    @override
    def process_samples(self, trajectories: Trajectories) -> tuple[Samples, dict[str, float]]:
        trials = trajectories._replace(start=np.zeros_like(trajectories.start))
        samples, _ = super().process_samples(trials)
        rows = [returns for task in returns_in_order(trajectories) for returns in task if len(returns)]
        ends = {
            "AverageFirstReturn": float(np.mean([returns[0] for returns in rows])),
            "AverageLastReturn": float(np.mean([returns[-1] for returns in rows])),
        }
        return samples._replace(start=trajectories.start), {**self.statistics(trajectories), **ends}


def returns_in_order(trajectories: Trajectories) -> list[list[np.ndarray]]:
    """The returns of the finished episodes of each row in their order, N lists of R arrays [episodes]."""
    sums = discounted_sums(trajectories.rewards * trajectories.mask, trajectories.start, 1.0)
    first = trajectories.mask & (step_times(trajectories) == 0)
    return [[row[begins] for row, begins in zip(task, begin, strict=True)] for task, begin in zip(sums, first, strict=True)]
