"""A point in the plane that must find out which of four corners is the goal."""

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import RowGenerator, Task
from meta_policy_search.envs.point_envs.base import CORNERS, GoalPointEnv, draw_corners, require_corner


class MetaPointEnvCorner(GoalPointEnv):
    """s' = s + clip(a, -0.2, 0.2); the goal is one of the corners (+-2, +-2). Episodes never terminate.

    Sparse reward (the default): 0 within 0.5 m of the origin in L1 norm; outside, the progress |s - g| - |s' - g| if the
    corner nearest to s' is the goal g, otherwise 0. The reward has a hole, kept from the original: stepping into the
    0.5 m zone costs nothing and stepping out of it pays, so oscillating there earns more than walking to the goal.
    Don't measure success by its return.

    Task: the goal g [2] in m, each corner with probability 1/4. It can't be observed.
    Reset: U(-0.2, 0.2) on both axes.

    | observation | quantity | unit |
    |---|---|---|
    | 0, 1 | position x, y | m |
    """

    max_action = 0.2
    sparse_reward_radius = 0.5  # m, L1

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
        return rng.uniform(-0.2, 0.2, (num_envs, 2))

    @override
    def next_states(self, actions: np.ndarray) -> np.ndarray:
        return self.states + actions

    @override
    def sparse_reward(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        progress = self.distance(before) - self.distance(after)
        distances = np.linalg.norm(after[:, np.newaxis] - CORNERS, axis=-1)
        heads_for_goal = np.all(CORNERS[distances.argmin(axis=-1)] == self.goals(), axis=-1)
        outside = np.abs(after).sum(axis=-1) >= self.sparse_reward_radius
        return np.where(outside & heads_for_goal, progress, 0.0)
