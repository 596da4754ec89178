"""A point with inertia in the plane, and a goal in one of four corners."""

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import RowGenerator, Task
from meta_policy_search.envs.point_envs.base import CORNERS, GoalPointEnv, draw_corners, require_corner


class MetaPointEnvMomentum(GoalPointEnv):
    """v' = v + clip(a, -0.1, 0.1), s' = s + v'; the goal is one of the corners (+-2, +-2). Episodes never terminate.

    The environment of the paper's exploration figure. Sparse reward (the default): max(2 - |s' - g|, 0).

    Task: the goal g [2] in m, each corner with probability 1/4. It can't be observed.
    Reset: position U(-0.2, 0.2), velocity U(-0.1, 0.1), on both axes.

    | observation | quantity | unit |
    |---|---|---|
    | 0, 1 | position x, y | m |
    | 2, 3 | velocity x, y | m per step |
    """

    state_size = 4
    max_action = 0.1
    sparse_reward_radius = 2.0  # m

    @override
    def default_task(self) -> np.ndarray:
        return CORNERS[3]

    @override
    def draw_tasks(self, n_tasks: int, rng: np.random.Generator) -> np.ndarray:
        return draw_corners(n_tasks, rng)

    @override
    def require_task(self, task: Task) -> None:
        require_corner(task)

    @override
    def held_out_options(self) -> None:
        """Training draws all corners."""

    @override
    def reset_states(self, rng: RowGenerator, num_envs: int) -> np.ndarray:
        return np.concatenate([rng.uniform(-0.2, 0.2, (num_envs, 2)), rng.uniform(-0.1, 0.1, (num_envs, 2))], axis=-1)

    @override
    def next_states(self, actions: np.ndarray) -> np.ndarray:
        velocity = self.states[:, 2:] + actions
        return np.concatenate([self.states[:, :2] + velocity, velocity], axis=-1)

    @override
    def sparse_reward(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        return np.maximum(self.sparse_reward_radius - self.distance(after), 0.0)
