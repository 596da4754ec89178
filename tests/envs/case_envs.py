"""Environments as users of meta-RL code have brought them, each with one oddity; for `test_case_envs.py`."""

from types import SimpleNamespace

import gymnasium
import numpy as np
from gymnasium.spaces import Box


class Base(gymnasium.Env):
    """A point that is to go to a goal. It trains."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012, as users write it

    observation_space = Box(-np.inf, np.inf, (2,), np.float32)
    action_space = Box(-1, 1, (2,), np.float32)

    def __init__(self, render_mode=None):
        self.goal, self.render_mode = np.zeros(2), render_mode

    def sample_tasks(self, n):
        return [self.np_random.uniform(-1, 1, 2) for _ in range(n)]

    def set_task(self, task):
        self.goal = task

    def get_task(self):
        return self.goal

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time, self.position = 0, self.np_random.normal(0, 0.1, 2)
        return self.observation(), {}

    def step(self, action):
        self.time += 1
        self.position = self.position + 0.1 * np.asarray(action, float)
        return self.observation(), self.reward(), False, False, self.info()

    def observation(self):
        return self.position.astype(np.float32)

    def reward(self):
        return -float(np.linalg.norm(self.position))

    def info(self):
        return {"distance": 1.0}

    def render(self):
        return np.zeros((64, 64, 3), np.uint8)


class Strict(Base):
    """Asserts what gymnasium promises: the action is in the space."""

    def step(self, action):
        assert self.action_space.contains(action), f"{action!r} is not in {self.action_space}"
        self.seen = [*getattr(self, "seen", []), action]
        return super().step(action)


def acting(space):
    """A Strict environment with these actions."""
    return type("Acting", (Strict,), {"action_space": space, "step": _step_of_any})


def _step_of_any(self, action):
    assert self.action_space.contains(action), f"{action!r} is not in {self.action_space}"
    self.seen = [*getattr(self, "seen", []), action]
    return Base.step(self, np.zeros(2))


def observing(space, observation):
    """Observations in that space, of which every one is `observation`."""
    return type("Observing", (Base,), {"observation_space": space, "observation": lambda self: observation})


def having(**methods):
    """Base with other methods or attributes."""
    return type("Having", (Base,), methods)


def returning(**parts):
    """Base whose step returns another reward, terminated, truncated or info."""

    def step(self, action):
        values = dict(
            zip(("observation", "reward", "terminated", "truncated", "info"), Base.step(self, action), strict=True)
        )
        return tuple({**values, **parts}.values())

    return having(step=step)


def later(before, after):
    """An info whose value changes its kind in the third step."""
    return having(info=lambda self: {"distance": 1.0, "odd": before if self.time < 3 else after})


def tasks_of(*tasks):
    """Base with these tasks in turn."""
    return having(sample_tasks=lambda self, n: [tasks[i % len(tasks)] for i in range(n)])


class TaskFirst(Base):
    """Needs a task before reset."""

    def __init__(self):
        self.seen = []

    def reset(self, *, seed=None, options=None):
        if not hasattr(self, "goal"):
            raise RuntimeError("call set_task before reset")
        return super().reset(seed=seed)


class ResetFirst(Base):
    """Draws tasks from a generator of its own, which only reset makes."""

    def sample_tasks(self, n):
        return self.rng.uniform(-1, 1, n)

    def reset(self, *, seed=None, options=None):
        self.rng = np.random.RandomState(seed)
        return super().reset(seed=seed)


class NoSeed(Base):
    """The interface of gym 0.21 on gymnasium's base class: reset without seed, four values from step."""

    def reset(self):
        self.time, self.position = 0, self.np_random.normal(0, 0.1, 2)
        return self.observation()

    def step(self, action):
        observation, reward, _, _, info = super().step(action)
        return observation, reward, False, info


class OnlyKeywords(Base):
    """reset(**kwargs) that looks at none of them."""

    def reset(self, **kwargs):
        self.time, self.position = 0, self.np_random.normal(0, 0.1, 2)
        return self.observation(), {}


class SeedOnly(Base):
    """reset(seed) without options, and the observation alone."""

    def reset(self, seed=None):
        return super().reset(seed=seed)[0]


class FourValues(Base):
    """Gymnasium's reset, but four values from step."""

    def step(self, action):
        observation, reward, terminated, _, info = super().step(action)
        return observation, reward, terminated, info


class Plain:
    """No base class at all, and gymnasium's signatures."""

    observation_space, action_space = Base.observation_space, Base.action_space

    def __init__(self):
        self.inner = Base()

    def __getattr__(self, name):
        if name == "inner":
            raise AttributeError(name)
        return getattr(self.inner, name)


class PlainOld:
    """No base class, and gym's signatures and spaces."""

    observation_space = SimpleNamespace(low=np.full(2, -9.0), high=np.full(2, 9.0), shape=(2,), dtype=np.float32)
    action_space = SimpleNamespace(n=3)

    def seed(self, seed=None):
        self.rng = np.random.RandomState(seed)

    def sample_tasks(self, n):
        return self.rng.uniform(-1, 1, n)

    def set_task(self, task):
        self.goal = task

    def get_task(self):
        return self.goal

    def reset(self):
        self.x = self.rng.normal(size=2)
        return self.x

    def step(self, action):
        assert action in (0, 1, 2)
        return self.x, 1.0, False, {}


class KeywordWrapper(gymnasium.Wrapper):
    """A wrapper with reset(**kwargs) around an environment that has the tasks."""

    kind = Base

    def __init__(self):
        super().__init__(self.kind())

    def reset(self, **kwargs):
        return self.env.reset(**kwargs)


class OldKeywordWrapper(KeywordWrapper):
    """The same around one whose reset takes nothing."""

    kind = NoSeed


class SuperWrapper(OldKeywordWrapper):
    """The same, and by way of gymnasium's own reset, which passes a seed."""

    def reset(self, **kwargs):
        return super(KeywordWrapper, self).reset(**kwargs)


class TaskWrapper(gymnasium.Wrapper):
    """Has the tasks itself, and sets attributes of what it wraps."""

    def __init__(self, env=None):
        super().__init__(NoSeed() if env is None else env)

    def sample_tasks(self, n):
        return self.np_random.uniform(0.1, 2.0, n)

    def set_task(self, task):
        self.env.length = self.unwrapped.goal = task

    def get_task(self):
        return self.unwrapped.goal


class OldWrapper(gymnasium.Wrapper):
    """Written for gym: it expects and returns the observation only, and four values."""

    def __init__(self):
        super().__init__(NoSeed())

    def reset(self):
        observation = self.env.reset()
        assert observation.shape == (2,)
        return observation

    def step(self, action):
        observation, reward, done, info = self.env.step(action)
        return observation, reward, done, info


class NoAttribute(Base):
    """Has no action_space."""

    action_space = property(lambda self: gymnasium.Env().action_space)


class NoObservation(Base):
    """Has no observation_space."""

    observation_space = property(lambda self: gymnasium.Env().observation_space)


def forgot_to_return():
    """Returns nothing."""
    Base()


class Unprintable(Exception):
    """Fails when it is printed and when it is pickled."""

    def __str__(self):
        raise ValueError("no words")

    def __reduce__(self):
        raise TypeError("no pickle")


class Needy(Exception):
    """Can be pickled, but not unpickled."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


EXCEPTIONS = {
    "runtime": lambda: RuntimeError("the arm fell off"),
    "os": lambda: FileNotFoundError(2, "No such file or directory", "terrain.npy"),
    "broken pipe": lambda: BrokenPipeError(32, "Broken pipe"),
    "eof": lambda: EOFError("nothing more"),
    "exit": lambda: SystemExit(3),
    "stop": lambda: StopIteration("over"),
    "generator exit": GeneratorExit,
    "interrupt": KeyboardInterrupt,
    "key": lambda: KeyError("arm"),
    "lines": lambda: RuntimeError("one\n  two\n\nthree"),
    "empty": AssertionError,
    "long": lambda: ValueError("x" * 5000),
    "memory": lambda: MemoryError("too much"),
    "unprintable": Unprintable,
    "needy": lambda: Needy("this", "that"),
    "not implemented": NotImplementedError,
    "unicode": lambda: RuntimeError("Gelenk \udcff gebrochen \u2620"),
}


class Raising(Base):
    """Raises in a method."""

    method, error = "step", "runtime"

    def _maybe(self, method):
        if method == self.method:
            raise EXCEPTIONS[self.error]()

    def __init__(self):
        super().__init__()
        self._maybe("__init__")

    def sample_tasks(self, n):
        self._maybe("sample_tasks")
        return ["good"] * (n - 1) + ["bad"]

    def set_task(self, task):
        self.goal = task
        self._maybe("set_task")

    def reset(self, *, seed=None, options=None):
        self._maybe("reset")
        return super().reset(seed=seed)

    def step(self, action):
        self._maybe("step")
        return super().step(action)

    def diagnostics(self, trajectories):
        self._maybe("diagnostics")
        return {}

    def render(self):
        self._maybe("render")

    def close(self):
        self._maybe("close")

    @property
    def action_space(self):
        self._maybe("action_space")
        return Base.action_space

    @property
    def observation_space(self):
        self._maybe("observation_space")
        return Base.observation_space


def raising(method, error="runtime"):
    """Base that raises in a method."""
    return type("Raising", (Raising,), {"method": method, "error": error})


class StepFails(Base):
    """Its own file can't be written."""

    def step(self, action):
        raise OSError(28, "No space left on device", "log.txt")


class NoFile(Base):
    """Its own file is missing."""

    def reset(self, *, seed=None, options=None):
        with open("terrain.npy"):
            return super().reset(seed=seed)


class CloseFails(Base):
    """Ends the process when it is closed."""

    def close(self):
        raise SystemExit(3)


class MakeFails(Base):
    """Can't be made."""

    def __init__(self):
        raise PermissionError(13, "Permission denied")


AN_OBJECT = Base()
