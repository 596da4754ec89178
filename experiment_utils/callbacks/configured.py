"""The callbacks that a config asks for."""

from experiment_utils.callbacks.early_stopping import EarlyStopping
from experiment_utils.callbacks.held_out import HeldOutEvaluation
from experiment_utils.callbacks.task_log import TaskLog
from experiment_utils.callbacks.tracking import Tracking
from experiment_utils.config import Config
from experiment_utils.config_files import config_to_dict
from experiment_utils.environments import make_held_out_env
from experiment_utils.runs.run_dir import RunDir
from experiment_utils.validation import ConfigError
from meta_policy_search.callbacks import Callback


def configured_callbacks(config: Config, run_dir: RunDir | None) -> list[Callback]:
    """Return the callbacks, in the order in which they build on each other.

    Args:
      run_dir: None if the run is kept in memory.

    Raises:
      ConfigError: the family has no held-out tasks, or a run in memory shall write a file.
    """
    callbacks: list[Callback] = []
    if config.eval_every:
        sizes = {"n_tasks": config.eval_tasks, "rollouts": config.rollouts_per_meta_task}
        env = make_held_out_env(config)
        callbacks.append(HeldOutEvaluation(env, every=config.eval_every, seed=config.seed, **sizes))
    if config.early_stopping:
        callbacks.append(EarlyStopping(config.early_stopping))
    if config.task_log:
        if run_dir is None:
            raise ConfigError("task_log writes a file into the run's directory, and there is none; give train() a folder")
        callbacks.append(TaskLog(run_dir.task_log))
    return callbacks


def configured_tracking(config: Config, name: str) -> list[Callback]:
    """Return the tracker, if the config asks for one; it comes last, after all that adds to the row."""
    return [] if config.track == "none" else [Tracking(config.track, name, config_to_dict(config))]
