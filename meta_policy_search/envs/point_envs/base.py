"""The part that the point masses share: the state is an array, and a step is arithmetic."""

import abc
from collections.abc import Sequence
from typing import Literal

import gymnasium
import numpy as np

from meta_policy_search.envs.base import BatchMetaEnv, BatchStep, Task

RewardType = Literal["dense", "dense_squared", "sparse"]


class PointMetaEnv(BatchMetaEnv):
    """M points. A family adds its tasks, the reset distribution and one step of the state.

    Args:
      reward_type: "dense" is minus the distance to the goal [m], "dense_squared" minus its square, "sparse" the family's.
    """

    state_size: int
    max_action: float  # per axis and step, m (or m per step, where the action is an acceleration)

    def __init__(self, *, reward_type: RewardType = "sparse", num_envs: int = 1, render_mode: str | None = None):
        if reward_type not in ("dense", "dense_squared", "sparse"):
            raise ValueError(f"reward_type is {reward_type!r}; it can be 'dense', 'dense_squared' or 'sparse'")
        self.reward_type = reward_type
        self.action_space = gymnasium.spaces.Box(-self.max_action, self.max_action, (2,), np.float32)
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (self.state_size,), np.float64)
        self.states = np.zeros((num_envs, self.state_size))
        super().__init__(num_envs=num_envs, render_mode=render_mode, reward_type=reward_type)

    @abc.abstractmethod
    def reset_states(self, rng: np.random.Generator, num_envs: int) -> np.ndarray:
        """Initial states [m, state_size]."""

    @abc.abstractmethod
    def next_states(self, actions: np.ndarray) -> np.ndarray:
        """The states [M, state_size] after the clipped actions [M, 2]."""

    @abc.abstractmethod
    def sparse_reward(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """The sparse reward [M] for a step from the states `before` to the states `after`."""

    def goals(self) -> np.ndarray:
        """The goal positions [M, 2], in m."""
        return self.tasks

    def set_tasks(self, tasks: Sequence[Task]) -> None:
        self.tasks = np.asarray(tasks, np.float64)

    def reset_envs(self, rng: np.random.Generator, envs: np.ndarray | None = None) -> np.ndarray:
        rows = slice(None) if envs is None else envs
        self.states[rows] = self.reset_states(rng, self.num_envs if envs is None else len(envs))
        return self.states[rows].copy()

    def step_envs(self, actions: np.ndarray) -> BatchStep:
        before = self.states
        clipped = np.clip(np.asarray(actions, np.float64), -self.max_action, self.max_action)
        self.states = self.next_states(clipped)
        return BatchStep(self.states.copy(), self.reward(before, self.states), np.zeros(self.num_envs, bool), {})

    def reward(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """The reward [M] for a step from the states `before` to the states `after`."""
        if self.reward_type == "sparse":
            return self.sparse_reward(before, after)
        distance = np.linalg.norm(after[:, :2] - self.goals(), axis=-1)
        return -distance if self.reward_type == "dense" else -(distance**2)


CORNERS = np.array([[-2.0, -2.0], [2.0, -2.0], [-2.0, 2.0], [2.0, 2.0]])  # m
