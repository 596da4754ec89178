"""How well theta adapts to tasks that training never draws."""

import contextlib
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf
from typing_extensions import override

from meta_policy_search.adaptation import AdaptationError
from meta_policy_search.callbacks import Callback, Metrics
from meta_policy_search.envs.normalized_env import NormalizedEnv
from meta_policy_search.meta_tester import MetaTester
from meta_policy_search.meta_trainer import MetaTrainer, TrainingError
from meta_policy_search.policies.base import stack_params
from meta_policy_search.samplers.meta_sample_processor import task_returns
from meta_policy_search.samplers.meta_sampler import MetaSampler, SamplingError

PREFIX = "HeldOut-"
HELD_OUT_STREAM = 2  # beside the run's seed: training draws from the seed alone, the meta-test from stream 1


class HeldOutEvaluation(Callback):
    """Adapts theta to the same held-out tasks every few iterations, as in training; the best policy is chosen by it.

    The row of an evaluated iteration has the returns of the theta that the iteration began with, after k steps, as
    HeldOut-Step_<k>-AverageReturn, the mean over tasks and their episodes; other rows have NaN. Training is the same, bit
    for bit, with and without it.

    Args:
      env: draws the held-out tasks (see `experiment_utils.environments.make_held_out_env`), unless the task source of
        training says which they are.
      every: iterations between two evaluations; iteration 0 has one.
      n_tasks: that are drawn once.
      rollouts: per task and step.
      seed: of the run.
    """

    _sampler: MetaSampler  # from `on_train_begin` on

    def __init__(self, env: NormalizedEnv, *, every: int, n_tasks: int, rollouts: int, seed: int):
        self._env, self._every, self._n_tasks, self._rollouts, self._seed = env, every, n_tasks, rollouts, seed

    @override
    def on_train_begin(self, trainer: MetaTrainer) -> None:
        sizes = {"rollouts_per_meta_task": self._rollouts, "meta_batch_size": self._n_tasks}
        sizes |= {name: getattr(trainer.sampler, name) for name in ("max_path_length", "rollouts_per_row")}
        source = trainer.sampler.task_source.held_out()
        self._sampler = MetaSampler(self._env, trainer.algo.policy, task_source=source, **sizes)
        try:
            self._sampler.update_tasks(np.random.default_rng((self._seed, HELD_OUT_STREAM)))
        except SamplingError as error:
            raise TrainingError(f"held-out evaluation: {error}") from error
        trainer.best_metric = _name(trainer.algo.num_inner_grad_steps)

    @override
    def on_iteration(self, trainer: MetaTrainer, iteration: int, metrics: Metrics) -> Metrics:
        steps = trainer.algo.num_inner_grad_steps
        if iteration % self._every:
            return {_name(step): np.nan for step in range(steps + 1)}
        rng = np.random.default_rng((self._seed, HELD_OUT_STREAM, iteration))
        tester = MetaTester(trainer.algo, self._sampler, trainer.sample_processor)
        try:
            with _theta(trainer.algo.theta, trainer.before.theta):
                params = stack_params(trainer.algo.policy.theta, self._n_tasks)
                rounds = list(tester.rounds(params, steps, rng))
        except (AdaptationError, SamplingError) as error:
            raise TrainingError(f"iteration {iteration}, held-out evaluation: {error}") from error
        returns = [np.concatenate(task_returns(one.trajectories)).mean() for one in rounds]
        return {_name(step): float(value) for step, value in enumerate(returns)}

    @override
    def on_train_end(self, trainer: MetaTrainer) -> None:
        self._sampler.close()


def _name(step: int) -> str:
    return f"{PREFIX}Step_{step}-AverageReturn"


@contextlib.contextmanager
def _theta(theta: Mapping[str, tf.Variable], values: Mapping[str, np.ndarray]) -> Iterator[None]:
    """Gives theta, learned step sizes included, other values while this is open."""
    now = {name: variable.numpy() for name, variable in theta.items()}
    try:
        for name, variable in theta.items():
            variable.assign(values[name])
        yield
    finally:
        for name, variable in theta.items():
            variable.assign(now[name])
