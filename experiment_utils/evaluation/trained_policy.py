"""What a run has trained, for use: load it, adapt it to a task, act.

trained = load_trained(Path("data/promp/run_1"))
rng = np.random.default_rng(0)
task = trained.sample_tasks(1, rng)[0]
adapted = trained.adapt(task, rng=rng)
action = adapted.act(observation)
"""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from experiment_utils.algorithms import class_name
from experiment_utils.builders import Components
from experiment_utils.config import Config
from experiment_utils.environments import closing, make_env, make_single, require_env
from experiment_utils.evaluation.saved_policy import find_policy, from_checkpoint
from experiment_utils.runs.results import read_progress
from experiment_utils.runs.run_dir import RunDir
from experiment_utils.validation import ConfigError
from meta_policy_search.envs.base import BatchMetaEnv, SimulationError, Task, Tasks
from meta_policy_search.envs.environment_errors import environment_code
from meta_policy_search.envs.normalized_env import NormalizedEnv
from meta_policy_search.envs.single_env import SingleEnv
from meta_policy_search.envs.task_values import task_key
from meta_policy_search.meta_tester import MetaTester
from meta_policy_search.policies.actor import Actor
from meta_policy_search.policies.base import stack_params
from meta_policy_search.samplers.meta_sampler import MetaSampler
from meta_policy_search.samplers.task_source import TaskSource
from meta_policy_search.types import Params
from meta_policy_search.utils.checkpoint import Checkpoints
from meta_policy_search.utils.snapshots import BEST, SnapshotError, load_snapshot


@dataclasses.dataclass(frozen=True)
class TrainedPolicy:
    """A meta-policy with all that its adaptation needs.

    Args:
      config: the run's.
      components: of the run; the algorithm's theta is that of the snapshot.
      itr: the iteration in whose row of progress.csv the snapshot's returns stand.
      read_progress: returns the log of the training.
    """

    config: Config
    components: Components
    itr: int
    read_progress: Callable[[], pd.DataFrame] = dataclasses.field(repr=False)

    @functools.cached_property
    def progress(self) -> pd.DataFrame:
        """The metrics of the training, a row per iteration, as in progress.csv.

        Raises:
          InvalidRunError: the run's progress.csv is missing or damaged.
        """
        return self.read_progress()

    @property
    def has_memory(self) -> bool:
        """Whether the policy adapts by a state that it keeps, and by no inner steps."""
        return bool(tf.nest.flatten(self.components.algo.policy.initial_state((1, 1))))

    def sample_tasks(self, n_tasks: int, rng: np.random.Generator) -> Tasks:
        """Tasks drawn as in training; but where a curriculum drew them, from the family's own distribution.

        Raises:
          SimulationError: the environment raised.
        """
        sampler = self.components.sampler
        source = TaskSource() if self._has_stages() else sampler.task_source
        with environment_code:
            return source.sample_tasks(sampler.envs, n_tasks, rng)

    def drawn_in_training(self, tasks: Tasks) -> list[bool] | None:
        """Whether training drew each task before this policy was made; None where tasks can't be compared.

        The draws of training are repeated: they depend on the run's seed only, unless a curriculum drew.
        """
        keys = [task_key(task) for task in tasks]
        if None in keys or self._has_stages():
            return None
        task_rng = np.random.default_rng(self.config.seed).spawn(2)[0]
        drawn: set[Hashable] = set()
        for _ in range(self.itr):
            drawn.update(task_key(task) for task in self.sample_tasks(self.config.meta_batch_size, task_rng))
        return [key in drawn for key in keys]

    def _has_stages(self) -> bool:
        """Whether the tasks of training depended on its success."""
        return self.components.sampler.task_source.state() is not None

    def make_env(self, render_mode: str | None = None) -> BatchMetaEnv | SingleEnv:
        """One environment of the run's family, with `set_task`; it takes the actions of an `Actor`.

        Raises:
          ConfigError: it can't render like that.
        """
        render: dict[str, Any] = {} if render_mode is None else {"render_mode": render_mode}
        try:
            if require_env(self.config).is_batch or self.config.observe_task or self.config.observe_previous_step:
                env = make_env(self.config).env
                return type(env)(**env.options, **render)
            return SingleEnv(functools.partial(make_single, self.config.env, {**self.config.env_options, **render}))
        except (SimulationError, TypeError, ValueError) as error:
            can = "can't be used" if render_mode is None else f"can't render as {render_mode!r}"
            raise ConfigError(f"{self.config.env} {can}: {error}") from error

    def actor(self, params: Params | None = None) -> Actor:
        """The policy with these parameters, by default theta: the meta-policy."""
        policy = self.components.algo.policy
        arrays = {name: np.asarray(value) for name, value in (policy.theta if params is None else params).items()}
        envs = self.components.sampler.envs
        return Actor(policy, arrays, (envs.env if isinstance(envs, NormalizedEnv) else envs).action_space)

    def adapt(self, task: Task, *, rng: np.random.Generator, steps: int | None = None, rollouts: int | None = None) -> Actor:
        """The policy after `steps` inner steps in a task, each on `rollouts` rollouts; by default as many as in training.

        Raises:
          SamplingError: something in a round was not finite, or its simulation failed.
          AdaptationError: adaptation made a parameter NaN or infinite.
        """
        params: Params = stack_params(self.components.algo.policy.theta, 1)
        with self.tester([task], rollouts) as tester:
            params = tester.adapted(params, self.config.num_inner_grad_steps if steps is None else steps, rng)
        return self.actor({name: value[0] for name, value in params.items()})

    @contextlib.contextmanager
    def tester(self, tasks: Tasks, rollouts: int | None = None) -> Iterator[MetaTester]:
        """The components for these tasks, with `rollouts` rollouts per task and round, by default as many as in training.

        Raises:
          ConfigError: the rollouts are no whole number of trials.
        """
        algo, sampler, sample_processor = self.components
        if rollouts is not None and rollouts % self.config.rollouts_per_row:
            what = f"{rollouts} rollouts are no whole number of trials"
            raise ConfigError(f"{what}; {self.config.algo} has {self.config.rollouts_per_row} in each")
        sampler = MetaSampler(
            sampler.envs,
            algo.policy,
            rollouts_per_meta_task=self.config.rollouts_per_meta_task if rollouts is None else rollouts,
            meta_batch_size=len(tasks),
            max_path_length=self.config.max_path_length,
            rollouts_per_row=self.config.rollouts_per_row,
        )
        sampler.set_tasks(tasks)
        with closing(sampler):
            yield MetaTester(algo, sampler, sample_processor)


def load_trained(
    path: Path | str, itr: str | int = BEST, *, env: str | None = None, parallel: bool = False, held_out: bool = False
) -> TrainedPolicy:
    """The policy that a run has trained. No code in the folder is executed, and none that it names but this package's.

    Args:
      path: the run's directory.
      itr: "best" (the highest return after adaptation in training), "last", or an iteration of which there is a snapshot.
      env: the run's environment, where that is not one of this package's: you trust its code.
      parallel: simulate on all cores, if the run did. The numbers are the same. Environments that are not this package's
        then need the guard `if __name__ == "__main__"` in your script.
      held_out: with the tasks that training never draws, where the family knows of such or the run has a fixed set.

    Raises:
      ConfigError: there is no run or no such snapshot, or one of its files can't be used, or its environment is not trusted.
    """
    folder = RunDir(Path(path))
    config, entry = find_policy(folder.path, itr, env, held_out)
    config = dataclasses.replace(config, parallel=parallel and config.parallel, sampler="local")
    small = dataclasses.replace(
        config, rollouts_per_meta_task=config.rollouts_per_row
    )  # testers make samplers of their own size
    components = entry.build(small, np.random.default_rng(config.seed))
    folder.require_class(class_name(components.algo))
    sampler = components.sampler
    sampler.task_source = (sampler.task_source.held_out() if held_out else None) or sampler.task_source
    read = functools.partial(read_progress, folder.progress)
    return TrainedPolicy(config, components, _restore(components, folder, itr), read)


def _restore(components: Components, folder: RunDir, itr: str | int) -> int:
    """Sets theta; returns the snapshot's iteration. Runs from before there were snapshots have their last checkpoint."""
    if from_checkpoint(folder):
        state, _ = Checkpoints(folder.checkpoints, components.algo).restore_latest()
        iteration = None if state is None else state["itr"]
        if not isinstance(iteration, int):
            raise ConfigError(f"the run in {folder.path} has neither policy snapshots nor a checkpoint that can be used")
        return iteration
    try:
        snapshot = load_snapshot(folder.policies, itr, components.algo.theta)
    except SnapshotError as error:
        raise ConfigError(str(error)) from error
    for name, variable in components.algo.theta.items():
        variable.assign(snapshot.theta[name])
    return snapshot.itr
