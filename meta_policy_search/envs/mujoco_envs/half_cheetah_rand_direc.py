"""Half-cheetah, forward or backward."""

from collections.abc import Sequence

import numpy as np

from meta_policy_search.envs.base import episode_ends
from meta_policy_search.envs.mujoco_envs.base import MujocoMetaEnv, squared_norm
from meta_policy_search.types import Trajectories


class HalfCheetahRandDirecEnv(MujocoMetaEnv):
    """A planar half-cheetah is rewarded for its velocity in the task's direction (HalfCheetahFwdBack in the paper).

    reward = d v - 0.05 |a|^2, v the mean velocity of the root over the step [m/s]. Episodes never terminate.
    Task: d in {-1, +1}, each with probability 1/2. It can't be observed.
    Action: 6 torques in [-1, 1], unit of the model's gears. One step is 5 sub-steps of 0.01 s.
    Reset: qpos + U(-0.1, 0.1), qvel 0.1 N(0, 1).

    | observation | quantity | unit |
    |---|---|---|
    | 0 | height of the root above its rest position | m |
    | 1 | pitch of the root | rad |
    | 2-7 | angles of back thigh, shin, foot, front thigh, shin, foot | rad |
    | 8, 9 | velocity of the root, forward and up | m/s |
    | 10 | angular velocity of the root | rad/s |
    | 11-16 | angular velocities of the joints of 2-7 | rad/s |
    """

    xml = "half_cheetah.xml"
    frame_skip = 5

    def default_task(self) -> float:
        return 1.0

    def draw_tasks(self, n_tasks: int, rng: np.random.Generator) -> np.ndarray:
        return rng.choice([-1.0, 1.0], n_tasks)

    def set_tasks(self, tasks: Sequence[float]) -> None:
        super().set_tasks(np.asarray(tasks, np.float64))

    def observation(self) -> np.ndarray:
        return np.concatenate([self.sims.qpos[:, 1:], self.sims.qvel], axis=-1)

    def reset_noise(self, rng: np.random.Generator, num_envs: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.uniform(-0.1, 0.1, (num_envs, 9)), 0.1 * rng.standard_normal((num_envs, 9))

    def progress_marker(self) -> np.ndarray:
        return self.sims.qpos[:, 0].copy()

    def reward(self, before: np.ndarray, after: np.ndarray, actions: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        run = self.tasks * (after - before) / self.dt
        control = -0.05 * squared_norm(actions)
        return run + control, {"reward_run": run, "reward_ctrl": control}

    def diagnostics(self, trajectories: Trajectories) -> dict[str, float]:
        """Mean d v over all steps and over the last steps of the episodes [m/s], and the mean control cost.

        The original logs the standard deviation of the control cost under the name AvgCtrlCost.
        """
        run, control = trajectories.env_infos["reward_run"], trajectories.env_infos["reward_ctrl"]
        return {
            "AvgForwardVel": run[trajectories.mask].mean(),
            "AvgFinalForwardVel": run[episode_ends(trajectories)].mean(),
            "AvgCtrlCost": -control[trajectories.mask].mean(),
        }
