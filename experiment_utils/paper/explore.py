"""A trained policy before and after adaptation in the plane of figure 4: where it goes, and which corners it finds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiment_utils.tensorflow_setup import configure_tensorflow
from meta_policy_search.samplers.meta_sample_processor import task_returns
from meta_policy_search.types import Trajectories

SEED = 0  # of the rollouts
ADAPTATIONS = 50  # to each corner


def explored(
    folder: Path, goal: np.ndarray, corners: Sequence[tuple[float, float]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Roll out the run's last policy in the task of that goal, and ADAPTATIONS times in that of each corner.

    The original adapts with VPG's log-likelihood; at the policy that sampled, the gradient of every inner objective is the
    same, so the run's own algorithm adapts here.

    Returns:
      Positions [R, T, 2] in m in the task of the goal before adaptation and after its K steps, and the return of each corner
      [K + 1, corners], a mean over adaptations, after 0 .. K steps.

    Raises:
      ConfigError: the run has no policy that can be used.
    """
    configure_tensorflow()
    from experiment_utils.evaluation.trained_policy import load_trained

    trained = load_trained(folder, "last")
    policy, steps = trained.components.algo.policy, trained.config.num_inner_grad_steps

    def rounds(tasks: list[np.ndarray]) -> list[Trajectories]:
        with trained.tester(tasks) as tester:
            params = policy.stacked_theta(len(tasks))
            return [found.trajectories for found in tester.rounds(params, steps, np.random.default_rng(SEED))]

    of_goal = rounds([goal])
    before, after = (of_goal[step].observations[0, :, :, :2] for step in (0, -1))
    by_task = [
        [values.mean() for values in task_returns(trajectories)]
        for trajectories in rounds([np.array(corner) for corner in corners] * ADAPTATIONS)
    ]
    returns = np.reshape(by_task, (steps + 1, ADAPTATIONS, len(corners))).mean(axis=1)
    return before, after, returns
