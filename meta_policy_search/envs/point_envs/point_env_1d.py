"""The one-dimensional environment of the poster, on which the meta-gradient can be looked at."""

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import RowGenerator, Task
from meta_policy_search.envs.point_envs.base import PointMetaEnv


class MetaPointEnv1D(PointMetaEnv):
    """s' = clip(a, -2, 2), reward = exp(-0.1 (s' - g)^2). Episodes never terminate; the poster's have 5 steps.

    (The original's point_env_1d.py is a copy of its plane environment; this is the one of experiments/1d_env.)

    Task: g in {-1, +1}, each with probability 1/2. It can't be observed.
    Reset: U(-2, 2).

    | observation | quantity | unit |
    |---|---|---|
    | 0 | position | m |
    """

    state_size = 1
    action_size = 1
    max_action = 2.0

    @override
    def default_task(self) -> float:
        return 1.0

    @override
    def draw_tasks(self, n_tasks: int, rng: np.random.Generator) -> np.ndarray:
        return rng.choice([-1.0, 1.0], n_tasks)

    @override
    def require_task(self, task: Task) -> None:
        if np.abs(np.asarray(task)) != 1.0:
            raise ValueError(f"the task is {task}; it must be -1 or 1")

    @override
    def held_out_options(self) -> None:
        """Training draws all goals."""

    @override
    def reset_states(self, rng: RowGenerator, num_envs: int) -> np.ndarray:
        return rng.uniform(-2.0, 2.0, (num_envs, 1))

    @override
    def next_states(self, actions: np.ndarray) -> np.ndarray:
        return actions

    @override
    def reward(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        return np.exp(-0.1 * (after[:, 0] - self.goals()) ** 2)
