"""Anyone's environment as a task family: a `gymnasium.Env` with sample_tasks, set_task and get_task, in worker processes."""

import functools
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

from meta_policy_search.envs.base import BatchMetaEnv, BatchStep, SimulationError, Task
from meta_policy_search.envs.gym_compatibility import GymCompatibility
from meta_policy_search.envs.vector_worker import NONE, EnvShard, Make, complaint, prepare, seed_everything
from meta_policy_search.utils.child_processes import without_working_directory

if TYPE_CHECKING:
    from meta_policy_search.types import Trajectories  # loads TensorFlow, which an environment doesn't need


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
        self._single = prepare(self._made(make))
        self.observation_space, self.action_space = self._single.observation_space, self._single.action_space
        self.num_workers = largest_divisor(num_envs, joblib.cpu_count()) if parallel else 1
        self._make, self._parallel = make, parallel
        self._vector: AsyncVectorEnv | SyncVectorEnv | None = None  # once it is needed
        super().__init__(num_envs=num_envs, render_mode=render_mode)

    @property
    def family_name(self) -> str:
        single = self._single.unwrapped
        return type(single.env if isinstance(single, GymCompatibility) else single).__name__

    def default_task(self) -> Task:
        return self.draw_tasks(1, np.random.default_rng(0))[0]

    def draw_tasks(self, n_tasks: int, rng: np.random.Generator) -> Sequence[Task]:
        seed = int(rng.integers(2**31))
        seed_everything(self._single, seed)
        self._single.reset(seed=seed)
        try:
            tasks = list(self._single.get_wrapper_attr("sample_tasks")(n_tasks))
        except Exception as error:  # whatever it is, the run stops in order
            raise _failure(error) from error
        if len(tasks) != n_tasks:
            raise SimulationError(f"sample_tasks({n_tasks}) of the environment returned {len(tasks)} tasks", [])
        return tasks

    def set_tasks(self, tasks: Sequence[Task]) -> None:
        super().set_tasks(list(tasks))
        self._tasks_sent = False

    def reset_envs(self, rng: np.random.Generator, envs: np.ndarray | None = None) -> np.ndarray:
        rows = np.arange(self.num_envs) if envs is None else envs
        seeds = np.full(self.num_envs, NONE)
        seeds[rows] = rng.integers(2**31, size=len(rows))
        observations, _ = self._ask("reset", options={"seeds": seeds, "new_round": envs is None})
        return self._rows(observations)[rows]

    def step_envs(self, actions: np.ndarray) -> BatchStep:
        actions = np.asarray(actions, self.action_space.dtype).reshape(self.num_workers, -1, *self.action_space.shape)
        observations, _, _, _, answers = self._ask("step", actions)
        infos = answers.get("infos", {})
        everywhere = [name for name in infos if f"_{name}" in infos and infos[f"_{name}"].all()]
        infos = {name: self._rows(infos[name]) for name in everywhere}
        return BatchStep(self._rows(observations), self._rows(answers["rewards"]), self._rows(answers["ended"]), infos)

    def diagnostics(self, trajectories: "Trajectories") -> Mapping[str, float]:
        """The environment's own, if it has the method."""
        if not self._single.has_wrapper_attr("diagnostics"):
            return {}
        return self._single.get_wrapper_attr("diagnostics")(trajectories)

    def close(self) -> None:
        if self._vector is not None:
            self._vector.close()
            self._vector = None
        self._single.close()

    @staticmethod
    def _made(make: Make) -> Any:
        try:
            return make()
        except ValueError:  # a setting that can't be
            raise
        except Exception as error:
            raise _failure(error) from error

    def _rows(self, values: np.ndarray) -> np.ndarray:
        """[workers, M / workers, ...] -> [M, ...]"""
        return values.reshape(self.num_envs, *values.shape[2:])

    def _ask(self, method: str, *args: Any, **kwargs: Any) -> tuple:
        """What all workers answer to `method` together.

        Raises:
          SimulationError: a worker died, or an environment raised; then its traceback is a note of the failure.
        """
        if self._vector is None:
            self._vector = self._start_workers()
        try:
            if not self._tasks_sent:
                share = self.num_envs // self.num_workers
                self._vector.set_attr("tasks", [self.tasks[i : i + share] for i in range(0, self.num_envs, share)])
                self._tasks_sent = True
            answer = getattr(self._vector, method)(*args, **kwargs)
        except (EOFError, ConnectionError) as error:
            raise self._death() from error
        failed = answer[-1]["failed"]
        if (failed != NONE).any():
            worker = int(np.flatnonzero(failed != NONE)[0])
            failure = SimulationError(answer[-1]["complaint"][worker], [failed[worker]])
            raise with_traceback(failure, answer[-1]["traceback"][worker])
        return answer

    def _start_workers(self) -> AsyncVectorEnv | SyncVectorEnv:
        self._scratch = tempfile.NamedTemporaryFile(prefix="meta_policy_search_")  # noqa: SIM115, it lives as long as self
        np.full(self.num_workers, NONE).tofile(self._scratch.name)
        share = self.num_envs // self.num_workers
        spaces = self.observation_space, self.action_space
        shard = functools.partial(EnvShard, self._make, *spaces, num_envs=share, scratch=self._scratch.name)
        shards = [functools.partial(shard, worker=worker) for worker in range(self.num_workers)]
        if self._parallel:  # spawned, because TensorFlow's threads don't survive a fork
            with without_working_directory():
                return AsyncVectorEnv(shards, context="spawn", autoreset_mode=AutoresetMode.DISABLED)
        return SyncVectorEnv(shards, autoreset_mode=AutoresetMode.DISABLED)

    def _death(self) -> SimulationError:
        """Who died of what; ends the other workers."""
        processes = self._vector.processes
        for process in processes:
            process.join(timeout=1.0)
        worker = next((i for i, process in enumerate(processes) if process.exitcode is not None), 0)
        exit_code, env = processes[worker].exitcode, int(np.fromfile(self._scratch.name, int)[worker])
        for process in processes:
            process.terminate()
        self._vector.closed, self._vector = True, None
        return SimulationError(f"a worker process died (exit code {exit_code})", [env] if env != NONE else [])


def _failure(error: Exception) -> SimulationError:
    """What an exception of the environment's in this process becomes."""
    return with_traceback(SimulationError(complaint(error), []), traceback.format_exc())


def with_traceback(failure: SimulationError, trace: str) -> SimulationError:
    """The failure, with the environment's own traceback as a note."""
    failure.add_note(trace)
    return failure


def largest_divisor(number: int, limit: int) -> int:
    """The largest divisor of a number up to a limit, so that all workers have equally much to do."""
    return max(divisor for divisor in range(1, max(1, limit) + 1) if number % divisor == 0)
