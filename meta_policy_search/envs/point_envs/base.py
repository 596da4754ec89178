"""The part that the point masses share: the state is an array, and a step is arithmetic."""

import abc
from typing import TYPE_CHECKING, Any, Literal

import gymnasium
import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import BatchMetaEnv, BatchStep, RowGenerator, Task, Tasks, task_array

if TYPE_CHECKING:
    from meta_policy_search.envs.point_envs.rendering import PointRenderer  # imports matplotlib

RewardType = Literal["dense", "dense_squared", "sparse"]
REWARD_TYPES = ("dense", "dense_squared", "sparse")

CORNERS = np.array([[-2.0, -2.0], [2.0, -2.0], [-2.0, 2.0], [2.0, 2.0]])  # m


class PointMetaEnv(BatchMetaEnv):
    """M points. A family adds its tasks, the reset distribution, one step of the state, and the reward.

    Rendering shows the first environment.
    """

    metadata: dict[str, Any] = {"render_modes": ["human", "rgb_array"], "render_fps": 20}  # noqa: RUF012, as gymnasium declares it
    tasks: np.ndarray  # [M, ...]
    state_size = 2
    action_size = 2
    max_action: float  # per axis and step, m (or m per step, where the action is an acceleration)

    def __init__(self, *, num_envs: int = 1, render_mode: str | None = None):
        self.action_space = gymnasium.spaces.Box(-self.max_action, self.max_action, (self.action_size,), np.float32)
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (self.state_size,), np.float64)
        self.states = np.zeros((num_envs, self.state_size))
        self._renderer: PointRenderer | None = None
        super().__init__(num_envs=num_envs, render_mode=render_mode)

    @abc.abstractmethod
    def reset_states(self, rng: RowGenerator, num_envs: int) -> np.ndarray:
        """Initial states [m, state_size]."""

    @abc.abstractmethod
    def next_states(self, actions: np.ndarray) -> np.ndarray:
        """The states [M, state_size] after the clipped actions [M, action_size]; without walls, where there are any."""

    @abc.abstractmethod
    def reward(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """The reward [M] for a step from the states `before` to the states `after`, without walls."""

    def confine(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Where walls stop a step from `before` to `after`, [M, state_size]. There are none, unless the family says so."""
        del before
        return after

    def terminated(self, states: np.ndarray) -> np.ndarray:
        """Whether the episode ends in the states [M, state_size]. Never, unless the family says so."""
        return np.zeros(len(states), bool)

    def goals(self) -> np.ndarray:
        """The goal positions [M, 2] (or [M], in one dimension), in m."""
        return self.tasks

    @override
    def set_tasks(self, tasks: Tasks) -> None:
        super().set_tasks(tasks)
        self.tasks = task_array(tasks, self.default_task())

    @override
    def reset_envs(self, rng: RowGenerator, envs: np.ndarray | None = None) -> np.ndarray:
        rows = slice(None) if envs is None else envs
        self.states[rows] = self.reset_states(rng, self.num_envs if envs is None else len(envs))
        return self.states[rows].copy()

    @override
    def step_envs(self, actions: np.ndarray) -> BatchStep:
        before = self.states
        clipped = np.clip(np.asarray(actions, np.float64), -self.max_action, self.max_action)
        after = self.next_states(clipped)
        self.states = self.confine(before, after)
        return BatchStep(self.states.copy(), self.reward(before, after), self.terminated(self.states), {})

    @override
    def render(self) -> np.ndarray | None:
        if self.render_mode is None:
            return None
        if self._renderer is None:
            from meta_policy_search.envs.point_envs.rendering import PointRenderer  # imports matplotlib

            self._renderer = PointRenderer(self.render_mode, self.metadata["render_fps"])
        position, goal = (np.resize([*np.atleast_1d(x[0])[:2], 0.0], 2) for x in (self.states, self.goals()))
        return self._renderer.draw(position, goal)

    @override
    def close(self) -> None:
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


class GoalPointEnv(PointMetaEnv):
    """M points in the plane, each with a goal. A family adds its sparse reward.

    Args:
      reward_type: "dense" is minus the distance to the goal [m], "dense_squared" minus its square, "sparse" the family's;
        None for what the original's family does by default.
      num_envs, render_mode: see `BatchMetaEnv`.
    """

    default_reward_type: RewardType = "sparse"

    def __init__(self, *, reward_type: RewardType | None = None, num_envs: int = 1, render_mode: str | None = None):
        self.reward_type = self.default_reward_type if reward_type is None else reward_type
        if self.reward_type not in REWARD_TYPES:
            raise ValueError(f"reward_type is {reward_type!r}; it can be {', '.join(map(repr, REWARD_TYPES))}")
        super().__init__(num_envs=num_envs, render_mode=render_mode)

    @abc.abstractmethod
    def sparse_reward(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """The sparse reward [M] for a step from the states `before` to the states `after`."""

    def distance(self, states: np.ndarray) -> np.ndarray:
        """From the goals, [M], in m."""
        return np.linalg.norm(states[:, :2] - self.goals(), axis=-1)

    @override
    def reward(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        if self.reward_type == "sparse":
            return self.sparse_reward(before, after)
        distance = self.distance(after)
        return -distance if self.reward_type == "dense" else -(distance**2)


def draw_corners(n_tasks: int, rng: np.random.Generator) -> np.ndarray:
    """Goals [n, 2], each corner with probability 1/4."""
    return CORNERS[rng.integers(len(CORNERS), size=n_tasks)]


def require_corner(task: Task) -> None:
    """Raise ValueError if `draw_corners` can't draw the task."""
    if not (np.asarray(task) == CORNERS).all(axis=-1).any():
        raise ValueError(f"the goal is {np.asarray(task).tolist()}; it must be a corner, one of {CORNERS.tolist()}")
