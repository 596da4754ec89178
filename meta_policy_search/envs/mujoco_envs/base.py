"""The part that all MuJoCo task families share."""

import abc
from collections.abc import Sequence

import gymnasium
import mujoco
import numpy as np

from meta_policy_search.envs.base import BatchMetaEnv, BatchStep, Task
from meta_policy_search.envs.mujoco_envs.engine import Simulations
from meta_policy_search.envs.mujoco_envs.physics import Physics, standard_model


class MujocoMetaEnv(BatchMetaEnv):
    """M simulations of one model. A family adds `xml`, `frame_skip`, its tasks, and three functions of the state.

    The functions work on `self.sims` (qpos [M, nq], qvel [M, nv], derived fields) and return arrays of M.

    Args:
      physics: "paper" puts the rules of MuJoCo 2.1.0 back (see `physics`), "modern" leaves the model as compiled today.
      num_threads: of the physics; 0 for one per core. Results don't depend on it.
    """

    xml: str
    frame_skip: int

    def __init__(
        self, *, physics: Physics = "paper", num_threads: int = 0, num_envs: int = 1, render_mode: str | None = None
    ):
        if physics not in ("paper", "modern"):
            raise ValueError(f"physics is {physics!r}; it can be 'paper' or 'modern'")
        self.model = self.make_model(physics)
        self.sims = Simulations(self.model, num_envs, num_threads)
        self.dt = float(self.model.opt.timestep) * self.frame_skip  # s
        low, high = self.model.actuator_ctrlrange.T.astype(np.float32)
        self.action_space = gymnasium.spaces.Box(low, high, dtype=np.float32)
        super().__init__(num_envs=num_envs, render_mode=render_mode, physics=physics, num_threads=num_threads)
        self.sims.set_state(np.tile(self.model.qpos0, (num_envs, 1)), np.zeros((num_envs, self.model.nv)))
        size = self.observation().shape[-1]
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (size,), np.float64)

    def make_model(self, physics: Physics) -> mujoco.MjModel:
        """The compiled model."""
        return standard_model(self.xml, physics)

    @abc.abstractmethod
    def observation(self) -> np.ndarray:
        """[M, O] of the current state."""

    @abc.abstractmethod
    def reset_noise(self, rng: np.random.Generator, num_envs: int) -> tuple[np.ndarray, np.ndarray]:
        """What a reset adds to qpos0 [m, nq] and to zero velocity [m, nv]."""

    @abc.abstractmethod
    def progress_marker(self) -> np.ndarray:
        """What `reward` compares before and after a step, [M, ...]: usually a position in m."""

    @abc.abstractmethod
    def reward(self, before: np.ndarray, after: np.ndarray, actions: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The reward [M] and its parts, from the progress markers before and after, and the actions [M, A]."""

    def terminated(self) -> np.ndarray:
        """Whether the episode ends in the current state, [M]. Never, unless the family says so."""
        return np.zeros(self.num_envs, bool)

    def set_tasks(self, tasks: Sequence[Task]) -> None:
        self.tasks = tasks

    def reset_envs(self, rng: np.random.Generator, envs: np.ndarray | None = None) -> np.ndarray:
        num_envs = self.num_envs if envs is None else len(envs)
        qpos, qvel = self.reset_noise(rng, num_envs)
        self.sims.set_state(self.model.qpos0 + qpos, qvel, envs)
        observations = self.observation()
        return observations if envs is None else observations[envs]

    def step_envs(self, actions: np.ndarray) -> BatchStep:
        before = self.progress_marker()
        self.sims.step(actions, self.frame_skip)
        rewards, infos = self.reward(before, self.progress_marker(), np.asarray(actions, np.float64))
        return BatchStep(self.observation(), rewards, self.terminated(), infos)


def squared_norm(values: np.ndarray) -> np.ndarray:
    """Sum of squares over the last axis."""
    return np.sum(np.square(values), axis=-1)


def uniform_noise(rng: np.random.Generator, limit: float, num_envs: int, *sizes: int) -> list[np.ndarray]:
    """U(-limit, limit) of the shapes [m, size]."""
    return [rng.uniform(-limit, limit, (num_envs, size)) for size in sizes]
