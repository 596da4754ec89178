"""A family whose episodes end after a number of steps that the observation shows."""

import gymnasium
import numpy as np

from meta_policy_search.envs.base import BatchMetaEnv, BatchStep, SimulationError


class CountdownEnv(BatchMetaEnv):
    """The state counts down from the task to 0, where the episode ends; each step is rewarded by 1.

    A task of `fails_at` makes the simulation fail, a task of `nan_at` makes the reward NaN.
    """

    fails_at, nan_at = 77, 88

    def __init__(self, *, longest: int = 9, num_envs: int = 1, render_mode: str | None = None):
        self.longest = longest
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float64)
        self.action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
        self.left = np.zeros(num_envs)
        super().__init__(num_envs=num_envs, render_mode=render_mode)

    def default_task(self):
        return 3

    def draw_tasks(self, n_tasks, rng):
        return rng.integers(1, self.longest + 1, n_tasks)

    def set_tasks(self, tasks):
        self.tasks = np.asarray(tasks)

    def reset_envs(self, rng, envs=None):
        rows = slice(None) if envs is None else envs
        self.left[rows] = self.tasks[rows]
        return self._observation()[rows]

    def step_envs(self, actions):
        failing = np.flatnonzero(self.tasks == self.fails_at)
        if len(failing):
            raise SimulationError("the simulation exploded", failing)
        self.left = self.left - 1
        rewards = np.where(self.tasks == self.nan_at, np.nan, 1.0)
        return BatchStep(self._observation(), rewards, self.left <= 0, {"left": self.left.copy()})

    def _observation(self):
        return np.stack([self.left, self.tasks.astype(float)], axis=-1)
