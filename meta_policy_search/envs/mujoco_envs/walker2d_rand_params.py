"""Walker of unknown masses, inertias, damping and friction."""

from meta_policy_search.envs.mujoco_envs.rand_params import RandParams
from meta_policy_search.envs.mujoco_envs.walker2d import Walker2D


class Walker2DRandParamsEnv(RandParams, Walker2D):
    """A planar biped, whose body the task changes, is rewarded for its forward velocity.

    reward = v + 1 - 0.001 |a|^2, v the mean velocity of the torso over the step [m/s].
    Terminates unless the torso's height is in (0.8, 2) m and its pitch in (-1, 1) rad.
    Task: dict of the model's fields, each the nominal value times b^U(-3, 3), element by element and independently:
    body_mass [nbody] in kg, body_inertia [nbody, 3] in kg m^2 (b = 1.5), dof_damping [nv] in N m s/rad (b = 1.3),
    geom_friction [ngeom, 3] (b = 1.5, the floor's too). It can't be observed. As in the original, constants that MuJoCo
    derives from the masses (invweight0, subtree masses) stay nominal, and inertias don't follow the masses.
    Action: 6 torques in [-1, 1],
    unit of the model's gears. One step is 4 sub-steps of 0.004 s, twice the
    time step of gym's model. Reset: qpos + U(-0.005, 0.005), qvel U(-0.005, 0.005).
    The original ran on MuJoCo 1.31, whose contact solver isn't available; physics="paper" restores 2.1.0.

    | observation | quantity | unit |
    |---|---|---|
    | 0 | height of the torso | m |
    | 1 | pitch of the torso | rad |
    | 2-7 | angles of right thigh, leg, foot, left thigh, leg, foot | rad |
    | 8, 9 | velocity of the torso, forward and up, clipped to [-10, 10] | m/s |
    | 10 | angular velocity of the torso, clipped to [-10, 10] | rad/s |
    | 11-16 | angular velocities of the joints of 2-7, clipped to [-10, 10] | rad/s |
    """
