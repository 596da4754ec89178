"""What the walker families share."""

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import RowGenerator
from meta_policy_search.envs.mujoco_envs.base import MujocoMetaEnv, uniform_noise
from meta_policy_search.envs.mujoco_envs.engine import State


class Walker2D(MujocoMetaEnv):
    """A planar biped. A family adds its tasks and the reward."""

    xml = "walker2d.xml"
    frame_skip = 8

    @override
    def observation(self, state: State) -> np.ndarray:
        return np.concatenate([state.qpos[:, 1:], np.clip(state.qvel, -10.0, 10.0)], axis=-1)

    @override
    def reset_noise(self, rng: RowGenerator, num_envs: int) -> tuple[np.ndarray, np.ndarray]:
        qpos, qvel = uniform_noise(rng, 0.005, num_envs, 9, 9)
        return qpos, qvel

    @override
    def position(self, state: State) -> np.ndarray:
        return state.qpos[:, 0].copy()

    def velocity(self, before: np.ndarray, after: State) -> np.ndarray:
        """Mean forward velocity over the step [M], in m/s."""
        return (self.position(after) - before) / self.dt

    @override
    def terminated(self, state: State) -> np.ndarray:
        height, pitch = state.qpos[:, 1], state.qpos[:, 2]
        return ~((height > 0.8) & (height < 2.0) & (pitch > -1.0) & (pitch < 1.0))
