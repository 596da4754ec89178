"""Task families in which the task is the physics: masses, inertias, damping and friction of the model."""

from typing import Unpack, cast

import mujoco
import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import BatchMetaEnv, Task, Tasks, task_array
from meta_policy_search.envs.mujoco_envs.base import MujocoMetaEnv, MujocoOptions, squared_norm
from meta_policy_search.envs.mujoco_envs.engine import State

# field of MjModel -> base b of its multipliers b^U(-L, L), in the original's order of draws
MULTIPLIER_BASES = {"body_mass": 1.5, "body_inertia": 1.5, "dof_damping": 1.3, "geom_friction": 1.5}

PhysicsTask = dict[str, np.ndarray]  # field of MjModel -> its values


class RandParams(MujocoMetaEnv):
    """A robot runs forward with body parameters that the task draws. A family adds the robot.

    Args:
      log_scale_limit: L, the range of the logarithms of the multipliers.
      options: see `MujocoMetaEnv`.
    """

    frame_skip = 4

    def __init__(self, *, log_scale_limit: float = 3.0, **options: Unpack[MujocoOptions]):
        self.log_scale_limit = log_scale_limit
        super().__init__(**options)

    @override
    def edit_spec(self, spec: mujoco.MjSpec) -> None:
        spec.option.timestep = 0.004

    @override
    def default_task(self) -> PhysicsTask:
        return {name: getattr(self.model, name).copy() for name in MULTIPLIER_BASES}

    @override
    def draw_tasks(self, n_tasks: int, rng: np.random.Generator) -> list[PhysicsTask]:
        return [self._draw_task(rng) for _ in range(n_tasks)]

    @override
    def require_task(self, task: Task) -> None:
        for name, values in cast("PhysicsTask", task).items():
            if np.any(np.asarray(values) < 0):
                raise ValueError(f"{name} of the task has a negative value; the parameters of a body are 0 or positive")

    def _draw_task(self, rng: np.random.Generator) -> PhysicsTask:
        limit = self.log_scale_limit
        nominal = self.default_task()
        return {
            name: nominal[name] * base ** rng.uniform(-limit, limit, nominal[name].shape)
            for name, base in MULTIPLIER_BASES.items()
        }

    @override
    def set_tasks(self, tasks: Tasks) -> None:
        BatchMetaEnv.set_tasks(self, tasks)
        self.tasks = np.array(tasks, object)
        nominal = self.default_task()
        for name in MULTIPLIER_BASES:
            self.sims.model_field(name)[:] = task_array([task[name] for task in self.tasks], nominal[name])

    @override
    def reward(self, before: np.ndarray, after: State, actions: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        velocity = (self.position(after) - before) / self.dt
        return velocity + 1.0 - 0.001 * squared_norm(actions), {}
