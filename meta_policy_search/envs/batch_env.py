"""What a sampler takes: a `BatchMetaEnv`, or a wrapper that forwards to one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
from gymnasium.spaces import Box, Discrete

from meta_policy_search.envs.base import BatchStep, RowGenerator, Task, Tasks

if TYPE_CHECKING:
    from meta_policy_search.types import Trajectories  # loads TensorFlow, which an environment doesn't need


class BatchEnv(Protocol):
    """M environments in lock-step, with a distribution of tasks. See `BatchMetaEnv` for the methods."""

    @property
    def num_envs(self) -> int:
        """M."""

    @property
    def family_name(self) -> str:
        """What messages call it."""

    @property
    def action_space(self) -> Box | Discrete:
        """Of one environment."""

    @property
    def observation_space(self) -> Box:
        """Of one environment, [O]."""

    def default_task(self) -> Task:
        """The task of a new environment."""

    def sample_tasks(self, n_tasks: int, rng: np.random.Generator) -> Tasks:
        """`n_tasks` independent draws from the task distribution."""

    def set_tasks(self, tasks: Tasks) -> None:
        """One task for each of the M environments."""

    def reset_envs(self, rng: RowGenerator, envs: np.ndarray | None = None) -> np.ndarray:
        """Observations [m, O] of new episodes of the environments with the indices [m]."""

    def step_envs(self, actions: np.ndarray) -> BatchStep:
        """One step of all environments with the actions [M, A]."""

    def diagnostics(self, trajectories: "Trajectories") -> Mapping[str, float]:
        """What the log says of one sampling round, besides the returns."""

    def batch(self, num_envs: int) -> "BatchEnv":
        """`num_envs` environments of the same kind."""

    def close(self) -> None:
        """Ends what simulates."""
