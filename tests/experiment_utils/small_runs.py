"""Run directories as a run leaves them, trained in this process."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from experiment_utils.algorithm_configs import ProMPConfig
from experiment_utils.algorithms import class_name, of_class
from experiment_utils.config import Config
from experiment_utils.runs.run_dir import RunDir
from meta_policy_search.meta_trainer import MetaTrainer
from meta_policy_search.utils.checkpoint import Checkpoints
from meta_policy_search.utils.logger import ProgressLog
from meta_policy_search.utils.snapshots import PolicySnapshots, Snapshot

SMALL = {"meta_batch_size": 3, "rollouts_per_meta_task": 2, "max_path_length": 6, "hidden_sizes": (4,), "parallel": False}
SMALL |= {"env": "MetaPointEnv", "n_itr": 3}


def small(defaults: Config = ProMPConfig(), **settings: Any) -> Config:  # noqa: B008, it is frozen
    """Settings of a run that takes a second."""
    return dataclasses.replace(defaults, **{**SMALL, **settings})


def make_trainer(folder: Path, config: Config, every: int = 1) -> MetaTrainer:
    """The trainer of a run that keeps a snapshot of every so many iterations."""
    rng = np.random.default_rng(config.seed)
    components = of_class(config.algo).build(config, rng)
    paths = RunDir(folder)
    checkpoints, snapshots = Checkpoints(paths.checkpoints, components.algo), PolicySnapshots(paths.policies, every)
    return MetaTrainer(*components, rng=rng, n_itr=config.n_itr, checkpoints=checkpoints, snapshots=snapshots)


def train(folder: Path, config: Config, every: int = 1) -> list[dict[str, float]]:
    """Trains into the folder; returns the rows of progress.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    trainer = make_trainer(folder, config, every)
    RunDir(folder).write_params(config, class_name(trainer.algo))
    rows, progress = [], ProgressLog(RunDir(folder).progress)
    trainer.train(lambda _, metrics: (rows.append(metrics), progress.write(metrics)))
    return rows


def untrained(folder: Path, config: Config) -> MetaTrainer:
    """Leaves a run directory with the initial policy only; returns the trainer that would train it."""
    folder.mkdir(parents=True, exist_ok=True)
    trainer = make_trainer(folder, config)
    RunDir(folder).write_params(config, class_name(trainer.algo))
    first = Snapshot(0, {name: value.numpy() for name, value in trainer.algo.theta.items()})
    trainer.snapshots.keep(first, first, is_best=True)
    return trainer
