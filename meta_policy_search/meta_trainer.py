"""Algorithm 1 of the paper as one loop. It alone logs and checkpoints."""

import contextlib
import copy
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from meta_policy_search.adaptation import (
    AdaptationError,
    Metrics,
    Round,
    SampleProcessor,
    adaptation_rounds,
)
from meta_policy_search.callbacks import Callback
from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.samplers.meta_sample_processor import task_returns
from meta_policy_search.samplers.meta_sampler import MetaSampler, SamplingError
from meta_policy_search.training_errors import REMEDY, TrainingError, check_statistics, remedy, require_fields
from meta_policy_search.types import Samples, Trajectories
from meta_policy_search.utils.checkpoint import Checkpoints, State
from meta_policy_search.utils.snapshots import PolicySnapshots, Snapshot
from meta_policy_search.utils.stopwatch import META_UPDATE, STAGES, Stopwatch

__all__ = ["STAGES", "MetaTrainer", "TrainingError"]


class MetaTrainer:
    """Meta-training: sample, adapt, sample again, move theta.

    Args:
      algo: the algorithm, with the policy it trains.
      sampler: of the task family.
      sample_processor: the one that fits the algorithm.
      rng: the parent of all randomness of the run. Of its two children one draws the tasks and one everything else, so
        that the same seed gives the same tasks to every algorithm, also where episodes end early. The states of all three
        are saved and restored.
      n_itr: meta-iterations in all.
      checkpoints: None keeps none.
      snapshots: of the policy; None keeps none.
      callbacks: called in this order; their states are saved and restored.
      checkpoint_every: iterations between two checkpoints. There is one where training ends, unless by an OSError.

    Raises:
      ValueError: the algorithm reads what the processor doesn't provide.

    Attributes:
      before: theta that the last iteration began with, and whose returns its metrics hold.
      episode_returns: of the last iteration, K + 1 rounds of N arrays, one for each task.
      best_metric: the policy with the highest value of this metric is kept as the best one.
      stop_training: set by a callback to end training after this iteration.
    """

    def __init__(
        self,
        algo: MAMLAlgo,
        sampler: MetaSampler,
        sample_processor: SampleProcessor,
        *,
        rng: np.random.Generator,
        n_itr: int,
        checkpoints: Checkpoints | None = None,
        snapshots: PolicySnapshots | None = None,
        callbacks: Sequence[Callback] = (),
        checkpoint_every: int = 1,
    ):
        require_fields(algo, sample_processor)
        self.algo, self.sampler, self.sample_processor = algo, sampler, sample_processor
        self.n_itr, self.checkpoints, self.snapshots = n_itr, checkpoints, snapshots
        self.callbacks, self.checkpoint_every = _by_name(callbacks), checkpoint_every
        self.task_rng, self.sampling_rng = rng.spawn(2)
        self._generators = {"parent": rng, "tasks": self.task_rng, "sampling": self.sampling_rng}
        self.next_itr, self.n_timesteps, self.seconds = 0, 0, 0.0
        self.best_metric = f"Step_{algo.num_inner_grad_steps}-AverageReturn"
        self.best_return: float | None = None  # of best_metric, of all iterations so far
        self.before, self.stop_training = self._theta(), False
        self.episode_returns: list[list[np.ndarray]] = []

    def train(self, log: Callable[[int, Metrics], None], stop: Callable[[], bool] = lambda: False) -> None:
        """Iterations next_itr to n_itr - 1; each goes to `log` as (iteration, metrics), and is then saved.

        Before each one, `stop` is asked whether to leave it at that. What is raised in an iteration, by callbacks and `log`
        too, leaves the trainer as after the iteration before.

        Raises:
          TrainingError: something became NaN or infinite, or a simulation failed. The last checkpoint stays good.
        """
        saved = self.next_itr
        with contextlib.ExitStack() as ends:
            for callback in self.callbacks.values():
                callback.on_train_begin(self)
                ends.callback(callback.on_train_end, self)
            try:
                while self.next_itr < self.n_itr and not self.stop_training and not stop():
                    with self._undone_by_errors():
                        self._iterate(log)
                        if self.next_itr % self.checkpoint_every == 0:
                            self.save()
                            saved = self.next_itr
            finally:
                if saved < self.next_itr and not isinstance(sys.exception(), OSError):  # else it would fail again
                    self.save()

    def _iterate(self, log: Callable[[int, Metrics], None]) -> None:
        self.before, begin = self._theta(), time.perf_counter()
        metrics = self.meta_iteration(self.next_itr)
        duration = time.perf_counter() - begin
        self.seconds += duration
        metrics |= {"Time": self.seconds, "ItrTime": duration}
        for callback in self.callbacks.values():
            metrics |= callback.on_iteration(self, self.next_itr, dict(metrics)) or {}
        log(self.next_itr, metrics)
        self.next_itr += 1
        self._keep_policy(metrics)

    @contextlib.contextmanager
    def _undone_by_errors(self) -> Iterator[None]:
        """Takes back what happens in here if it ends by an exception: theta, the optimiser, generators, counters."""
        nodes = tf.train.TrackableView(self.algo).descendants()  # what a checkpoint saves
        variables = [node for node in nodes if isinstance(node, tf.Variable | keras.Variable)]
        values, state = [variable.numpy() for variable in variables], copy.deepcopy(self.state())
        try:
            yield
        except BaseException:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            self.restore(state)
            raise

    def meta_iteration(self, iteration: int) -> Metrics:
        """One turn of the loop; returns its metrics under the original's keys."""
        stopwatch = Stopwatch(*STAGES)
        metrics: Metrics = {"Itr": iteration}
        batches: list[Samples] = []
        self.episode_returns = []
        n_tasks, steps = self.sampler.batch_shape[0], self.algo.num_inner_grad_steps
        try:
            self.sampler.update_tasks(self.task_rng)
            params = self.algo.policy.stacked_theta(n_tasks)
            components = self.algo, self.sampler, self.sample_processor
            for found in adaptation_rounds(*components, params, steps, self.sampling_rng, stopwatch.lap):
                self.episode_returns.append(task_returns(found.trajectories))
                statistics = self._checked(found)
                metrics |= {f"Step_{len(batches)}-{name}": value for name, value in statistics.items()}
                batches.append(found.samples)
        except (SamplingError, AdaptationError) as error:
            raise TrainingError(f"iteration {iteration}: {error}{remedy(error)}") from error
        metrics |= self._optimize(batches, iteration) | self.sampler.task_source.metrics()
        self.sampler.task_source.observe(self.sampler.tasks, np.array([_mean(one) for one in self.episode_returns[-1]]))
        stopwatch.lap(META_UPDATE)
        self.n_timesteps += (steps + 1) * self.sampler.total_samples
        inner = sum(stopwatch.seconds.values()) - stopwatch.seconds[META_UPDATE]
        times = {**stopwatch.seconds, "Time-TotalInner": inner, "Time-MAMLSteps": stopwatch.seconds[META_UPDATE]}
        return {**metrics, "n_timesteps": self.n_timesteps, **times}

    def save(self) -> None:
        """Checkpoints the state before iteration next_itr."""
        if self.checkpoints is not None:
            self.checkpoints.save(self.next_itr, self.state())

    def state(self) -> State:
        """All that the next iterations depend on besides the algorithm's variables, as JSON."""
        rng = {name: generator.bit_generator.state for name, generator in self._generators.items()}
        counters = {"itr": self.next_itr, "n_timesteps": self.n_timesteps, "seconds": self.seconds}
        states = {name: callback.state() for name, callback in self.callbacks.items()}
        callbacks = {name: state for name, state in states.items() if state is not None}
        flags = {"best_return": self.best_return, "stop_training": self.stop_training}
        return {**counters, **flags, "rng": rng, "callbacks": callbacks, "task_source": self.sampler.task_source.state()}

    def restore(self, state: Mapping[str, object]) -> None:
        """Goes on from a saved state. Older runs have saved no best return, no callbacks and no task source.

        A callback that had no state in it stays as it is.

        Raises:
          ValueError, KeyError or TypeError: it is none.
        """
        itr, n_timesteps, seconds, rng = (state[name] for name in ("itr", "n_timesteps", "seconds", "rng"))
        if type(itr) is not int or type(n_timesteps) is not int or min(itr, n_timesteps) < 0:
            raise ValueError("its counters are no whole numbers")
        best_return, stop_training = state.get("best_return"), state.get("stop_training", False)
        if not isinstance(seconds, float | int) or not isinstance(best_return, float | int | None):
            raise ValueError("its seconds or its best return are no number")
        callbacks = state.get("callbacks", {})
        if not isinstance(callbacks, dict) or not isinstance(stop_training, bool):
            raise ValueError("its callbacks are no JSON object, or stop_training is neither true nor false")
        if not isinstance(rng, dict):
            raise ValueError("the states of its generators are no JSON object")
        self.next_itr, self.n_timesteps, self.seconds = itr, n_timesteps, seconds
        self.best_return, self.stop_training = best_return, stop_training
        for name, generator in self._generators.items():
            generator.bit_generator.state = rng[name]
        if state.get("task_source") is not None:
            self.sampler.task_source.restore(state["task_source"])
        for name in self.callbacks.keys() & callbacks.keys():
            self.callbacks[name].restore(callbacks[name])

    def _checked(self, found: Round) -> Metrics:
        """Return the statistics of a round, under the original's keys."""
        check_statistics(found.statistics)
        return {**found.statistics, **self._diagnostics(found.trajectories), **found.seconds}

    def _diagnostics(self, trajectories: Trajectories) -> Metrics:
        policy = self.algo.policy.diagnostics(trajectories.agent_infos, trajectories.mask)
        return {**self.sampler.diagnostics(trajectories), **policy}

    def _optimize(self, batches: Sequence[Samples], iteration: int) -> Metrics:
        try:
            metrics = self.algo.optimize_policy(batches)
        except FloatingPointError as error:
            raise TrainingError(f"iteration {iteration}: {error}; {REMEDY}") from error
        bad = [name for name, value in metrics.items() if not np.isfinite(value)]
        bad += [name for name, value in self.algo.theta.items() if not np.isfinite(value.numpy()).all()]
        if bad:
            raise TrainingError(f"iteration {iteration}: the meta-update made {bad[0]} NaN or infinite; {REMEDY}")
        return metrics

    def _theta(self) -> Snapshot:
        return Snapshot(self.next_itr, {name: value.numpy() for name, value in self.algo.theta.items()})

    def _keep_policy(self, metrics: Metrics) -> None:
        """The returns of an iteration are those of the theta that it began with."""
        value = metrics[self.best_metric]
        is_best = self.best_return is None or value > self.best_return
        is_best = is_best and not np.isnan(value)
        if is_best:
            self.best_return = value
        if self.snapshots is not None:
            self.snapshots.keep(self.before, self._theta(), is_best)


def _by_name(callbacks: Sequence[Callback]) -> dict[str, Callback]:
    """The callbacks by class and number, such as "EarlyStopping 1"."""
    kinds = [type(callback).__name__ for callback in callbacks]
    return {f"{kind} {kinds[:i].count(kind) + 1}": callbacks[i] for i, kind in enumerate(kinds)}


def _mean(returns: np.ndarray) -> float:
    return returns.mean() if len(returns) else np.nan
