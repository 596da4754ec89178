"""Sums along the episodes of rows [N, R, T], in float64. Callers leave out unfinished steps (mask False)."""

import numpy as np


def discounted_sums(values: np.ndarray, start: np.ndarray, discount: float) -> np.ndarray:
    """y_t = sum_{l >= t} discount^(l - t) x_l within the episode of step t, [N, R, T]."""
    sums = np.array(values, np.float64)
    continues = start[..., 1:] == start[..., :-1]
    for t in reversed(range(values.shape[-1] - 1)):
        sums[..., t] += discount * continues[..., t] * sums[..., t + 1]
    return sums


def generalized_advantages(
    rewards: np.ndarray, baselines: np.ndarray, start: np.ndarray, discount: float, gae_lambda: float
) -> np.ndarray:
    """A_t = sum_l (discount lambda)^l delta_{t+l}, delta_t = r_t + discount b_{t+1} - b_t (GAE, Schulman et al. 2016).

    The baseline after an episode's last step is 0, also where a time limit ended it, as in the original.
    """
    next_baselines = np.zeros_like(baselines)
    next_baselines[..., :-1] = baselines[..., 1:] * (start[..., 1:] == start[..., :-1])
    return discounted_sums(rewards + discount * next_baselines - baselines, start, discount * gae_lambda)


def normalize_advantages(advantages: np.ndarray) -> np.ndarray:
    """(A - mean) / (std + 1e-8) over all entries."""
    return (advantages - advantages.mean()) / (advantages.std() + 1e-8)


def shift_advantages_to_positive(advantages: np.ndarray) -> np.ndarray:
    """A - min A + 1e-8."""
    return advantages - advantages.min() + 1e-8
