"""Anyone's environment as a task family: a `gymnasium.Env` with sample_tasks, set_task and get_task, in worker processes."""

import functools
import tempfile
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING

import cloudpickle  # noqa: TID251, what worker processes of this one load
import gymnasium
import joblib
import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from typing_extensions import override

from meta_policy_search.envs.base import BatchMetaEnv, BatchStep, RowGenerator, SimulationError, Task, Tasks
from meta_policy_search.envs.environment_errors import LONGEST_TASK, described, one_line
from meta_policy_search.envs.single_env import Make, SingleEnv, as_actions
from meta_policy_search.envs.task_values import plain
from meta_policy_search.envs.vector_worker import NONE, Answer, EnvShard, pack_tasks
from meta_policy_search.utils.child_processes import without_working_directory

if TYPE_CHECKING:
    from meta_policy_search.types import Trajectories  # loads TensorFlow, which an environment doesn't need


NOT_STARTED = (
    "the worker processes of the environment did not start: they import the script that starts them, so what it does must "
    'stand below `if __name__ == "__main__":`; parallel=False needs no processes'
)


class GymnasiumVectorEnv(BatchMetaEnv):
    """M environments that know nothing of batches, shared out among the workers of gymnasium's AsyncVectorEnv.

    There are at most as many workers as cores, and each steps M / workers environments. Episodes end where the environment
    terminates or truncates. Every reset passes a seed that the run's generator draws, and every sampling round begins by
    seeding all that an environment may draw from (its own generator, its spaces', and the global ones of numpy and
    `random`). So a round depends on nothing but the run's generator, also in a run that was killed and resumed.

    Numbers in the info dict of `step` become `infos`, if all environments have them at the first step of the round.

    Args:
      make: makes one environment; something that can be pickled, such as a class.
      parallel: False steps all environments in this process, in a SyncVectorEnv. The numbers are the same, unless the
        environment draws from global generators.
      num_envs, render_mode: see `BatchMetaEnv`; there is no rendering here.

    Raises:
      ValueError: the environment has no tasks, or a space that no policy of the package fits.
      SimulationError: it can't be made, or can't draw tasks; its traceback is a note.
    """

    def __init__(self, *, make: Make, parallel: bool = True, num_envs: int = 1, render_mode: str | None = None):
        self._single = SingleEnv(make)
        self.observation_space = self._single.observation_space
        self.action_space = self._single.action_space
        self.num_workers = largest_divisor(num_envs, joblib.cpu_count()) if parallel else 1
        self._make, self._parallel = make, parallel
        self._vector: AsyncVectorEnv | SyncVectorEnv | None = None  # once it is needed
        super().__init__(num_envs=num_envs, render_mode=render_mode)

    @property
    @override
    def family_name(self) -> str:
        return type(self._single.unwrapped).__name__

    @override
    def default_task(self) -> Task:
        """A task to begin with: some environments can't be reset without, and some must be reset before they draw any."""
        self._single.seed(0)
        try:
            tasks, reason = self._single.sample_tasks(1), None
        except SimulationError as failure:
            tasks, reason = [], failure
        if reason is not None:
            tasks = self._sample_after_reset(reason)
        self._task = tasks[0]
        self._single.set_task(self._task)
        return self._task

    def _sample_after_reset(self, reason: SimulationError) -> list[Task]:
        """A task of an environment that draws none before it is reset, or else the reason for that."""
        try:
            self._single.reset(seed=0)
        except SimulationError:
            raise reason from reason.__cause__
        return self._single.sample_tasks(1)

    @override
    def draw_tasks(self, n_tasks: int, rng: np.random.Generator) -> list[Task]:
        seed = int(rng.integers(2**31))
        self._single.seed(seed)
        try:
            self._single.reset(seed=seed)  # some environments seed a generator of their own with it
        except SimulationError as failure:
            task = one_line(plain(self._task), LONGEST_TASK)
            raise SimulationError(f"{failure} in the task {task}, when it was reset to draw new ones", []) from failure
        return self._single.sample_tasks(n_tasks)

    @override
    def set_tasks(self, tasks: Tasks) -> None:
        super().set_tasks(list(tasks))
        self._tasks_sent = False

    @override
    def reset_envs(self, rng: RowGenerator, envs: np.ndarray | None = None) -> np.ndarray:
        rows = np.arange(self.num_envs) if envs is None else envs
        seeds = np.full(self.num_envs, NONE)
        seeds[rows] = rng.integers(2**31, size=len(rows))
        observations, _ = self._ask("reset", options={"seeds": seeds, "new_round": envs is None})
        return self._rows(observations)[rows]

    @override
    def step_envs(self, actions: np.ndarray) -> BatchStep:
        actions = as_actions(actions, self.action_space)
        shares = actions.reshape(self.num_workers, -1, *(self.action_space.shape or ()))
        observations, answers = self._ask("step", shares)
        rewards, ended = (np.concatenate([getattr(answer, name) for answer in answers]) for name in ("rewards", "ended"))
        everywhere = [name for name in answers[0].infos if all(name in answer.infos for answer in answers)]
        infos = {name: np.concatenate([answer.infos[name] for answer in answers]) for name in everywhere}
        return BatchStep(self._rows(observations), rewards, ended, infos)

    @override
    def diagnostics(self, trajectories: "Trajectories") -> Mapping[str, float]:
        """The environment's own, if it has the method."""
        return self._single.diagnostics(trajectories)

    @override
    def held_out_options(self) -> Mapping[str, object] | None:
        return self._single.held_out_options()

    @override
    def close(self) -> None:
        """Ends the workers.

        Raises:
          SimulationError: an environment raised when it was closed; all are closed nevertheless.
        """
        vector, self._vector = self._vector, None
        failures = [] if vector is None else end_workers(vector)
        if vector is not None:
            self._scratch.close()
        try:
            self._single.close()
        except SimulationError as failure:
            failures.append(failure)
        if failures:
            raise failures[0]

    def _rows(self, values: np.ndarray) -> np.ndarray:
        """[workers, M / workers, ...] -> [M, ...]"""
        return values.reshape(self.num_envs, *values.shape[2:])

    def _ask(self, method: str, *args: object, **kwargs: object) -> tuple[np.ndarray, list[Answer]]:
        """The observations [workers, M / workers, O] and answers [workers] to `method`.

        Raises:
          SimulationError: a worker died, or an environment raised; then its traceback is a note of the failure.
        """
        if self._vector is None:
            self._vector = self._start_workers()
            weakref.finalize(self, end_workers, self._vector)  # before gymnasium would at exit, when nothing works any more
        try:
            if not self._tasks_sent:
                self._vector.set_attr("new_tasks", self._shares_of_tasks())
                self._tasks_sent = True
            observations, *_, infos = getattr(self._vector, method)(*args, **kwargs)
        except (EOFError, ConnectionError) as error:
            if not isinstance(self._vector, AsyncVectorEnv):
                raise
            raise self._death(self._vector) from error
        answers = list(infos["answer"])
        for answer in answers:
            if answer.failure is not None:
                raise answer.failure
        return observations, answers

    def _shares_of_tasks(self) -> list[bytes | Tasks]:
        share = self.num_envs // self.num_workers
        shares = [self.tasks[i : i + share] for i in range(0, self.num_envs, share)]
        return [pack_tasks(tasks) if self._parallel else tasks for tasks in shares]

    def _start_workers(self) -> AsyncVectorEnv | SyncVectorEnv:
        self._scratch = tempfile.NamedTemporaryFile(prefix="meta_policy_search_")  # noqa: SIM115, it lives as long as the workers
        np.full(self.num_workers, NONE).tofile(self._scratch.name)
        share = self.num_envs // self.num_workers
        spaces = self.observation_space, self.action_space
        shard = functools.partial(EnvShard, self._make, *spaces, num_envs=share, scratch=self._scratch.name)
        shards = [functools.partial(shard, worker=worker) for worker in range(self.num_workers)]
        if not self._parallel:
            return SyncVectorEnv(shards, autoreset_mode=AutoresetMode.DISABLED)
        try:
            cloudpickle.dumps(self._make)
        except Exception as error:  # pickle has many, and objects have their own
            remedy = "parallel=False simulates without other processes"
            message = f"what makes the environment can't be sent to a worker process: {described(error)}; {remedy}"
            raise SimulationError(message, []) from error
        try:
            with without_working_directory():  # spawned, because TensorFlow's threads don't survive a fork
                return AsyncVectorEnv(shards, context="spawn", autoreset_mode=AutoresetMode.DISABLED)
        except (EOFError, ConnectionError) as error:
            raise RuntimeError(NOT_STARTED) from error

    def _death(self, vector: AsyncVectorEnv[np.ndarray, np.ndarray]) -> SimulationError:
        """Who died of what; ends the other workers."""
        processes = vector.processes
        for process in processes:
            process.join(timeout=1.0)
        worker = next((i for i, process in enumerate(processes) if process.exitcode is not None), 0)
        exit_code, env = processes[worker].exitcode, int(np.fromfile(self._scratch.name, int)[worker])
        for process in processes:
            process.terminate()
        vector.closed, self._vector = True, None
        return SimulationError(f"a worker process died (exit code {exit_code})", [env] if env != NONE else [])


def end_workers(vector: AsyncVectorEnv | SyncVectorEnv) -> list[SimulationError]:
    """Closes the environments and ends the processes, also those that don't answer; returns what the environments raised."""
    if vector.closed:
        return []
    try:
        failures = [failure for failure in vector.call("close_envs") if failure is not None]
        vector.close()
    except (gymnasium.error.AlreadyPendingCallError, AttributeError, EOFError, OSError):  # interrupted, or a worker is dead
        failures = []
        for process in getattr(vector, "processes", []):
            process.terminate()
        vector.closed = True
    return failures


def largest_divisor(number: int, limit: int) -> int:
    """The largest divisor of a number up to a limit, so that all workers have equally much to do."""
    return max(divisor for divisor in range(1, max(1, limit) + 1) if number % divisor == 0)
