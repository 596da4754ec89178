"""A trained policy before and after adaptation, as positions in the plane: figure 4's picture."""

import runpy
from pathlib import Path

import numpy as np

from experiment_utils.config import ConfigError, TRPOMAMLConfig, config_from_dict
from experiment_utils.experiment import configure_tensorflow
from experiment_utils.run_data import read_progress
from experiment_utils.run_folder import RunFolder
from experiment_utils.run_sweep import Run

SEED = 0  # of the tasks and rollouts in the picture


def trained_iterations(folder: Path) -> int:
    """How many iterations the run in the folder has."""
    return len(read_progress(folder / "progress.csv"))


def adapted_trajectories(run: Run, goal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions [R, T, 2] in m before adaptation and after its last step, in the first of the tasks drawn with that goal.

    The original adapts with VPG's log-likelihood; at the policy that sampled, the gradient of every inner objective is the
    same, so the run's own algorithm adapts here.

    Raises:
      ConfigError: the run has no checkpoint that can be used.
    """
    configure_tensorflow()
    from meta_policy_search.utils.checkpoint import Checkpoints

    config = config_from_dict(RunFolder(run.folder).read_config(), TRPOMAMLConfig(), f"the run in {run.folder}")
    rng = np.random.default_rng(SEED)
    algo, sampler, processor = runpy.run_path(str(run.script))["build"](config, rng)
    state, _ = Checkpoints(run.folder / "checkpoints", algo).restore_latest()
    if state is None:
        raise ConfigError(f"no checkpoint in {run.folder} can be used for the picture")
    while not any(np.array_equal(task, goal) for task in sampler.tasks):
        sampler.update_tasks(rng)
    slot = next(i for i, task in enumerate(sampler.tasks) if np.array_equal(task, goal))
    params, rounds = algo.policy.stacked_theta(len(sampler.tasks)), []
    for step in range(config.num_inner_grad_steps + 1):
        trajectories, _ = sampler.obtain_samples(params, rng)
        rounds.append(trajectories.observations[slot, :, :, :2])
        if step < config.num_inner_grad_steps:
            params = algo.adapt(params, processor.process_samples(trajectories)[0])
    return rounds[0], rounds[-1]
