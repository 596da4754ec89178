"""A point inside two ring-shaped walls, each with a gap, and a goal in one of four corners."""

from typing import cast

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import BatchMetaEnv, RowGenerator, Task, Tasks, task_array
from meta_policy_search.envs.point_envs.base import CORNERS, GoalPointEnv, draw_corners, require_corner

WallsTask = dict[str, np.ndarray]  # goal [2], gap_1 [2], gap_2 [2], in m
EPSILON = 1e-6  # keeps a point at the origin from being divided by 0; the original's


class MetaPointEnvWalls(GoalPointEnv):
    """s' = s + clip(a, -0.2, 0.2), but walls of radius 1 and 2 m around the origin stop it on its way out.

    A step that crosses a wall outwards ends just inside it, unless s' is within 1 m of the gap in the wall. Nothing stops
    a step inwards. Rewards use the s' from before the wall stops it (kept from the original). Episodes never terminate.

    Reward: dense by default. Sparse: within 2 m of the goal g, the progress |s - g| - |s' - g|, otherwise 0 (fixed: the
    original returns None there).

    Task: dict of `goal`, one of the corners (+-2, +-2) with probability 1/4 each, `gap_1`, uniform on the circle of radius
    1, and `gap_2`, uniform on the circle of radius 2; each [2] in m. It can't be observed.
    Reset: U(-0.2, 0.2) on both axes.

    | observation | quantity | unit |
    |---|---|---|
    | 0, 1 | position x, y | m |
    """

    max_action = 0.2
    default_reward_type = "dense"
    sparse_reward_radius = 2.0  # m
    wall_radii = (1.0, 2.0)  # m
    gap_radius = 1.0  # m

    @override
    def default_task(self) -> WallsTask:
        return {"goal": CORNERS[3], "gap_1": np.array([1.0, 0.0]), "gap_2": np.array([2.0, 0.0])}

    @override
    def draw_tasks(self, n_tasks: int, rng: np.random.Generator) -> list[WallsTask]:
        goals, directions = draw_corners(n_tasks, rng), rng.standard_normal((2, n_tasks, 2))
        gap_1, gap_2 = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
        return [{"goal": g, "gap_1": one, "gap_2": 2 * two} for g, one, two in zip(goals, gap_1, gap_2, strict=True)]

    @override
    def require_task(self, task: Task) -> None:
        require_corner(cast("WallsTask", task)["goal"])

    @override
    def set_tasks(self, tasks: Tasks) -> None:
        BatchMetaEnv.set_tasks(self, tasks)
        self.tasks = np.array(tasks, object)
        default = self.default_task()
        self._goals, *self._gaps = (task_array([task[name] for task in self.tasks], default[name]) for name in default)

    @override
    def goals(self) -> np.ndarray:
        return self._goals

    @override
    def reset_states(self, rng: RowGenerator, num_envs: int) -> np.ndarray:
        return rng.uniform(-0.2, 0.2, (num_envs, 2))

    @override
    def next_states(self, actions: np.ndarray) -> np.ndarray:
        return self.states + actions

    @override
    def confine(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        distance = [np.linalg.norm(states, axis=-1, keepdims=True) for states in (before, after)]
        for radius, gap in zip(self.wall_radii, self._gaps, strict=True):
            crosses = (distance[0] < radius) & (distance[1] > radius)
            at_wall = np.linalg.norm(after - gap, axis=-1, keepdims=True) > self.gap_radius
            after = np.where(crosses & at_wall, after / (distance[1] / radius + EPSILON), after)
        return after

    @override
    def sparse_reward(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        progress = self.distance(before) - self.distance(after)
        return np.where(self.distance(after) < self.sparse_reward_radius, progress, 0.0)
