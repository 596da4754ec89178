"""Algorithm 1 of the paper as one loop. It alone logs and checkpoints."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from meta_policy_search.envs.base import Task
from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.samplers.meta_sampler import MetaSampler, SamplingError, describe_tasks
from meta_policy_search.types import Params, Samples, Trajectories
from meta_policy_search.utils.checkpoint import Checkpoints
from meta_policy_search.utils.reported_error import ReportedError
from meta_policy_search.utils.snapshots import PolicySnapshots, Snapshot
from meta_policy_search.utils.stopwatch import Stopwatch

Metrics = dict[str, float]

STAGES = ("Time-Sampling", "Time-SampleProc", "Time-InnerStep", "Time-OuterStep")


class TrainingError(ReportedError, RuntimeError):
    """Training can't go on: what happened in which iteration, and what to try."""

    exit_code = 1


class AdaptationError(ReportedError, RuntimeError):
    """An adapted policy that can't act: in which tasks."""

    exit_code = 1


class SampleProcessor(Protocol):
    """Turns a sampling round into what the algorithm takes."""

    def process_samples(self, trajectories: Trajectories) -> tuple[Samples, Metrics]: ...


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
    ):
        self.algo, self.sampler, self.sample_processor = algo, sampler, sample_processor
        self.n_itr, self.checkpoints, self.snapshots = n_itr, checkpoints, snapshots
        self.task_rng, self.sampling_rng = rng.spawn(2)
        self._generators = {"parent": rng, "tasks": self.task_rng, "sampling": self.sampling_rng}
        self.next_itr, self.n_timesteps, self.seconds = 0, 0, 0.0
        self.best_return: float | None = None  # after adaptation, of all iterations so far

    def train(self, log: Callable[[int, Metrics], None], stop: Callable[[], bool] = lambda: False) -> None:
        """Iterations next_itr to n_itr - 1; each goes to `log` as (iteration, metrics), and is then saved.

        Before each one, `stop` is asked whether to leave it at that.

        Raises:
          TrainingError: something became NaN or infinite, or a simulation failed. The last checkpoint stays good.
        """
        while self.next_itr < self.n_itr and not stop():
            before, begin = self._theta(), time.perf_counter()
            metrics = self.meta_iteration(self.next_itr)
            duration = time.perf_counter() - begin
            self.seconds += duration
            log(self.next_itr, {**metrics, "Time": self.seconds, "ItrTime": duration})
            self.next_itr += 1
            self._keep_policy(before, metrics)
            self.save()

    def meta_iteration(self, iteration: int) -> Metrics:
        """One turn of the loop; returns its metrics under the original's keys."""
        stopwatch, metrics, batches = Stopwatch(*STAGES), {"Itr": iteration}, []
        n_tasks, steps = self.sampler.batch_shape[0], self.algo.num_inner_grad_steps
        try:
            self.sampler.update_tasks(self.task_rng)
            params = self.algo.policy.stacked_theta(n_tasks)
            for step in range(steps + 1):
                trajectories, seconds = self.sampler.obtain_samples(params, self.sampling_rng)
                stopwatch.lap("Time-Sampling")
                samples, statistics = self.sample_processor.process_samples(trajectories)
                self._require_fields(samples)
                _check_statistics(statistics)
                statistics = {**statistics, **self._diagnostics(trajectories), **seconds}
                metrics |= {f"Step_{step}-{name}": value for name, value in statistics.items()}
                batches.append(samples)
                stopwatch.lap("Time-SampleProc")
                if step < steps:
                    params = adapted(self.algo, params, samples, self.sampler.tasks, step)
                    stopwatch.lap("Time-InnerStep")
        except (SamplingError, AdaptationError) as error:
            by_environment = isinstance(error, SamplingError) and not error.by_policy
            remedy = ENVIRONMENT_REMEDY if by_environment else REMEDY
            raise TrainingError(f"iteration {iteration}: {error}; {remedy}") from error
        metrics |= self._optimize(batches, iteration)
        stopwatch.lap("Time-OuterStep")
        self.n_timesteps += (steps + 1) * self.sampler.total_samples
        inner = sum(stopwatch.seconds.values()) - stopwatch.seconds["Time-OuterStep"]
        times = {**stopwatch.seconds, "Time-TotalInner": inner, "Time-MAMLSteps": stopwatch.seconds["Time-OuterStep"]}
        return {**metrics, "n_timesteps": self.n_timesteps, **times}

    def save(self) -> None:
        """Checkpoints the state before iteration next_itr."""
        if self.checkpoints is not None:
            self.checkpoints.save(self.next_itr, self.state())

    def state(self) -> dict[str, Any]:
        """All that the next iterations depend on besides the algorithm's variables, as JSON."""
        rng = {name: generator.bit_generator.state for name, generator in self._generators.items()}
        counters = {"itr": self.next_itr, "n_timesteps": self.n_timesteps, "seconds": self.seconds}
        return {**counters, "best_return": self.best_return, "rng": rng}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from a saved state. Runs from before there were snapshots have saved no best return.

        Raises:
          ValueError, KeyError or TypeError: it is none.
        """
        if not all(type(state[name]) is int and state[name] >= 0 for name in ("itr", "n_timesteps")):
            raise ValueError("its counters are no whole numbers")
        if not isinstance(state["seconds"], float | int) or not isinstance(state.get("best_return"), float | int | None):
            raise ValueError("its seconds or its best return are no number")
        self.next_itr, self.n_timesteps, self.seconds = state["itr"], state["n_timesteps"], state["seconds"]
        self.best_return = state.get("best_return")
        for name, generator in self._generators.items():
            generator.bit_generator.state = state["rng"][name]

    def _require_fields(self, samples: Samples) -> None:
        for name in self.algo.reads:
            if np.isnan(getattr(samples, name)).all():
                algo, processor = type(self.algo).__name__, type(self.sample_processor).__name__
                raise ValueError(f"{algo} needs {name}, of which the {processor} makes none; see its arguments")

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

    def _keep_policy(self, before: Snapshot, metrics: Metrics) -> None:
        """The returns of an iteration are those of the theta that it began with."""
        average_return = metrics[f"Step_{self.algo.num_inner_grad_steps}-AverageReturn"]
        is_best = self.best_return is None or average_return > self.best_return
        if is_best:
            self.best_return = average_return
        if self.snapshots is not None:
            self.snapshots.keep(before, self._theta(), is_best)


def adapted(algo: MAMLAlgo, params: Params, samples: Samples, tasks: Sequence[Task], step: int = 0) -> Params:
    """Inner step number `step` of all tasks: parameters [N, ...] and the samples drawn with them -> adapted ones [N, ...].

    Raises:
      AdaptationError: it made a parameter NaN or infinite.
    """
    params = algo.adapt(params, samples, step)
    for name, value in params.items():
        finite = np.isfinite(value.numpy()).reshape(len(value), -1).all(axis=1)
        if not finite.all():
            where = describe_tasks(tasks, np.flatnonzero(~finite))
            raise AdaptationError(f"adaptation made {name} NaN or infinite in {where}")
    return params


def _check_statistics(statistics: Metrics) -> None:
    bad = [name for name, value in statistics.items() if not np.isfinite(value)]
    if bad:
        raise SamplingError(f"the rewards are so large that {bad[0]} is NaN or infinite")


REMEDY = "try a smaller inner_lr or learning_rate (or step_size), and look at the environment's rewards"
ENVIRONMENT_REMEDY = "the policy's actions were finite, so look at what the environment does with them in this task"
