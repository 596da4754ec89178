"""A point in the plane and a goal anywhere in a square."""

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import RowGenerator
from meta_policy_search.envs.point_envs.base import GoalPointEnv


class MetaPointEnv(GoalPointEnv):
    """s' = s + clip(a, -0.1, 0.1). Terminates when both coordinates are within 0.01 m of the goal's.

    Reward: dense by default. Sparse (ours; the original has none): 1 where the episode ends, otherwise 0.
    Fixed: the original (point_env_2d_v2.py) terminates at the origin, wherever the goal is, and its `get_task` fails. With
    the origin for a goal this is also the original's point_env_2d.py, which has no tasks.

    Task: goal [2] in m, uniform in [-2, 2]^2. It can't be observed.
    Reset: the origin.

    | observation | quantity | unit |
    |---|---|---|
    | 0, 1 | position x, y | m |
    """

    max_action = 0.1
    default_reward_type = "dense"
    goal_size = 0.01  # m

    @override
    def default_task(self) -> np.ndarray:
        return np.array([1.0, 1.0])

    @override
    def draw_tasks(self, n_tasks: int, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(-2.0, 2.0, (n_tasks, 2))

    @override
    def reset_states(self, rng: RowGenerator, num_envs: int) -> np.ndarray:
        return np.zeros((num_envs, 2))

    @override
    def next_states(self, actions: np.ndarray) -> np.ndarray:
        return self.states + actions

    @override
    def sparse_reward(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        return self.terminated(after).astype(np.float64)

    @override
    def terminated(self, states: np.ndarray) -> np.ndarray:
        return np.all(np.abs(states - self.goals()) < self.goal_size, axis=-1)
