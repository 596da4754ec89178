"""Half-cheetah, forward or backward."""

import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import Task
from meta_policy_search.envs.mujoco_envs.engine import State
from meta_policy_search.envs.mujoco_envs.half_cheetah import HalfCheetah
from meta_policy_search.envs.mujoco_envs.tasks import draw_directions, require_direction


class HalfCheetahRandDirecEnv(HalfCheetah):
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

    velocity_info = "reward_run"

    @override
    def default_task(self) -> float:
        return 1.0

    @override
    def draw_tasks(self, n_tasks: int, rng: np.random.Generator) -> np.ndarray:
        return draw_directions(n_tasks, rng)

    @override
    def require_task(self, task: Task) -> None:
        require_direction(task)

    @override
    def held_out_options(self) -> None:
        """Training draws all directions."""

    @override
    def reward(self, before: np.ndarray, after: State, actions: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        run, control = self.tasks * self.velocity(before, after), self.control_reward(actions)
        return run + control, {"reward_run": run, "reward_ctrl": control}
