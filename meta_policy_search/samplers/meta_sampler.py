"""Sampling rounds: N adapted policies in N tasks, R environments each, in lock-step."""

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from meta_policy_search.envs.base import BatchMetaEnv, BatchStep, EnvironmentFailure, Task
from meta_policy_search.policies.base import MetaPolicy
from meta_policy_search.types import ArrayParams, Params, Trajectories
from meta_policy_search.utils.clock import Clock


class SamplingError(RuntimeError):
    """A round that gave nothing to learn from: what went wrong, in which tasks.

    Args:
      message: that.
      by_policy: the policy's actions were no numbers; otherwise it is the environment's affair.
    """

    def __init__(self, message: str, by_policy: bool = False):
        super().__init__(message)
        self.by_policy = by_policy


class MetaSampler:
    """Rolls out the policies of all tasks at once.

    A round ends when the finished episodes of all tasks together have `total_samples` steps; episodes that are then
    unfinished get mask 0. Environments that never end early thus give exactly R episodes of `max_path_length` steps per
    task. Time limits and true ends are treated alike, as in the original.

    Args:
      env: the task family; the sampler makes its own batch of it.
      policy: whose parameters `obtain_samples` takes.
      rollouts_per_meta_task: R.
      meta_batch_size: N.
      max_path_length: H, the time limit of an episode in steps.
    """

    def __init__(
        self,
        env: BatchMetaEnv,
        policy: MetaPolicy,
        *,
        rollouts_per_meta_task: int,
        meta_batch_size: int,
        max_path_length: int,
    ):
        self.policy, self.max_path_length = policy, max_path_length
        self.batch_shape = (meta_batch_size, rollouts_per_meta_task)
        self.total_samples = meta_batch_size * rollouts_per_meta_task * max_path_length
        self.envs = env.batch(meta_batch_size * rollouts_per_meta_task)
        self.tasks: Sequence[Task] = ()

    def update_tasks(self, rng: np.random.Generator) -> None:
        """Draws a new task for each of the N slots; it stays for all rounds until the next call."""
        with self._naming_tasks():
            tasks = self.envs.sample_tasks(self.batch_shape[0], rng)
        self.set_tasks(tasks)

    def set_tasks(self, tasks: Sequence[Task]) -> None:
        """The N tasks of all rounds until the next call."""
        self.tasks = tasks
        self.envs.set_tasks([task for task in tasks for _ in range(self.batch_shape[1])])

    def obtain_samples(self, params: Params, rng: np.random.Generator) -> tuple[Trajectories, dict[str, float]]:
        """One round with the parameters [N, ...] of the tasks' policies, and the seconds that it took.

        Raises:
          SamplingError: an observation, action or reward was not finite, or its simulation failed.
        """
        params = {name: np.asarray(value) for name, value in params.items()}
        clock, steps = Clock("PolicyExecTime", "EnvExecTime"), []
        num_envs = self.envs.num_envs
        lengths, starts, finished_until = np.zeros((3, num_envs), np.int32)
        observations, finished = self._reset(rng), 0
        clock.lap("EnvExecTime")
        while finished < self.total_samples:
            observations = observations.astype(np.float32)
            actions, agent_infos = self._act(params, observations, rng)
            clock.lap("PolicyExecTime")
            after = self._step(actions)
            steps.append((observations, actions, after.rewards, starts.copy(), agent_infos, after.infos))
            observations, lengths = after.observations, lengths + 1
            ended = np.flatnonzero(after.terminated | (lengths >= self.max_path_length))
            if len(ended):
                finished += int(lengths[ended].sum())
                lengths[ended], starts[ended], finished_until[ended] = 0, len(steps), len(steps)
                observations[ended] = self._reset(rng, ended)
            clock.lap("EnvExecTime")
        trajectories = self._stack(steps, finished_until)
        self._check_finite(trajectories)
        clock.lap("PolicyExecTime")
        return trajectories, clock.seconds

    def _act(self, params: ArrayParams, observations: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        """Actions [M, A] and the distributions that they come from, for observations [M, O]."""
        observations = observations.reshape(*self.batch_shape, -1)
        noise = self.policy.noise(rng, self.batch_shape)
        actions, agent_infos = self.policy.act(params, observations, noise)
        return _flat(actions), {name: _flat(value) for name, value in agent_infos.items()}

    def _reset(self, rng: np.random.Generator, envs: np.ndarray | None = None) -> np.ndarray:
        with self._naming_tasks():
            return self.envs.reset_envs(rng, envs)

    def _step(self, actions: np.ndarray) -> BatchStep:
        with self._naming_tasks(actions):
            return self.envs.step_envs(actions)

    @contextlib.contextmanager
    def _naming_tasks(self, actions: np.ndarray | None = None) -> Iterator[None]:
        """Makes a failure of environments one of their tasks, and of the policy if they had to take such actions."""
        try:
            yield
        except EnvironmentFailure as failure:
            slots = np.unique(np.asarray(failure.envs, int) // self.batch_shape[1])
            where = f" in {describe_tasks(self.tasks, slots)}" if len(slots) else ""
            by_policy = actions is not None and not np.isfinite(actions).all()
            raise SamplingError(f"{failure}{where}", by_policy) from failure

    def _stack(self, steps: list[tuple], finished_until: np.ndarray) -> Trajectories:
        """T steps of M environments -> arrays [N, R, T, ...]."""

        def rows(*values: np.ndarray) -> np.ndarray:
            stacked = np.stack(values, axis=1)
            return stacked.reshape(*self.batch_shape, *stacked.shape[1:])

        observations, actions, rewards, start, agent_infos, env_infos = tf.nest.map_structure(rows, *steps)
        mask = np.arange(len(steps)) < finished_until.reshape(*self.batch_shape, 1)
        return Trajectories(observations, actions, rewards, start, mask, agent_infos, env_infos)

    def _check_finite(self, trajectories: Trajectories) -> None:
        """Complains about what was not finite first; at the same step the observation is before action and reward."""
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


def describe_tasks(tasks: Sequence[Task], slots: np.ndarray) -> str:
    """The tasks of some slots, for a message."""
    shown = ", ".join(f"slot {slot}: {tasks[slot]}" for slot in slots[:3])
    return f"{len(slots)} of {len(tasks)} tasks ({shown}{', ...' if len(slots) > 3 else ''})"


def _not_finite(values: np.ndarray) -> np.ndarray:
    """Whether any entry of a step is NaN or infinite: [N, R, T, ...] -> [N, R, T]."""
    return ~np.isfinite(values).reshape(*values.shape[:3], -1).all(axis=-1)


def _flat(array: np.ndarray) -> np.ndarray:
    """[N, R, ...] -> [M, ...]"""
    return array.reshape(-1, *array.shape[2:])
