"""Walker, forward or backward."""

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import Task
from meta_policy_search.envs.mujoco_envs.base import squared_norm
from meta_policy_search.envs.mujoco_envs.engine import State
from meta_policy_search.envs.mujoco_envs.tasks import draw_directions, require_direction
from meta_policy_search.envs.mujoco_envs.walker2d import Walker2D


class Walker2DRandDirecEnv(Walker2D):
    """A planar biped is rewarded for its velocity in the task's direction (Walker2DFwdBack in the paper).

    reward = d v + 1 - 0.001 |a|^2, v the mean velocity of the torso over the step [m/s].
    Terminates unless the torso's height is in (0.8, 2) m and its pitch in (-1, 1) rad.
    Task: d in {-1, +1}, each with probability 1/2. It can't be observed.
    Action: 6 torques in [-1, 1], unit of the model's gears. One step is 8 sub-steps of 0.002 s (kept from the original; 4 in
    gym). Reset: qpos + U(-0.005, 0.005), qvel U(-0.005, 0.005).

    | observation | quantity | unit |
    |---|---|---|
    | 0 | height of the torso | m |
    | 1 | pitch of the torso | rad |
    | 2-7 | angles of right thigh, leg, foot, left thigh, leg, foot | rad |
    | 8, 9 | velocity of the torso, forward and up, clipped to [-10, 10] | m/s |
    | 10 | angular velocity of the torso, clipped to [-10, 10] | rad/s |
    | 11-16 | angular velocities of the joints of 2-7, clipped to [-10, 10] | rad/s |
    """

    @override
    def default_task(self) -> float:
        return 1.0

    @override
    def draw_tasks(self, n_tasks: int, rng: np.random.Generator) -> np.ndarray:
        return draw_directions(n_tasks, rng)

    @override
    def require_task(self, task: Task) -> None:
        require_direction(task)

    @override
    def held_out_options(self) -> None:
        """Training draws all directions."""

    @override
    def reward(self, before: np.ndarray, after: State, actions: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return self.tasks * self.velocity(before, after) + 1.0 - 0.001 * squared_norm(actions), {}
