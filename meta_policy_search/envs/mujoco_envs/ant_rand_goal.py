"""Ant to a goal in the plane."""

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.mujoco_envs.ant import Ant, clipped_contact_forces
from meta_policy_search.envs.mujoco_envs.engine import State
from meta_policy_search.envs.mujoco_envs.tasks import draw_in_disc


class AntRandGoalEnv(Ant):
    """A four-legged ant is to walk to the task's goal.

    reward = -|p - g|_1 - 0.1 |a|^2 - 0.0005 |F|^2, p the position of the torso after the step. Episodes never terminate.
    (The paper writes of the distance to the goal; the original computes the L1 distance.)
    Task: goal g [2] in m, uniform on the disc of radius 3 m. It can't be observed, but the position can.
    Action: 8 torques in [-1, 1], unit of the model's gears. One step is 5 sub-steps of 0.01 s.
    Reset: qpos + U(-0.1, 0.1) (the quaternion too, not of unit length until the first step), qvel 0.1 N(0, 1).
    Kept from the original: the ankles start at 0, outside their range
    [30, 70] deg; the torso's position is MuJoCo's `xpos`, which lags qpos by a fraction of a sub-step; F are the contact
    torques and forces of `cfrc_ext`, each clipped to [-1, 1], and fill 84 observations, the 6 of the world being always 0.

    | observation | quantity | unit |
    |---|---|---|
    | 0, 1 | position x, y of the torso | m |
    | 2 | height of the torso | m |
    | 3-6 | orientation of the torso, quaternion w, x, y, z | 1 |
    | 7-14 | angles of hip and ankle of the front left, front right, back left, back right leg | rad |
    | 15-17 | velocity of the torso | m/s |
    | 18-20 | angular velocity of the torso, in its own frame | rad/s |
    | 21-28 | angular velocities of the joints above | rad/s |
    | 29-112 | contact torque (3) and force (3) on each of 14 bodies, the world first, clipped to [-1, 1] | N m, N |
    """

    control_cost = 0.1
    alive_bonus = 0.0

    @override
    def default_task(self) -> np.ndarray:
        return np.array([1.5, 0.0])

    @override
    def draw_tasks(self, n_tasks: int, rng: np.random.Generator) -> np.ndarray:
        return draw_in_disc(n_tasks, rng, radius=3.0)

    @override
    def observation(self, state: State) -> np.ndarray:
        return np.concatenate([state.qpos, state.qvel, clipped_contact_forces(state)], axis=-1)

    @override
    def forward_reward(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        return -np.abs(after - self.tasks).sum(axis=-1)
