"""Environments whose `reset` and `step` have other signatures than gymnasium's today, without gym."""

import inspect
from typing import Any, TypeAlias

import gymnasium
import numpy as np
from gymnasium.spaces import Space, Tuple
from typing_extensions import override

from meta_policy_search.envs.spaces import as_gymnasium_space

AnyEnv: TypeAlias = Any  # of gym or gymnasium, of any version: what it has, takes and returns is found out at run time


class GymCompatibility(gymnasium.Env[Any, Any]):
    """An environment of gym or gymnasium, of any version, as a `gymnasium.Env` of today.

    `reset` may take no seed, or anything (`**kwargs`), and may return the observation only; `step` may return (observation,
    reward, done, info). A seed goes to `reset` if that takes one, or to `seed(seed)` (gym 0.21), or sets `np_random` of
    gymnasium's base class. What the environment has besides (its tasks) is reached as before.

    Args:
      env: of any kind; its spaces are gymnasium's, or boxes or discrete.
      modern_reset, modern_step: False passes on what the method returns as it is, to a wrapper that expects it so.
    """

    def __init__(self, env: AnyEnv, *, modern_reset: bool = True, modern_step: bool = True):
        object.__setattr__(self, "env", env)
        object.__setattr__(self, "_modern", (modern_reset, modern_step))
        adapt_wrapped(env)

    def __getattr__(self, name: str) -> Any:
        if name in ("env", "_modern"):  # not there yet
            raise AttributeError(name)
        return getattr(self.env, name)

    @override
    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.env, name, value)

    # The checker takes these properties for read-only, but `__setattr__` passes on what is assigned to them.

    @property
    @override
    def action_space(self) -> Space[Any]:  # type: ignore[override]
        return as_gymnasium_space(self.env.action_space)

    @property
    @override
    def observation_space(self) -> Space[Any]:  # type: ignore[override]
        return as_gymnasium_space(self.env.observation_space)

    @property
    @override
    def metadata(self) -> dict[str, Any]:  # type: ignore[override]
        return getattr(self.env, "metadata", None) or {}

    @property
    @override
    def render_mode(self) -> str | None:  # type: ignore[override]
        return getattr(self.env, "render_mode", None)

    @property
    @override
    def spec(self) -> Any:  # type: ignore[override]
        return getattr(self.env, "spec", None)

    @property  # type: ignore[misc]
    @override
    def np_random(self) -> Any:
        return self.env.np_random

    @property
    @override
    def unwrapped(self) -> AnyEnv:
        """The innermost environment."""
        return innermost(self.env)

    @override
    def has_wrapper_attr(self, name: str) -> bool:
        return attribute_owner(self.env, name) is not None

    @override
    def get_wrapper_attr(self, name: str) -> Any:
        owner = attribute_owner(self.env, name)
        return getattr(self.env if owner is None else owner, name)

    def seed_generators(self, seed: int) -> None:
        """Seeds the environment's own generator, and those of its spaces, without a reset."""
        env = self.unwrapped
        own = getattr(env, "__dict__", {}).get("np_random")
        if callable(method := getattr(self.env, "seed", None)):
            method(seed)
            own = None  # it knows best
        if isinstance(env, gymnasium.Env) or isinstance(own, np.random.Generator):
            env.np_random = np.random.default_rng(seed)
        elif isinstance(own, np.random.RandomState):
            own.seed(seed)
        for space in (self.env.action_space, self.env.observation_space):
            if callable(method := getattr(space, "seed", None)):
                method(seed)

    @override
    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        given = {"seed": seed, "options": options}
        taken = {name: x for name, x in given.items() if x is not None and takes(self.env, name)}
        is_gyms = not isinstance(self.unwrapped, gymnasium.Env) and callable(getattr(self.env, "seed", None))
        if seed is not None and (is_gyms or "seed" not in taken):
            self.seed_generators(seed)
            taken.pop("seed", None)
        result = self.env.reset(**taken)
        return self._with_info(result) if self._modern[0] else result

    @override
    def step(self, action: Any) -> Any:
        result = self.env.step(action)
        if not self._modern[1] or not isinstance(result, tuple | list) or len(result) != 4:
            return result
        observation, reward, done, info = result
        timed_out = hasattr(info, "get") and bool(info.get("TimeLimit.truncated", False))
        return observation, reward, done and not timed_out, done and timed_out, info

    @override
    def render(self) -> Any:
        return self.env.render()

    @override
    def close(self) -> None:
        if hasattr(self.env, "close"):
            self.env.close()

    def _with_info(self, result: Any) -> tuple[Any, Any]:
        is_pair = isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], dict | None)
        space = self.observation_space
        is_observation = isinstance(space, Tuple) and space.contains(result)
        return result if is_pair and not is_observation else (result, {})


def adapt_wrapped(env: AnyEnv) -> None:
    """Put GymCompatibility between a wrapper of gymnasium's and what it wraps, where that needs it.

    Methods that a wrapper has from gymnasium call the wrapped ones as gymnasium does today. Those that its author wrote know
    how theirs are called, and what they return.
    """
    while isinstance(env, gymnasium.Wrapper) and not isinstance(env.env, GymCompatibility):
        kind, wrapped = type(env), env.env
        unpacks_step = _is_gymnasiums(kind.step) and kind.step is not gymnasium.Wrapper.step
        may_be_old = unpacks_step and not _is_gymnasiums(type(wrapped))
        if may_be_old or not (takes(wrapped, "seed") and takes(wrapped, "options")):
            env.env = GymCompatibility(wrapped, modern_reset=_is_gymnasiums(kind.reset), modern_step=unpacks_step)
            return
        env = wrapped


def takes(env: AnyEnv, name: str) -> bool:
    """Whether `reset` takes the keyword. One that takes any passes it on, so what it wraps decides."""
    try:
        parameters = inspect.signature(env.reset).parameters
    except (TypeError, ValueError):  # not written in Python
        return False
    if name in parameters:
        return True
    passes_on = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    wrapped = getattr(env, "env", None)
    return passes_on and (takes(wrapped, name) if hasattr(wrapped, "reset") else True)


def innermost(env: AnyEnv) -> AnyEnv:
    """The environment without its wrappers."""
    return getattr(env, "unwrapped", env)


def attribute_owner(env: AnyEnv, name: str) -> AnyEnv:
    """The outermost of an environment and those that it wraps which has the attribute; None if none has it."""
    while env is not None and not hasattr(env, name):
        env = getattr(env, "env", None)
    return env


def _is_gymnasiums(thing: object) -> bool:
    return thing.__module__.startswith("gymnasium.")
