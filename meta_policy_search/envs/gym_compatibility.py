"""Environments written for gym, the predecessor of gymnasium, without gym."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete, Space


class GymCompatibility(gymnasium.Env):
    """An environment of gym 0.21 or 0.26 as a `gymnasium.Env`.

    0.21: `reset()` returns the observation, `step` returns (observation, reward, done, info), `seed(seed)` seeds. 0.26:
    gymnasium's own signatures, on gym's classes. What the environment has besides (its tasks) is reached as before.

    Args:
      env: of either kind; its spaces are boxes or discrete.
    """

    def __init__(self, env: Any):
        self.env = env
        self.action_space = as_gymnasium_space(env.action_space)
        self.observation_space = as_gymnasium_space(env.observation_space)
        self.metadata = {**getattr(env, "metadata", {})}
        self.render_mode = getattr(env, "render_mode", None)

    def __getattr__(self, name: str) -> Any:
        if name == "env":  # not there yet
            raise AttributeError(name)
        return getattr(self.env, name)

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        arguments = {}
        if seed is not None and hasattr(self.env, "seed"):
            self.env.seed(seed)
        elif seed is not None:
            arguments["seed"] = seed
        result = self.env.reset(**arguments)
        with_info = isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], dict)
        return result if with_info else (result, {})

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        result = self.env.step(action)
        if len(result) == 5:
            return result
        observation, reward, done, info = result
        timed_out = bool(info.get("TimeLimit.truncated", False))
        return observation, reward, done and not timed_out, done and timed_out, info

    def render(self) -> Any:
        return self.env.render()

    def close(self) -> None:
        if hasattr(self.env, "close"):
            self.env.close()


def as_gymnasium_space(space: Any) -> Space:
    """gymnasium's space of the same kind, told by what the space has."""
    if isinstance(space, Space):
        return space
    if hasattr(space, "low") and hasattr(space, "high"):
        dtype = np.dtype(space.dtype)
        return Box(np.asarray(space.low, dtype), np.asarray(space.high, dtype), space.shape, dtype.type)
    if hasattr(space, "n"):
        return Discrete(int(space.n), start=int(getattr(space, "start", 0)))
    raise ValueError(f"its space {space} is neither a box nor discrete")
