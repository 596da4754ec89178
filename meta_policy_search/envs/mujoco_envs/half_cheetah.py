"""What the half-cheetah families share."""

from typing import TYPE_CHECKING

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import RowGenerator, episode_ends
from meta_policy_search.envs.mujoco_envs.base import MujocoMetaEnv, squared_norm
from meta_policy_search.envs.mujoco_envs.engine import State

if TYPE_CHECKING:
    from meta_policy_search.types import Trajectories  # loads TensorFlow, which an environment doesn't need


class HalfCheetah(MujocoMetaEnv):
    """A planar half-cheetah of 14 kg. A family adds its tasks and the reward."""

    xml = "half_cheetah.xml"
    frame_skip = 5
    velocity_info: str  # the env_info that `diagnostics` reports as the velocity

    @override
    def observation(self, state: State) -> np.ndarray:
        return np.concatenate([state.qpos[:, 1:], state.qvel], axis=-1)

    @override
    def reset_noise(self, rng: RowGenerator, num_envs: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.uniform(-0.1, 0.1, (num_envs, 9)), 0.1 * rng.standard_normal((num_envs, 9))

    @override
    def position(self, state: State) -> np.ndarray:
        return state.qpos[:, 0].copy()

    def velocity(self, before: np.ndarray, after: State) -> np.ndarray:
        """Mean forward velocity over the step [M], in m/s."""
        return (self.position(after) - before) / self.dt

    def control_reward(self, actions: np.ndarray) -> np.ndarray:
        """-0.05 |a|^2, [M]."""
        return -0.05 * squared_norm(actions)

    @override
    def diagnostics(self, trajectories: "Trajectories") -> dict[str, float]:
        """Mean velocity over all steps and over the last steps of the episodes [m/s], and the mean control cost.

        The original logs the standard deviation of the control cost under the name AvgCtrlCost.
        """
        velocity, control = trajectories.env_infos[self.velocity_info], trajectories.env_infos["reward_ctrl"]
        return {
            "AvgForwardVel": velocity[trajectories.mask].mean(),
            "AvgFinalForwardVel": velocity[episode_ends(trajectories)].mean(),
            "AvgCtrlCost": -control[trajectories.mask].mean(),
        }
