"""A batch of environments that observe more than the family shows."""

import abc
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from gymnasium.spaces import Box
from typing_extensions import override

from meta_policy_search.envs.base import BatchMetaEnv, BatchStep, RowGenerator, Task, Tasks

if TYPE_CHECKING:
    from meta_policy_search.types import Trajectories  # loads TensorFlow, which an environment doesn't need


class WrappedEnv(BatchMetaEnv):
    """M environments of a family, with numbers of the wrapper's behind the family's observation, [O] -> [O + E].

    Observations with axes of their own become vectors.

    Args:
      make: makes the wrapped batch, with `num_envs` and `render_mode`; a class, or its partial with settings.
      num_envs, render_mode: see `BatchMetaEnv`.
    """

    def __init__(self, *, make: Callable[..., BatchMetaEnv], num_envs: int = 1, render_mode: str | None = None):
        self.env = make(num_envs=num_envs, **({} if render_mode is None else {"render_mode": render_mode}))
        self.metadata = self.env.metadata
        self.action_space = self.env.action_space
        super().__init__(num_envs=num_envs, render_mode=render_mode)
        self.extra_size = self.extra(np.arange(num_envs)).shape[-1]
        low, high = (
            np.concatenate([bound.ravel(), np.full(self.extra_size, infinity)])
            for bound, infinity in ((self.env.observation_space.low, -np.inf), (self.env.observation_space.high, np.inf))
        )
        self.observation_space = Box(low, high, dtype=np.float64)

    @abc.abstractmethod
    def extra(self, envs: np.ndarray) -> np.ndarray:
        """What some environments observe besides, [m, E]; `envs` are their indices [m]."""

    @property
    @override
    def family_name(self) -> str:
        return self.env.family_name

    @override
    def default_task(self) -> Task:
        return self.env.default_task()

    @override
    def draw_tasks(self, n_tasks: int, rng: np.random.Generator) -> Tasks:
        return self.env.draw_tasks(n_tasks, rng)

    @override
    def require_task(self, task: Task) -> None:
        self.env.require_task(task)

    @override
    def set_tasks(self, tasks: Tasks) -> None:
        self.env.set_tasks(tasks)
        self.tasks = self.env.tasks

    @override
    def reset_envs(self, rng: RowGenerator, envs: np.ndarray | None = None) -> np.ndarray:
        observations = self.env.reset_envs(rng, envs)
        return self._with_extra(observations, np.arange(self.num_envs) if envs is None else envs)

    @override
    def step_envs(self, actions: np.ndarray) -> BatchStep:
        return self.with_extra(self.env.step_envs(actions))

    def with_extra(self, step: BatchStep) -> BatchStep:
        """A step of the family with what is observed besides."""
        return step._replace(observations=self._with_extra(step.observations, np.arange(self.num_envs)))

    def _with_extra(self, observations: np.ndarray, envs: np.ndarray) -> np.ndarray:
        return np.concatenate([observations.reshape(len(envs), -1), self.extra(envs)], axis=-1)

    @override
    def diagnostics(self, trajectories: "Trajectories") -> Mapping[str, float]:
        flat = trajectories.observations[..., : -self.extra_size]
        own = flat.reshape(*flat.shape[:-1], *self.env.observation_space.shape)
        return self.env.diagnostics(trajectories._replace(observations=own))

    @override
    def held_out_options(self) -> Mapping[str, object] | None:
        return self.env.held_out_options()

    @override
    def render(self) -> np.ndarray | None:
        return self.env.render()

    @override
    def close(self) -> None:
        self.env.close()
