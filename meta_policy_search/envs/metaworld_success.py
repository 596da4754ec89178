"""Success as Meta-World's own evaluation counts it. Nothing in this module needs Meta-World."""

import numpy as np

EPISODES = 3  # of each task, that `metaworld.evaluation.metalearning_evaluation` counts


def first_episodes_success(success: np.ndarray, names: np.ndarray, episodes: int = EPISODES) -> float:
    """The mean over tasks of the share of successes among the first `episodes` of each task that end.

    As in `metaworld.evaluation.evaluation`: all environments step together, one for each goal; an episode ends with its
    first success, and the environment begins its next one. What counts of a task is whatever ends first in any of its
    environments. So where it has more environments than episodes count, quick successes crowd out failures, and the number
    is larger than the share of the episodes that succeed.

    Args:
      success: [N, R, T] what the environment says of each step, of the R >= episodes first episodes of each environment.
      names: [N] of the environments' tasks.
    """
    succeeded = success > 0
    reached = np.asarray(succeeded.any(axis=2))  # [N, R]
    lengths = np.where(reached, succeeded.argmax(axis=2) + 1, success.shape[2])
    ends = lengths.cumsum(axis=1)
    rates = []
    for name in np.unique(names):
        of_task = names == name
        order = np.argsort(ends[of_task].T, axis=None, kind="stable")  # by time, then by environment
        rates.append(reached[of_task].T.ravel()[order[:episodes]].mean())
    return float(np.mean(rates))
