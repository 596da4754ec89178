"""Ant, forward or backward."""

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import Task
from meta_policy_search.envs.mujoco_envs.ant import Ant, has_fallen, observe_without_position
from meta_policy_search.envs.mujoco_envs.engine import State
from meta_policy_search.envs.mujoco_envs.tasks import draw_directions, require_direction


class AntRandDirecEnv(Ant):
    """A four-legged ant is rewarded for its velocity along x in the task's direction (AntFwdBack in the paper).

    reward = d v - 0.5 |a|^2 - 0.0005 |F|^2 + 1, v the mean velocity of the torso over the step [m/s].
    Terminates when the torso's height is outside [0, 1] m.
    Task: d in {-1, +1}, each with probability 1/2. It can't be observed.
    Action: 8 torques in [-1, 1], unit of the model's gears. One step is 5 sub-steps of 0.01 s.
    Reset: qpos + U(-0.1, 0.1) (the quaternion too, not of unit length until the first step), qvel 0.1 N(0, 1).
    Kept from the original: the lower bound of the height is 0 (gym: 0.2); the ankles start at 0, outside their range
    [30, 70] deg; the torso's position is MuJoCo's `xpos`, which lags qpos by a fraction of a sub-step; F are the contact
    torques and forces of `cfrc_ext`, each clipped to [-1, 1], and fill 84 observations, the 6 of the world being always 0.

    | observation | quantity | unit |
    |---|---|---|
    | 0 | height of the torso | m |
    | 1-4 | orientation of the torso, quaternion w, x, y, z | 1 |
    | 5-12 | angles of hip and ankle of the front left, front right, back left, back right leg | rad |
    | 13-15 | velocity of the torso | m/s |
    | 16-18 | angular velocity of the torso, in its own frame | rad/s |
    | 19-26 | angular velocities of the joints above | rad/s |
    | 27-110 | contact torque (3) and force (3) on each of 14 bodies, the world first, clipped to [-1, 1] | N m, N |
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
    def observation(self, state: State) -> np.ndarray:
        return observe_without_position(state)

    @override
    def forward_reward(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        return self.tasks * (after - before)[:, 0] / self.dt

    @override
    def terminated(self, state: State) -> np.ndarray:
        return has_fallen(state)
