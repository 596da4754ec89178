"""From trajectories to the adjusted rewards of DiCE."""

import dataclasses

import numpy as np

from meta_policy_search.samplers.meta_sample_processor import (
    Baseline,
    make_samples,
    return_statistics,
    step_times,
    task_baselines,
)
from meta_policy_search.samplers.returns import (
    discounted_sums,
    generalized_advantages,
    normalize_advantages,
    shift_advantages_to_positive,
)
from meta_policy_search.types import HESSIAN_BASELINES, Samples, Trajectories


@dataclasses.dataclass(frozen=True)
class DiceSampleProcessor:
    """Discounted rewards minus their baseline, each task by itself, and, for VPG- and TRPO-DiCE, advantages.

    The original pads every episode with zeros to `max_path_length`, takes means over the padded arrays, and normalises
    with statistics that include the padding; so do the weights and the normalisation here, without the arrays.

    Args:
      baseline: fitted to the discounted rewards gamma^t r_t (a baseline of the step's reward, not of the return).
      max_path_length: H, the length that episodes count as.
      discount: gamma in [0, 1].
      gae_lambda: lambda in [0, 1], of the advantages.
      normalize_adv: adjusted rewards and advantages to mean 0 and deviation 1 over the padded steps of the task.
      positive_adv: shift both to be positive.
      return_baseline: fitted to the returns; None for no advantages.
      hessian_baseline: fitted to the sums of adjusted rewards over the rest of the episode, for TMAML; None for none.
    """

    baseline: Baseline
    max_path_length: int
    discount: float = 0.99
    gae_lambda: float = 1.0
    normalize_adv: bool = True
    positive_adv: bool = False
    return_baseline: Baseline | None = None
    hessian_baseline: Baseline | None = None

    @property
    def provides(self) -> tuple[str, ...]:
        """The fields of `Samples` that it fills, of those that not every processor does."""
        return ("adjusted_rewards",) if self.return_baseline is None else ("adjusted_rewards", "advantages")

    def process_samples(self, trajectories: Trajectories) -> tuple[Samples, dict[str, float]]:
        """The samples that the algorithm takes, and the statistics of the returns under the original's keys."""
        mask, times = trajectories.mask, step_times(trajectories)
        discounted = trajectories.rewards * self.discount**times * mask
        adjusted = discounted - task_baselines(self.baseline, trajectories, discounted)
        adjusted = self._standardised(adjusted, trajectories)
        paths = (mask & (times == 0)).sum(axis=(1, 2), keepdims=True)
        samples = make_samples(
            trajectories,
            weights=mask / (paths * self.max_path_length),
            advantages=None if self.return_baseline is None else self._advantages(trajectories, self.return_baseline),
            adjusted_rewards=adjusted,
            extras=self._hessian_baselines(trajectories, adjusted),
        )
        return samples, return_statistics(trajectories, self.discount)

    def _hessian_baselines(self, trajectories: Trajectories, adjusted: np.ndarray) -> dict[str, np.ndarray]:
        if self.hessian_baseline is None:
            return {}
        to_go = discounted_sums(adjusted, trajectories.start, 1.0)  # the discount is in the rewards
        return {HESSIAN_BASELINES: task_baselines(self.hessian_baseline, trajectories, to_go)}

    def _advantages(self, trajectories: Trajectories, baseline: Baseline) -> np.ndarray:
        rewards, start = trajectories.rewards * trajectories.mask, trajectories.start
        returns = discounted_sums(rewards, start, self.discount)
        baselines = task_baselines(baseline, trajectories, returns)
        advantages = generalized_advantages(rewards, baselines, start, self.discount, self.gae_lambda)
        return self._standardised(advantages, trajectories)

    def _standardised(self, values: np.ndarray, trajectories: Trajectories) -> np.ndarray:
        result = np.zeros(values.shape)
        first = trajectories.mask & (step_times(trajectories) == 0)
        for task, keep in enumerate(trajectories.mask):
            steps = int(keep.sum())
            padding = np.zeros(int(first[task].sum()) * self.max_path_length - steps)
            padded = np.concatenate([values[task][keep], padding])
            if self.normalize_adv:
                padded = normalize_advantages(padded)
            result[task][keep] = (shift_advantages_to_positive(padded) if self.positive_adv else padded)[:steps]
        return result
