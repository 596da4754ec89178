"""Hopper of unknown masses, inertias, damping and friction."""

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import RowGenerator
from meta_policy_search.envs.mujoco_envs.base import uniform_noise
from meta_policy_search.envs.mujoco_envs.engine import State
from meta_policy_search.envs.mujoco_envs.rand_params import RandParams
from meta_policy_search.envs.mujoco_envs.tasks import is_finite


class HopperRandParamsEnv(RandParams):
    """A planar one-legged hopper, whose body the task changes, is rewarded for its forward velocity.

    reward = v + 1 - 0.001 |a|^2, v the mean velocity of the torso over the step [m/s].
    Terminates unless the torso's height exceeds 0.7 m, its pitch is in (-0.2, 0.2) rad, and every other coordinate and
    velocity is in (-100, 100).
    Task: dict of the model's fields, each the nominal value times b^U(-3, 3), element by element and independently:
    body_mass [nbody] in kg, body_inertia [nbody, 3] in kg m^2 (b = 1.5), dof_damping [nv] in N m s/rad (b = 1.3),
    geom_friction [ngeom, 3] (b = 1.5, the floor's too). It can't be observed. As in the original, constants that MuJoCo
    derives from the masses (invweight0, subtree masses) stay nominal, and inertias don't follow the masses.
    Action: 3 torques in [-1, 1],
    unit of the model's gears. One step is 4 sub-steps of 0.004 s, twice the
    time step of gym's model. Reset: qpos + U(-0.005, 0.005), qvel U(-0.005, 0.005).
    The original ran on MuJoCo 1.31, whose contact solver isn't available; physics="paper" restores 2.1.0.

    | observation | quantity | unit |
    |---|---|---|
    | 0 | height of the torso | m |
    | 1 | pitch of the torso | rad |
    | 2-4 | angles of thigh, leg, foot | rad |
    | 5, 6 | velocity of the torso, forward and up, clipped to [-10, 10] | m/s |
    | 7 | angular velocity of the torso, clipped to [-10, 10] | rad/s |
    | 8-10 | angular velocities of thigh, leg, foot, clipped to [-10, 10] | rad/s |
    """

    xml = "hopper.xml"

    @override
    def observation(self, state: State) -> np.ndarray:
        return np.concatenate([state.qpos[:, 1:], np.clip(state.qvel, -10.0, 10.0)], axis=-1)

    @override
    def reset_noise(self, rng: RowGenerator, num_envs: int) -> tuple[np.ndarray, np.ndarray]:
        qpos, qvel = uniform_noise(rng, 0.005, num_envs, 6, 6)
        return qpos, qvel

    @override
    def position(self, state: State) -> np.ndarray:
        return state.qpos[:, 0].copy()

    @override
    def terminated(self, state: State) -> np.ndarray:
        rest = np.concatenate([state.qpos[:, 2:], state.qvel], axis=-1)
        bounded = is_finite(state) & (np.abs(rest) < 100).all(axis=-1)
        return ~(bounded & (state.qpos[:, 1] > 0.7) & (np.abs(state.qpos[:, 2]) < 0.2))
