"""What the ant families share."""

import abc
from typing import TYPE_CHECKING

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import RowGenerator, episode_means
from meta_policy_search.envs.mujoco_envs.base import MujocoMetaEnv, squared_norm
from meta_policy_search.envs.mujoco_envs.engine import State
from meta_policy_search.envs.mujoco_envs.tasks import is_finite

if TYPE_CHECKING:
    from meta_policy_search.types import Trajectories  # loads TensorFlow, which an environment doesn't need

TORSO = 1  # body


class Ant(MujocoMetaEnv):
    """A four-legged ant. A family adds its tasks, the observation of positions, and the forward reward."""

    xml = "ant.xml"
    frame_skip = 5
    derived_fields = ("xpos", "cfrc_ext")
    control_cost = 0.5
    alive_bonus = 1.0

    @abc.abstractmethod
    def forward_reward(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """The part of the reward [M] that depends on the task, from the torso's x, y [M, 2] in m before and after."""

    @override
    def reset_noise(self, rng: RowGenerator, num_envs: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.uniform(-0.1, 0.1, (num_envs, 15)), 0.1 * rng.standard_normal((num_envs, 14))

    @override
    def position(self, state: State) -> np.ndarray:
        return state.xpos[:, TORSO, :2].copy()

    @override
    def reward(self, before: np.ndarray, after: State, actions: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        infos = {
            "reward_forward": self.forward_reward(before, self.position(after)),
            "reward_ctrl": -self.control_cost * squared_norm(actions),
            "reward_contact": -0.0005 * squared_norm(clipped_contact_forces(after)),
            "reward_survive": np.full(self.num_envs, self.alive_bonus),
        }
        return sum(infos.values(), start=np.zeros(self.num_envs)), infos

    @override
    def diagnostics(self, trajectories: "Trajectories") -> dict[str, float]:
        """Statistics over episodes of the mean forward reward of a step, and the mean control cost of a step."""
        forward = episode_means(trajectories.env_infos["reward_forward"], trajectories)
        return {
            "AverageForwardReturn": forward.mean(),
            "MaxForwardReturn": forward.max(),
            "MinForwardReturn": forward.min(),
            "StdForwardReturn": forward.std(),
            "AverageCtrlCost": -trajectories.env_infos["reward_ctrl"][trajectories.mask].mean(),
        }


def clipped_contact_forces(state: State) -> np.ndarray:
    """Torques [N m] and forces [N] of contacts on each body, clipped to [-1, 1], [m, 84]."""
    return np.clip(state.cfrc_ext, -1.0, 1.0).reshape(len(state.cfrc_ext), -1)


def observe_without_position(state: State) -> np.ndarray:
    """All of qpos but x and y, qvel, and clipped contact forces, [m, 111]."""
    return np.concatenate([state.qpos[:, 2:], state.qvel, clipped_contact_forces(state)], axis=-1)


def has_fallen(state: State) -> np.ndarray:
    """Whether the torso is outside [0, 1] m, or anything is not finite, [m]."""
    height = state.qpos[:, 2]
    return ~(is_finite(state) & (height >= 0.0) & (height <= 1.0))
