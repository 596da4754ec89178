"""A policy in a run's directory, checked before anything slow begins. Nothing here loads TensorFlow."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiment_utils.algorithms import Algorithm, algorithms, of_class
from experiment_utils.config import Config
from experiment_utils.config_files import config_from_dict
from experiment_utils.environments import held_out_config, make_env
from experiment_utils.evaluation.tasks import parse_tasks
from experiment_utils.runs.run_dir import RunDir
from experiment_utils.validation import ConfigError
from meta_policy_search.envs import ALL_FAMILIES, gymnasium_id
from meta_policy_search.envs.base import SimulationError
from meta_policy_search.utils.snapshots import LAST, SnapshotError, available, find_snapshot

# settings of figure 3's runs, which say what was measured beside the training
MEASURED_BESIDES = {"sampling_rounds", "measure_every", "round_tasks"}
OWN_ENVS = {name for family, place in ALL_FAMILIES.items() for name in (family, place, gymnasium_id(family))}


def find_policy(path: Path, itr: str | int, env: str | None = None, held_out: bool = False) -> tuple[Config, Algorithm]:
    """Return the settings of a run that has a policy of this iteration, and the entry that builds its algorithm.

    Args:
      itr, env, held_out: see `load_trained`.

    Raises:
      ConfigError: there is no run or no such policy, or the run's environment is not trusted or has
        no held-out tasks.
    """
    run_dir = RunDir(path)
    config, entry = _read_config(run_dir)
    _require_trust(config, run_dir, env)
    if not from_checkpoint(run_dir):
        try:
            find_snapshot(run_dir.policies, itr)
        except SnapshotError as error:
            raise ConfigError(str(error)) from error
    elif itr != LAST:
        raise ConfigError(f"the run in {run_dir.path} has no policy snapshots; there is {LAST}, from its checkpoint")
    return held_out_config(config) if held_out else config, entry


def from_checkpoint(run_dir: RunDir) -> bool:
    """Whether the run is from before there were snapshots: its policy is that of the last checkpoint."""
    return not available(run_dir.policies) and any(run_dir.checkpoints.glob("*.index"))


def check_tasks(words: Sequence[str], config: Config) -> None:
    """Raise ConfigError if the words give no tasks of the environment, which is made for this, and refuses them perhaps."""
    env = make_env(config, num_threads=1)
    try:
        like = env.sample_tasks(1, np.random.default_rng(0))[0]
        for task in parse_tasks(words, like):
            try:
                env.require_task(task)
                env.set_task(task)
            except (ValueError, SimulationError) as error:
                raise ConfigError(f"{config.env} has no such task: {error}") from error
    finally:
        env.close()


def _read_config(run_dir: RunDir) -> tuple[Config, Algorithm]:
    """Return the settings of a run, and the entry that builds its algorithm."""
    saved = run_dir.require_config()
    algo = saved.get("algo")
    entry = of_class(algo) if isinstance(algo, str) else None
    if entry is None:
        known = ", ".join(dict.fromkeys(entry.defaults.algo for entry in algorithms()))
        what = f"the run in {run_dir.path} is of the algorithm {algo!r}, which is not registered; known are {known}"
        raise ConfigError(f"{what}. If it is yours, name the module that registers it: --algorithm MODULE")
    saved = {name: value for name, value in saved.items() if name not in MEASURED_BESIDES}
    return config_from_dict(saved, entry.defaults, f"the run in {run_dir.path}"), entry


def _require_trust(config: Config, run_dir: RunDir, env: str | None) -> None:
    """Raise ConfigError for an environment whose code is not this package's, if the caller did not name it too."""
    if env is not None and env != config.env:
        raise ConfigError(f"the run in {run_dir.path} is of the environment {config.env!r}, not of {env!r}")
    if env is None and config.env not in OWN_ENVS:
        what = f"the run in {run_dir.path} is of the environment {config.env!r}, which is not this package's code"
        raise ConfigError(f"{what}; if you trust it, name it: --env {config.env}")
