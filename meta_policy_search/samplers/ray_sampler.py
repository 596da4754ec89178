"""Sampling rounds on the machines of a Ray cluster: each worker simulates some of the tasks. Needs the package ray."""

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import ray
from typing_extensions import override

from meta_policy_search.envs.base import SimulationError, Tasks
from meta_policy_search.envs.batch_env import BatchEnv
from meta_policy_search.envs.environment_errors import environment_code, simulation_error
from meta_policy_search.envs.vector_worker import pack_tasks, unpack_tasks
from meta_policy_search.policies.base import MetaPolicy
from meta_policy_search.samplers.meta_sampler import MetaSampler
from meta_policy_search.samplers.rollout import Rollout
from meta_policy_search.samplers.task_source import TaskSource
from meta_policy_search.types import ArrayParams, Trajectories

MOST_LOSSES = 10  # of workers in one call; more are no accident


class Job(NamedTuple):
    """A worker's share of a round: n tasks."""

    number: int  # of the round
    params: ArrayParams  # [n, ...]
    tasks: bytes  # [n], packed: only where their environment is loaded can they be unpacked
    seeds: np.ndarray  # [n]


class RaySampler(MetaSampler):
    """A `MetaSampler` whose tasks are simulated by Ray actors. The numbers are those of the local one, bit for bit.

    A call per worker and round takes parameters there, and one brings trajectories back. A worker that is lost, with its
    machine or alone, is replaced, and simulates its share of the round again.

    Args:
      make_env: makes one environment of the family in a worker; it is sent there. Called with the number of threads.
      num_workers: W; each has N / W tasks, or one more.
      cpus_per_worker: that Ray reserves for each, and the threads of its simulation.
      env, policy, task_source, and the sizes: see `MetaSampler`. `env` itself only draws tasks.
    """

    def __init__(
        self,
        env: BatchEnv,
        policy: MetaPolicy,
        *,
        make_env: Callable[[int], BatchEnv],
        num_workers: int,
        cpus_per_worker: int = 1,
        rollouts_per_meta_task: int,
        meta_batch_size: int,
        max_path_length: int,
        rollouts_per_row: int = 1,
        task_source: TaskSource | None = None,
    ):
        super().__init__(
            env,
            policy,
            meta_batch_size=meta_batch_size,
            rollouts_per_meta_task=rollouts_per_meta_task,
            max_path_length=max_path_length,
            rollouts_per_row=rollouts_per_row,
            task_source=task_source,
        )
        if not ray.is_initialized():
            # the cluster of RAY_ADDRESS, or of this machine, or a new one
            ray.init(log_to_driver=False, logging_level="warning")
        self._shares = np.array_split(np.arange(meta_batch_size), min(num_workers, meta_batch_size))
        needed, cpus = len(self._shares) * cpus_per_worker, ray.cluster_resources().get("CPU", 0.0)
        if needed > cpus:
            print(
                f"warning: {len(self._shares)} workers of {cpus_per_worker} cores each are more than the {cpus:g} cores "
                "of the Ray cluster; sampling waits until it has more",
                file=sys.stderr,
            )
        self._start = lambda: _RemoteWorker.options(num_cpus=cpus_per_worker).remote(
            make_env, policy, cpus_per_worker, rows=self.batch_shape[1], max_path_length=max_path_length
        )
        self._workers = [self._start() for _ in self._shares]
        self._rounds = 0

    @override
    def set_tasks(self, tasks: Tasks) -> None:
        self.tasks = tasks

    @override
    def close(self) -> None:
        """End the workers, each when it has answered, and with it its environments."""
        for worker in self._workers:
            worker.__ray_terminate__.remote()
        super().close()

    @override
    def _make_batch(self, env: BatchEnv) -> BatchEnv:
        return env

    @override
    def _roll_out(self, params: ArrayParams, seeds: np.ndarray) -> tuple[Trajectories, dict[str, float]]:
        self._rounds += 1
        jobs = []
        for share in self._shares:
            own = {name: values[share] for name, values in params.items()}
            tasks = pack_tasks([self.tasks[slot] for slot in share])
            jobs.append(ray.put(Job(self._rounds, own, tasks, seeds[share])))
        steps = self.max_path_length * self.rollouts_per_row  # no round is shorter
        while (finished := sum(self._ask("simulate", jobs, steps)))[-1] < self.total_samples:
            steps += max(1, self.max_path_length // 20)  # what is too much is cut off
        length = int(np.argmax(finished >= self.total_samples)) + 1
        parts, seconds = zip(*self._ask("trajectories", jobs, length), strict=True)
        return _joined(parts), {name: max(part[name] for part in seconds) for name in seconds[0]}

    def _ask(self, method: str, jobs: Sequence[ray.ObjectRef], steps: int) -> list[Any]:  # Ray doesn't tell a method's type
        """What the workers answer; those that are lost are replaced, and asked again.

        Raises:
          SimulationError: one of them answered so, or was lost time and again.
        """
        losses = 0
        asked = {worker: self._call(worker, method, jobs, steps) for worker in range(len(jobs))}
        answers = {}
        while asked:
            for worker, answer in list(asked.items()):
                try:
                    answers[worker] = ray.get(answer)
                    del asked[worker]
                except ray.exceptions.RayActorError as error:
                    losses += 1
                    if losses > MOST_LOSSES:
                        raise SimulationError(
                            f"workers were lost {losses} times in one call; lastly: {error}", []
                        ) from error
                    print(f"warning: worker {worker} was lost; its share is simulated again", file=sys.stderr)
                    self._workers[worker] = self._start()
                    asked[worker] = self._call(worker, method, jobs, steps)
        for worker, answer in sorted(answers.items()):
            if isinstance(answer, SimulationError):
                first = int(self._shares[worker][0]) * self.batch_shape[1]
                answer.envs = [first + env for env in answer.envs]
                raise answer
        return [answers[worker] for worker in range(len(jobs))]

    def _call(self, worker: int, method: str, jobs: Sequence[ray.ObjectRef], steps: int) -> ray.ObjectRef:
        return getattr(self._workers[worker], method).remote(jobs[worker], steps)


class _Worker:
    """Simulates a share. Every call says all that it needs, so that a new worker can answer for one that was lost."""

    def __init__(
        self,
        make_env: Callable[[int], BatchEnv],
        policy: MetaPolicy,
        num_threads: int,
        *,
        rows: int,
        max_path_length: int,
    ):
        self._make, self._policy, self._limit = functools.partial(make_env, num_threads), policy, max_path_length
        self._rows = rows
        self._round: int | None = None
        self._envs: BatchEnv | None = None

    def simulate(self, job: Job, steps: int) -> np.ndarray | SimulationError:
        """The steps of finished episodes after each of the round's first `steps` steps, [steps]."""
        try:
            if job.number != self._round:
                self._begin(job)
            while len(self._rollout.finished) < steps:
                self._rollout.step()
        except SimulationError as failure:
            return failure
        except KeyboardInterrupt as error:  # Ctrl-C is the trainer's affair, so it is the environment's
            return simulation_error(error)
        return np.array(self._rollout.finished[:steps])

    def trajectories(self, job: Job, steps: int) -> tuple[Trajectories, dict[str, float]] | SimulationError:
        """The first `steps` steps, and the seconds that they took."""
        failure = self.simulate(job, steps)
        if isinstance(failure, SimulationError):
            return failure
        return self._rollout.trajectories(steps), self._rollout.seconds

    def _begin(self, job: Job) -> None:
        self._round = None  # until it has begun
        with environment_code:
            if self._envs is None:
                self._envs = self._make().batch(len(job.seeds) * self._rows)
            self._envs.set_tasks([task for task in unpack_tasks(job.tasks) for _ in range(self._rows)])
        self._rollout = Rollout(self._envs, self._policy, job.params, job.seeds, self._limit)
        self._round = job.number


_RemoteWorker = ray.remote(_Worker)


def _joined(parts: Sequence[Trajectories]) -> Trajectories:
    """Shares [n, R, T, ...] -> the round [N, R, T, ...]."""
    return Trajectories(
        observations=np.concatenate([part.observations for part in parts]),
        actions=np.concatenate([part.actions for part in parts]),
        rewards=np.concatenate([part.rewards for part in parts]),
        start=np.concatenate([part.start for part in parts]),
        mask=np.concatenate([part.mask for part in parts]),
        agent_infos=_joined_by_name([part.agent_infos for part in parts]),
        env_infos=_joined_by_name([part.env_infos for part in parts]),
    )


def _joined_by_name(parts: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """What all shares have."""
    everywhere = [name for name in parts[0] if all(name in part for part in parts)]
    return {name: np.concatenate([part[name] for part in parts]) for name in everywhere}
