"""MuJoCo 4.0.0's Runge-Kutta step for models with a free joint, on top of the package's MuJoCo 3.17.0.

The numbers recorded on 4.0.0 contain quantities that lag the state (body positions, inertias, velocities): they can't be
computed from the recorded states, only by running the last step again. Without a free joint the two versions agree to
rounding. With one, 3.17.0 and all before add up the angular velocities of the four stages as if rotations commuted; 4.0.0
carries them to the start of the step by the inverse differential of the exponential map (Munthe-Kaas).
"""

from collections.abc import Sequence

import mujoco
import numpy as np

ANGULAR = slice(3, 6)  # of a free joint at the root


def step(model: mujoco.MjModel, data: mujoco.MjData) -> None:
    """One sub-step, in place, with 4.0.0's integration of the root's rotation. Derived fields are of the last stage."""
    mujoco.mj_forward(model, data)
    h, qpos, qvel, warmstart = model.opt.timestep, data.qpos.copy(), data.qvel.copy(), data.qacc_warmstart.copy()
    rates, accelerations = [qvel], [data.qacc.copy()]
    for fraction in (0.5, 0.5, 1.0):
        increment = fraction * h * rates[-1]
        data.qpos[:], data.qvel[:] = qpos, qvel + fraction * h * accelerations[-1]
        mujoco.mj_integratePos(model, data.qpos, increment, 1.0)
        data.qacc_warmstart[:] = warmstart
        mujoco.mj_forwardSkip(model, data, mujoco.mjtStage.mjSTAGE_NONE, 1)
        rates.append(_pulled_back(increment, data.qvel.copy()))
        accelerations.append(data.qacc.copy())
    data.qvel[:] = qvel + h * _weighted(accelerations)
    data.qpos[:] = qpos
    mujoco.mj_integratePos(model, data.qpos, _weighted(rates), h)
    data.qacc_warmstart[:] = data.qacc


def _weighted(stages: Sequence[np.ndarray]) -> np.ndarray:
    return (stages[0] + 2 * stages[1] + 2 * stages[2] + stages[3]) / 6


def _pulled_back(increment: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """The velocity [nv] with its rotation w replaced by w + x cross w / 2 + c x cross (x cross w), x the increment's."""
    x, w = increment[ANGULAR], velocity[ANGULAR]
    angle = np.linalg.norm(x)
    c = (1 - angle / 2 / np.tan(angle / 2)) / angle**2 if angle > 1e-3 else 1 / 12
    velocity[ANGULAR] = w + np.cross(x, w) / 2 + c * np.cross(x, np.cross(x, w))
    return velocity
