"""Swimmer at a goal velocity."""

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import RowGenerator
from meta_policy_search.envs.mujoco_envs.base import MujocoMetaEnv, squared_norm, uniform_noise
from meta_policy_search.envs.mujoco_envs.engine import State


class SwimmerRandVelEnv(MujocoMetaEnv):
    """A planar three-link swimmer in a viscous fluid, with a goal velocity.

    reward = |v - g| - 0.0001 |a|^2, v the mean velocity of the head along x over the step [m/s]. Episodes never terminate.
    Kept from the original: the sign, by which the swimmer is rewarded for keeping away from the goal velocity. Its
    diagnostics, left over from another observation and meaningless here, are not kept.
    Task: g uniform in [0.1, 0.2] m/s. It can't be observed.
    Action: 2 torques in [-1, 1], unit of the model's gears. One step is 4 sub-steps of 0.01 s.
    Reset: qpos + U(-0.1, 0.1), qvel U(-0.1, 0.1).

    | observation | quantity | unit |
    |---|---|---|
    | 0 | orientation of the head | rad |
    | 1, 2 | angles of the two joints | rad |
    | 3, 4 | velocity x, y of the head | m/s |
    | 5 | angular velocity of the head | rad/s |
    | 6, 7 | angular velocities of the two joints | rad/s |
    """

    xml = "swimmer.xml"
    frame_skip = 4

    @override
    def default_task(self) -> float:
        return 0.15

    @override
    def draw_tasks(self, n_tasks: int, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(0.1, 0.2, n_tasks)

    @override
    def observation(self, state: State) -> np.ndarray:
        return np.concatenate([state.qpos[:, 2:], state.qvel], axis=-1)

    @override
    def reset_noise(self, rng: RowGenerator, num_envs: int) -> tuple[np.ndarray, np.ndarray]:
        qpos, qvel = uniform_noise(rng, 0.1, num_envs, 5, 5)
        return qpos, qvel

    @override
    def position(self, state: State) -> np.ndarray:
        return state.qpos[:, 0].copy()

    @override
    def reward(self, before: np.ndarray, after: State, actions: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        forward = np.abs((self.position(after) - before) / self.dt - self.tasks)
        control = -0.0001 * squared_norm(actions)
        return forward + control, {"reward_fwd": forward, "reward_ctrl": control}
