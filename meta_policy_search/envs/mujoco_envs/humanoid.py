"""What the humanoid families share."""

import abc

import mujoco
import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import RowGenerator
from meta_policy_search.envs.mujoco_envs.base import MujocoMetaEnv, squared_norm, uniform_noise
from meta_policy_search.envs.mujoco_envs.engine import State


class Humanoid(MujocoMetaEnv):
    """A humanoid of 17 actuated joints. A family adds its tasks and the progress that is rewarded."""

    xml = "humanoid.xml"
    frame_skip = 5
    derived_fields = ("xipos", "cinert", "cvel", "qfrc_actuator", "cfrc_ext")

    @override
    def edit_spec(self, spec: mujoco.MjSpec) -> None:
        spec.joint("left_hip_y").range = [-120.0, 20.0]  # deg; gymnasium's file has -110, gym's had -120

    @abc.abstractmethod
    def progress(self, displacement: np.ndarray) -> np.ndarray:
        """The part [M] of the displacement of the centre of mass [M, 2], in m, that the task rewards."""

    @override
    def observation(self, state: State) -> np.ndarray:
        parts = [state.qpos[:, 2:], state.qvel, state.cinert, state.cvel, state.qfrc_actuator, state.cfrc_ext]
        return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=-1)

    @override
    def reset_noise(self, rng: RowGenerator, num_envs: int) -> tuple[np.ndarray, np.ndarray]:
        qpos, qvel = uniform_noise(rng, 0.01, num_envs, 24, 23)
        return qpos, qvel

    @override
    def position(self, state: State) -> np.ndarray:
        mass = self.model.body_mass
        return np.einsum("b,mbx->mx", mass / mass.sum(), state.xipos[..., :2])

    @override
    def reward(self, before: np.ndarray, after: State, actions: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        progress = self.progress(self.position(after) - before)
        infos = {
            "reward_linvel": 0.25 * progress / self.model.opt.timestep,
            "reward_quadctrl": -0.1 * squared_norm(actions),
            "reward_alive": np.full(self.num_envs, 5.0),
            "reward_impact": -np.minimum(5e-7 * squared_norm(after.cfrc_ext), 10.0),
        }
        return sum(infos.values()), infos

    @override
    def terminated(self, state: State) -> np.ndarray:
        return (state.qpos[:, 2] < 1.0) | (state.qpos[:, 2] > 2.0)
