"""A sampling round of some tasks, step by step: all that a machine needs for its share, and no other share changes it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from gymnasium.spaces import Discrete

from meta_policy_search.envs.base import BatchStep, SimulationError
from meta_policy_search.envs.batch_env import BatchEnv
from meta_policy_search.envs.environment_errors import environment_code
from meta_policy_search.envs.spaces import WHOLE
from meta_policy_search.policies.base import MetaPolicy
from meta_policy_search.types import ArrayParams, Trajectories
from meta_policy_search.utils.stopwatch import Stopwatch

ACTING, RESETTING = 0, 1  # the streams of random numbers of a task


class _Step(NamedTuple):
    """A time step of M environments, as it is kept for the `Trajectories`."""

    observations: np.ndarray  # [M, O]
    actions: np.ndarray  # [M, A]
    rewards: np.ndarray  # [M]
    start: np.ndarray  # [M]
    agent_infos: dict[str, np.ndarray]  # [M, A] each
    env_infos: dict[str, np.ndarray]  # [M] each


class Rollout:
    """N tasks with R environments each, in lock-step. Each task has random numbers of its own.

    Args:
      envs: M = N R environments, that know their tasks.
      policy: acts.
      params: of the tasks' policies, [N, ...] by name.
      seeds: of the tasks' random numbers, [N].
      max_path_length: H, the time limit of an episode in steps.

    Raises:
      SimulationError: a simulation can't go on; also from `step`.
      ValueError: from `step`, the policy's actions have another shape or kind than the environments'.
    """

    def __init__(
        self,
        envs: BatchEnv,
        policy: MetaPolicy,
        params: ArrayParams,
        seeds: Sequence[int] | np.ndarray,
        max_path_length: int,
    ):
        self._envs, self._policy, self._params, self._limit = envs, policy, params, max_path_length
        self.batch_shape = (len(seeds), envs.num_envs // len(seeds))
        self._state = policy.initial_state(self.batch_shape)
        self._acting, self._resetting = (
            [np.random.default_rng([s, stream]) for s in seeds] for stream in (ACTING, RESETTING)
        )
        self._lengths, self._starts = np.zeros((2, envs.num_envs), np.int32)
        self._steps: list[_Step] = []
        self._ended: list[np.ndarray] = []  # at each step, the environments whose episodes ended with it
        self.finished: list[int] = []  # after each step, how many steps the finished episodes have
        self._stopwatch = Stopwatch("PolicyExecTime", "EnvExecTime")
        self._observations = self._reset()
        self._stopwatch.lap("EnvExecTime")

    @property
    def seconds(self) -> dict[str, float]:
        """Spent so far in the policy and in the environments."""
        return self._stopwatch.seconds

    def step(self) -> None:
        """One step of all environments; those whose episodes ended with the last one start new ones before."""
        if self._ended and len(self._ended[-1]):
            ended = self._ended[-1]
            self._observations[ended] = self._reset(ended)
            self._lengths[ended], self._starts[ended] = 0, len(self._steps)
            self._stopwatch.lap("EnvExecTime")
        with np.errstate(over="ignore", invalid="ignore"):  # the sampler finds what is not finite then
            observations = self._observations.astype(self._policy.dtype.as_numpy_dtype)
            actions, agent_infos = self._act(observations)
        self._stopwatch.lap("PolicyExecTime")
        after = self._step(actions)
        self._steps.append(_Step(observations, actions, after.rewards, self._starts.copy(), agent_infos, after.infos))
        self._observations, self._lengths = np.array(after.observations), self._lengths + 1
        ended = np.flatnonzero(after.terminated | (self._lengths >= self._limit))
        self._ended.append(ended)
        self.finished.append((self.finished[-1] if self.finished else 0) + int(self._lengths[ended].sum()))
        self._stopwatch.lap("EnvExecTime")

    def trajectories(self, length: int | None = None) -> Trajectories:
        """The first `length` steps T, by default all, as arrays [N, R, T, ...]; unfinished episodes have mask 0."""
        steps = self._steps[:length]
        observations, actions, rewards, starts, agent_infos, env_infos = zip(*steps, strict=True)
        finished_until = np.zeros(self._envs.num_envs, np.int32)
        for time, ended in enumerate(self._ended[:length]):
            finished_until[ended] = time + 1
        mask = np.arange(len(steps)) < finished_until.reshape(*self.batch_shape, 1)
        return Trajectories(
            observations=self._rows(observations),
            actions=self._rows(actions),
            rewards=self._rows(rewards),
            start=self._rows(starts),
            mask=mask,
            agent_infos=self._by_name(agent_infos),
            env_infos=self._by_name(env_infos),
        )

    def _reset(self, envs: np.ndarray | None = None) -> np.ndarray:
        generators = PerTaskRng(self._resetting, self.batch_shape[1], envs)
        with environment_code:
            return np.array(self._envs.reset_envs(generators, envs))

    def _act(self, observations: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Actions [M, A] and the distributions that they come from, for observations [M, O]."""
        time = len(self._steps) % self._limit
        if time == 0:  # for the next H steps, [N, H, R, ...]
            shape = (self._limit, self.batch_shape[1])
            self._noise = np.stack([self._policy.noise(rng, shape) for rng in self._acting])
        observations = observations.reshape(*self.batch_shape, *observations.shape[1:])
        acted = self._policy.act_from_state(self._params, observations, self._noise[:, time], self._state)
        actions, agent_infos, self._state = acted
        self._require_fit(actions)
        return _flat(actions), {name: _flat(value) for name, value in agent_infos.items()}

    def _require_fit(self, actions: np.ndarray) -> None:
        """Raise ValueError if the policy's actions are none of the environments', which would broadcast or round them."""
        space = self._envs.action_space
        shape, wanted = np.shape(actions), (*self.batch_shape, *(space.shape or ()))
        if shape != wanted:
            raise self._misfit(f"of the shape {list(shape)}, not {list(wanted)}")
        if not isinstance(space, Discrete):
            return
        low, high = space.start, space.start + space.n - 1
        if actions.dtype.kind not in WHOLE or actions.min() < low or actions.max() > high:
            raise self._misfit(f"that are not whole numbers from {low} to {high}")

    def _misfit(self, which: str) -> ValueError:
        return ValueError(f"{type(self._policy).__name__} gives actions {which}, as {self._envs.family_name} takes them")

    def _step(self, actions: np.ndarray) -> BatchStep:
        """What the environments return, rewards and infos as copies: they are kept, and those may be views of a state."""
        try:
            with environment_code:
                after = self._envs.step_envs(actions)
        except SimulationError as failure:
            failure.by_policy = not np.isfinite(actions).all()
            raise
        for name, values in {"rewards": after.rewards, "terminated": after.terminated, **after.infos}.items():
            if np.shape(values) != (self._envs.num_envs,):
                raise SimulationError(f"{name} have the shape {np.shape(values)}, not ({self._envs.num_envs},)", [])
        infos = {name: np.array(values) for name, values in after.infos.items()}
        return after._replace(rewards=np.array(after.rewards), infos=infos)

    def _rows(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """T arrays [M, ...] -> [N, R, T, ...]"""
        stacked = np.stack(values, axis=1)
        return stacked.reshape(*self.batch_shape, *stacked.shape[1:])

    def _by_name(self, steps: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """What all steps have."""
        names = [name for name in steps[0] if all(name in step for step in steps)]
        return {name: self._rows([step[name] for step in steps]) for name in names}


class PerTaskRng:
    """Stands for a numpy Generator where rows are drawn for environments: each row comes from its task's own.

    Args:
      generators: of the tasks, [N].
      rollouts_per_meta_task: R, the environments of each task.
      envs: indices [m] of the environments that rows are drawn for, ascending; None for all N R.
    """

    def __init__(
        self, generators: Sequence[np.random.Generator], rollouts_per_meta_task: int, envs: np.ndarray | None = None
    ):
        indices = np.arange(len(generators) * rollouts_per_meta_task) if envs is None else envs
        slots, counts = np.unique(indices // rollouts_per_meta_task, return_counts=True)
        self._groups = [(generators[slot], int(count)) for slot, count in zip(slots, counts, strict=True)]

    def uniform(self, low: float, high: float, size: int | tuple[int, ...]) -> np.ndarray:
        """U(low, high), [m, ...]."""
        return self._draw(lambda rng, shape: rng.uniform(low, high, shape), size)

    def standard_normal(self, size: int | tuple[int, ...]) -> np.ndarray:
        """N(0, 1), [m, ...]."""
        return self._draw(lambda rng, shape: rng.standard_normal(shape), size)

    def integers(self, low: int, high: int | None = None, *, size: int | tuple[int, ...]) -> np.ndarray:
        """Uniform in low .. high - 1, or 0 .. low - 1, [m, ...]."""
        return self._draw(lambda rng, shape: rng.integers(low, high, shape), size)

    def _draw(
        self, draw: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray], size: int | tuple[int, ...]
    ) -> np.ndarray:
        row_shape = size[1:] if isinstance(size, tuple) else ()
        return np.concatenate([draw(rng, (count, *row_shape)) for rng, count in self._groups])


def _flat(array: np.ndarray) -> np.ndarray:
    """[N, R, ...] -> [M, ...]"""
    return array.reshape(-1, *array.shape[2:])
