"""Walker at a goal velocity."""

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.mujoco_envs.base import squared_norm
from meta_policy_search.envs.mujoco_envs.engine import State
from meta_policy_search.envs.mujoco_envs.walker2d import Walker2D


class Walker2DRandVelEnv(Walker2D):
    """A planar biped is to walk at the task's velocity.

    reward = -|v - g| + 15 - 0.001 |a|^2, v the mean velocity of the torso over the step [m/s].
    Terminates unless the torso's height is in (0.8, 2) m and its pitch in (-1, 1) rad.
    Task: g uniform in [0, 10] m/s. It can't be observed.
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
        return 5.0

    @override
    def draw_tasks(self, n_tasks: int, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(0.0, 10.0, n_tasks)

    @override
    def reward(self, before: np.ndarray, after: State, actions: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        error = np.abs(self.velocity(before, after) - self.tasks)
        return -error + 15.0 - 0.001 * squared_norm(actions), {}
