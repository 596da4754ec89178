"""Humanoid in any direction of the plane."""

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import Task
from meta_policy_search.envs.mujoco_envs.humanoid import Humanoid
from meta_policy_search.envs.mujoco_envs.tasks import draw_unit_vectors, require_unit_vector


class HumanoidRandDirec2DEnv(Humanoid):
    """A humanoid is rewarded for its velocity in the task's direction in the plane (HumanoidRandDir in the paper).

    reward = 1.25 u.v - 0.1 |a|^2 - min(5e-7 |F|^2, 10) + 5, v the mean velocity x, y over the step of the centre of mass
    [m/s], F the contact torques and forces of `cfrc_ext`. Terminates when the torso's height is outside [1, 2] m.
    Task: unit vector u [2], uniform on the circle. It can't be observed.
    Action: 17 torques in [-0.4, 0.4], unit of the model's gears. One step is 5 sub-steps of 0.003 s.
    Reset: qpos + U(-0.01, 0.01), qvel U(-0.01, 0.01).
    Kept from the original: the displacement over 5 sub-steps is divided by the 0.003 s of one; positions, inertias and
    velocities of the bodies lag qpos by a fraction of a sub-step. The left hip's range is gym's, not gymnasium's.

    | observation | quantity | unit |
    |---|---|---|
    | 0 | height of the torso | m |
    | 1-4 | orientation of the torso, quaternion w, x, y, z | 1 |
    | 5-21 | angles of abdomen (3), hip (3) and knee right, left, shoulder (2) and elbow right, left | rad |
    | 22-24 | velocity of the torso | m/s |
    | 25-27 | angular velocity of the torso, in its own frame | rad/s |
    | 28-44 | angular velocities of the joints of 5-21 | rad/s |
    | 45-184 | for each of 14 bodies, world first: inertia (6), mass times offset (3), mass (`cinert`) | kg m^2, kg m, kg |
    | 185-268 | for each body: angular velocity (3), velocity (3) at the centre of mass of all (`cvel`) | rad/s, m/s |
    | 269-291 | actuator forces on the 23 degrees of freedom | N, N m |
    | 292-375 | for each body: contact torque (3) and force (3) (`cfrc_ext`) | N m, N |
    """

    @override
    def default_task(self) -> np.ndarray:
        return np.array([1.0, 0.0])

    @override
    def draw_tasks(self, n_tasks: int, rng: np.random.Generator) -> np.ndarray:
        return draw_unit_vectors(n_tasks, rng)

    @override
    def require_task(self, task: Task) -> None:
        require_unit_vector(task)

    @override
    def progress(self, displacement: np.ndarray) -> np.ndarray:
        return np.sum(self.tasks * displacement, axis=-1)
