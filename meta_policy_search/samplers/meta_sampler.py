"""Sampling rounds: N adapted policies in N tasks, R environments each, in lock-step."""

import contextlib
from collections.abc import Iterator

import numpy as np

from meta_policy_search.envs.base import SimulationError, Tasks
from meta_policy_search.envs.batch_env import BatchEnv
from meta_policy_search.envs.environment_errors import LONGEST_TASK, environment_code, one_line
from meta_policy_search.envs.task_values import plain
from meta_policy_search.policies.base import MetaPolicy
from meta_policy_search.samplers.rollout import Rollout
from meta_policy_search.samplers.task_source import TaskSource
from meta_policy_search.types import ArrayParams, Params, Trajectories
from meta_policy_search.utils.reported_error import ReportedError


class SamplingError(ReportedError, RuntimeError):
    """A round that gave nothing to learn from: what went wrong, in which tasks.

    Args:
      message: that.
      by_policy: the policy's actions were no numbers; otherwise it is the environment's affair.
    """

    exit_code = 1

    def __init__(self, message: str, by_policy: bool = False):
        super().__init__(message)
        self.by_policy = by_policy


class MetaSampler:
    """Rolls out the policies of all tasks at once.

    A round ends when the finished episodes of all tasks together have `total_samples` steps; episodes that are then
    unfinished get mask 0. Environments that never end early thus give exactly R episodes of `max_path_length` steps per
    task. Time limits and true ends are treated alike, as in the original. Each task draws from a generator of its own, so
    what happens in one task changes nothing in another, wherever it is simulated.

    Args:
      env: the task family; the sampler makes its own batch of it.
      policy: whose parameters `obtain_samples` takes.
      rollouts_per_meta_task: R.
      meta_batch_size: N.
      max_path_length: H, the time limit of an episode in steps.
      rollouts_per_row: E, of the R rollouts those that one environment makes one after the other; a divisor of R. A row of
        the trajectories [N, R / E, T] is then E episodes, through which the state of a policy with a memory is kept. Where
        episodes end early there are more of them, in as many steps.
      task_source: draws the tasks; None is the family's own distribution.

    Raises:
      ValueError: the policy takes observations of another shape than the environment's, or E does not divide R.
    """

    def __init__(
        self,
        env: BatchEnv,
        policy: MetaPolicy,
        *,
        rollouts_per_meta_task: int,
        meta_batch_size: int,
        max_path_length: int,
        rollouts_per_row: int = 1,
        task_source: TaskSource | None = None,
    ):
        _require_fit(env, policy)
        if rollouts_per_row < 1 or rollouts_per_meta_task % rollouts_per_row:
            what = f"rollouts_per_row is {rollouts_per_row}"
            raise ValueError(f"{what}; it must be a divisor of rollouts_per_meta_task, {rollouts_per_meta_task}")
        self.policy, self.max_path_length, self.rollouts_per_row = policy, max_path_length, rollouts_per_row
        self.batch_shape = (meta_batch_size, rollouts_per_meta_task // rollouts_per_row)
        self.task_source = TaskSource() if task_source is None else task_source
        self.total_samples = meta_batch_size * rollouts_per_meta_task * max_path_length
        self.envs = self._make_batch(env)
        self.tasks: Tasks = ()

    def update_tasks(self, rng: np.random.Generator) -> None:
        """Draws a new task for each of the N slots; it stays for all rounds until the next call."""
        self.tasks = ()  # of which an environment that fails to draw new ones says nothing
        with self._naming_tasks(), environment_code:
            self.set_tasks(self.task_source.sample_tasks(self.envs, self.batch_shape[0], rng))

    def set_tasks(self, tasks: Tasks) -> None:
        """The N tasks of all rounds until the next call."""
        self.tasks = tasks
        self.envs.set_tasks([task for task in tasks for _ in range(self.batch_shape[1])])

    def obtain_samples(self, params: Params, rng: np.random.Generator) -> tuple[Trajectories, dict[str, float]]:
        """One round with the parameters [N, ...] of the tasks' policies, and the seconds that it took.

        Raises:
          SamplingError: an observation, action or reward was not finite, or its simulation failed.
        """
        params = {name: np.asarray(value) for name, value in params.items()}
        seeds = rng.integers(2**63, size=self.batch_shape[0])
        with self._naming_tasks():
            trajectories, seconds = self._roll_out(params, seeds)
        self._check_finite(trajectories)
        return trajectories, seconds

    def diagnostics(self, trajectories: Trajectories) -> dict[str, float]:
        """What the task family has to say of a round.

        Raises:
          SamplingError: it failed at that.
        """
        with self._naming_tasks(), environment_code:
            return dict(self.envs.diagnostics(trajectories))

    def close(self) -> None:
        """Ends what simulates.

        Raises:
          SimulationError: an environment raised when it was closed.
        """
        with environment_code:
            self.envs.close()

    def _make_batch(self, env: BatchEnv) -> BatchEnv:
        return env.batch(self.batch_shape[0] * self.batch_shape[1])

    def _roll_out(self, params: ArrayParams, seeds: np.ndarray) -> tuple[Trajectories, dict[str, float]]:
        rollout = Rollout(self.envs, self.policy, params, seeds, self.max_path_length)
        while not rollout.finished or rollout.finished[-1] < self.total_samples:
            rollout.step()
        return rollout.trajectories(), rollout.seconds

    @contextlib.contextmanager
    def _naming_tasks(self) -> Iterator[None]:
        """Makes a failure of environments one of their tasks."""
        try:
            yield
        except SimulationError as failure:
            slots = np.unique(np.asarray(failure.envs, int) // self.batch_shape[1])
            where = f" in {describe_tasks(self.tasks, slots)}" if len(slots) else ""
            raise SamplingError(f"{failure}{where}", failure.by_policy) from failure

    def _check_finite(self, trajectories: Trajectories) -> None:
        """Raise SamplingError for what was not finite first; in a step the observation is before action and reward."""
        names = ("observations", "actions", "rewards")
        bad = np.stack([_not_finite(getattr(trajectories, name)) for name in names], axis=-1)  # [N, R, T, 3]
        if not bad.any():
            return
        step, kind = divmod(int(np.flatnonzero(bad.any(axis=(0, 1)))[0]), len(names))
        slots, rows = np.nonzero(bad[:, :, step, kind])
        time = step - trajectories.start[slots[0], rows[0], step]
        whose = "the policy" if names[kind] == "actions" else self.envs.family_name
        where = f"at time step {time} in {describe_tasks(self.tasks, np.unique(slots))}"
        raise SamplingError(f"NaN or infinite {names[kind]} of {whose} {where}", by_policy=names[kind] == "actions")


def _require_fit(env: BatchEnv, policy: MetaPolicy) -> None:
    """Raise ValueError if the policy declares another shape of observations than the environment's."""
    shape = env.observation_space.shape
    if hasattr(policy, "obs_dim") and policy.obs_shape != shape:
        takes = f"{type(policy).__name__} takes observations of the shape {list(policy.obs_shape)}"
        raise ValueError(f"{takes}, and {env.family_name} has {list(shape)}; obs_dim=env.observation_space.shape fits")


def describe_tasks(tasks: Tasks, slots: np.ndarray) -> str:
    """The tasks of some slots, for a message."""
    shown = ", ".join(f"slot {slot}: {one_line(plain(tasks[slot]), LONGEST_TASK)}" for slot in slots[:3])
    return f"{len(slots)} of {len(tasks)} tasks ({shown}{', ...' if len(slots) > 3 else ''})"


def _not_finite(values: np.ndarray) -> np.ndarray:
    """Whether any entry of a step is NaN or infinite: [N, R, T, ...] -> [N, R, T]."""
    return ~np.isfinite(values).reshape(*values.shape[:3], -1).all(axis=-1)
