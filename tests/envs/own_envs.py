"""Environments as other people write them, knowing nothing of this package."""

import os
import random
from types import SimpleNamespace

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete


class Drifter(gymnasium.Env):
    """A number drifts at random; the task is where it should be driven to. Ends at random, or after `limit` steps.

    It draws from everything that one can draw from. The tasks `raises` and `dies` do what they say, in the third step.
    """

    raises, dies = 77.0, 88.0

    def __init__(self, limit: int = 6):
        self.limit, self.goal = limit, 0.0
        self.observation_space = Box(-np.inf, np.inf, (2,), np.float32)
        self.action_space = Box(-2.0, 2.0, (1,), np.float32)

    def sample_tasks(self, n):
        return [self.np_random.uniform(-1, 1) + 0.1 * np.random.rand() for _ in range(n)]

    def set_task(self, task):
        self.goal = task

    def get_task(self):
        return self.goal

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t, self.x = 0, self.np_random.normal()
        return self._observation(), {}

    def step(self, action):
        self.t += 1
        if self.t == 3 and self.goal == self.raises:
            raise RuntimeError("the arm fell off")
        if self.t == 3 and self.goal == self.dies:
            os._exit(3)
        self.x += float(action[0]) + 0.1 * self.np_random.normal() + 0.1 * np.random.rand() + 0.1 * random.random()
        infos = {"error": abs(self.x - self.goal), "steps": np.int64(self.t), "name": "drifter", "seen": np.zeros(2)}
        return self._observation(), -abs(self.x - self.goal), self.np_random.uniform() < 0.1, self.t >= self.limit, infos

    def _observation(self):
        return np.array([self.x, self.t], np.float32)


class Quiet(Drifter):
    """The same without the global generators, so that its numbers don't depend on who else is in the process."""

    def sample_tasks(self, n):
        return self.np_random.uniform(-1, 1, n)

    def step(self, action):
        self.t += 1
        self.x += float(action[0]) + 0.1 * self.np_random.normal()
        infos = {"error": abs(self.x - self.goal)}
        return self._observation(), -abs(self.x - self.goal), self.np_random.uniform() < 0.1, self.t >= self.limit, infos


class Raising(Quiet):
    """All is well in the first iteration."""

    task = Drifter.raises

    def __init__(self):
        super().__init__()
        self.calls = 0

    def sample_tasks(self, n):
        self.calls += 1
        return [0.0] * n if self.calls <= 2 else [0.0] * (n - 1) + [self.task]

    def step(self, action):
        return Drifter.step(self, action)


class Dying(Raising):
    """The same with a worse end."""

    task = Drifter.dies


class Diagnosed(Quiet):
    """It has something to say of a round."""

    def diagnostics(self, trajectories):
        return {"Error": float(trajectories.env_infos["error"].mean())}


class OldDrifter:
    """The same in the style of gym 0.21, whose spaces and base class are its own."""

    def __init__(self):
        self.observation_space = SimpleNamespace(low=np.full(2, -9.0), high=np.full(2, 9.0), shape=(2,), dtype=np.float64)
        self.action_space = SimpleNamespace(low=np.full(1, -2.0), high=np.full(1, 2.0), shape=(1,), dtype=np.float32)
        self.goal = 0.0

    def seed(self, seed=None):
        self.rng = np.random.RandomState(seed)
        return [seed]

    def sample_tasks(self, n):
        return self.rng.uniform(-1, 1, n)

    def set_task(self, task):
        self.goal = task

    def get_task(self):
        return self.goal

    def reset(self):
        self.t, self.x = 0, self.rng.normal()
        return np.array([self.x, self.t])

    def step(self, action):
        self.t += 1
        self.x += float(action[0])
        return np.array([self.x, self.t]), -abs(self.x - self.goal), self.t >= 4, {"error": abs(self.x - self.goal)}


class NewerDrifter(OldDrifter):
    """The same in the style of gym 0.26."""

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self.rng = np.random.RandomState(seed)
        return super().reset(), {}

    def step(self, action):
        observation, reward, done, info = super().step(action)
        return observation, reward, False, done, info

    seed = property()  # gym 0.26 has no such method


class Dictionary(Quiet):
    """Its observation is a dict."""

    def __init__(self):
        super().__init__()
        self.observation_space = Dict({"t": Discrete(8), "x": Box(-np.inf, np.inf, (1,), np.float32)})

    def _observation(self):
        return {"t": self.t, "x": np.array([self.x], np.float32)}


class Chooser(Quiet):
    """Its actions are 1, 2 and 3."""

    def __init__(self):
        super().__init__()
        self.action_space = Discrete(3, start=1)

    def step(self, action):
        assert self.action_space.contains(action)
        return super().step([action])


class Taskless(gymnasium.Env):
    """It has no tasks."""

    observation_space, action_space = Box(-1, 1, (2,)), Box(-1, 1, (2,))


class Unbounded(Quiet):
    """No policy's actions can be scaled to its own."""

    def __init__(self):
        super().__init__()
        self.action_space = Box(-np.inf, np.inf, (1,), np.float32)


class Buttons(Quiet):
    """Two buttons at once."""

    def __init__(self):
        super().__init__()
        self.action_space = MultiDiscrete([2, 2])


gymnasium.register("tests/Quiet-v0", "tests.envs.own_envs:Quiet", max_episode_steps=3)


class Spoiling(Quiet):
    """It changes its task in place, as numpy's += does, and takes a dict apart."""

    def sample_tasks(self, n):
        return [{"goal": self.np_random.uniform(-1, 1, 1)} for _ in range(n)]

    def set_task(self, task):
        self.goal = task.pop("goal")

    def step(self, action):
        self.goal += 0.1
        return super().step(action)


class Unrelated:
    """It has no base class, and a generator of its own."""

    def __init__(self, generator=None):
        self.np_random = generator or np.random.default_rng()
        self.observation_space = Box(-np.inf, np.inf, (1,), np.float64)
        self.action_space = Box(-1.0, 1.0, (1,), np.float32)

    def sample_tasks(self, n):
        return list(self.np_random.uniform(-1, 1, n))

    def set_task(self, task):
        self.task = task

    def get_task(self):
        return self.task

    def reset(self):
        self.x = self.np_random.normal()
        return np.array([self.x]), {}

    def step(self, action):
        self.x += 0.1 * self.np_random.normal()
        return np.array([self.x]), -abs(self.x - self.task), False, False, {}


class OfRandomState(Unrelated):
    """The same with numpy's older generator."""

    def __init__(self):
        super().__init__(np.random.RandomState())
