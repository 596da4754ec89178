"""A trained policy before and after adaptation, as positions in the plane: figure 4's picture."""

from pathlib import Path

import numpy as np

from experiment_utils.runs.results import read_progress
from experiment_utils.tensorflow_setup import configure_tensorflow

SEED = 0  # of the rollouts in the picture


def trained_iterations(folder: Path) -> int:
    """How many iterations the run in the folder has."""
    return len(read_progress(folder / "progress.csv"))


def adapted_trajectories(folder: Path, goal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions [R, T, 2] in m before adaptation and after its last step, of the run's last policy in the task of that goal.

    The original adapts with VPG's log-likelihood; at the policy that sampled, the gradient of every inner objective is the
    same, so the run's own algorithm adapts here.

    Raises:
      ConfigError: the run has no policy that can be used.
    """
    configure_tensorflow()
    from experiment_utils.evaluation.trained_policy import load_trained

    trained = load_trained(folder, "last")
    with trained.tester([goal]) as tester:
        params = trained.components.algo.policy.stacked_theta(1)
        rounds = list(tester.rounds(params, trained.config.num_inner_grad_steps, np.random.default_rng(SEED)))
    before, after = (rounds[step].trajectories.observations[0, :, :, :2] for step in (0, -1))
    return before, after
