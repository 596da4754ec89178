"""The environment that a config names. Nothing here loads TensorFlow, so that a mistake is answered at once."""

import inspect
from typing import Any

from experiment_utils.config import Config, ConfigError, nearest
from meta_policy_search.envs import FAMILIES, load_class
from meta_policy_search.envs.normalized_env import NormalizedEnv, normalize

OF_OTHER_FLAGS = {"num_envs", "render_mode", "physics", "num_threads"}


def make_env(config: Config) -> NormalizedEnv:
    """The task family, with actions in [-10, 10].

    Raises:
      ConfigError: there is no such environment, or it has no such options.
    """
    require_env(config)
    try:
        env = load_class(FAMILIES[config.env])(**_physics(config), **config.env_options)
    except ValueError as error:
        raise ConfigError(f"env_options: {error}") from error
    return normalize(env)


def require_env(config: Config) -> None:
    """Complains if there is no such environment, or if it has no such options."""
    if config.env not in FAMILIES:
        raise ConfigError(f"unknown environment {config.env!r}; {nearest(config.env, list(FAMILIES))}")
    known = options_of(load_class(FAMILIES[config.env]))
    for name in config.env_options:
        if name not in known:
            hint = nearest(name, known) if known else "it has none"
            raise ConfigError(f"env_options has {name!r}, which {config.env} doesn't have; {hint}")


def options_of(family: type) -> list[str]:
    """The settings of a class of the package, its bases' too, but for those that have flags of their own."""
    names: list[str] = []
    for base in family.__mro__:
        parameters = inspect.signature(base.__init__).parameters.values() if "__init__" in vars(base) else ()
        names += [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
        if parameters and not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            break
    return sorted(set(names) - OF_OTHER_FLAGS)


def _physics(config: Config) -> dict[str, Any]:
    if ".mujoco_envs." not in FAMILIES[config.env]:
        return {}
    return {"physics": config.physics, "num_threads": 0 if config.parallel else 1}
