"""The environment that a config names. Nothing here loads TensorFlow, so that a mistake is answered at once."""

import contextlib
import dataclasses
import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

import gymnasium

from experiment_utils.config import Config
from experiment_utils.env_sources import Source, find, options_of
from experiment_utils.script import show_notes
from experiment_utils.validation import ConfigError, nearest
from meta_policy_search.envs.base import BatchMetaEnv, SimulationError
from meta_policy_search.envs.environment_errors import EnvironmentCode, environment_code
from meta_policy_search.envs.gymnasium_vector_env import GymnasiumVectorEnv
from meta_policy_search.envs.normalized_env import NormalizedEnv, normalize
from meta_policy_search.envs.observed_task_env import ObservedTaskEnv
from meta_policy_search.envs.previous_step_env import PreviousStepEnv
from meta_policy_search.envs.single_env import TASK_METHODS


class Closeable(Protocol):
    """What simulates: an environment or a sampler."""

    def close(self) -> None:
        """End it."""


C = TypeVar("C", bound=Closeable)


def make_env(config: Config, num_threads: int | None = None) -> NormalizedEnv:
    """One environment, which makes the sampler's batch of its like; actions in [-10, 10].

    Args:
      num_threads: of its simulation, 0 for one per core; None for what config.parallel says. Results don't depend on it.

    Raises:
      ConfigError: there is no such environment, or it has no such options, or no policy fits its spaces,
        or it fails.
    """
    source = require_env(config)
    num_threads = (0 if config.parallel else 1) if num_threads is None else num_threads
    make = _observing(config, _batch(source, config, num_threads))
    try:
        with EnvironmentCode(ValueError) if source.is_batch else contextlib.nullcontext():  # it says that a setting can't be
            return normalize(make())
    except (ValueError, SimulationError) as error:
        raise ConfigError(f"the environment {config.env} can't be used: {error}") from error


def _batch(source: Source, config: Config, num_threads: int) -> Callable[..., BatchMetaEnv]:
    """Return what makes a batch of the family, as the config asks."""
    if source.batch_kind is not None:
        settings = _settings_by_flag(source.batch_kind, config, num_threads)
        return functools.partial(source.make, **settings, **config.env_options)
    make = functools.partial(make_single, config.env, config.env_options)
    if _is_of_a_session(source):
        make = functools.partial(source.make, **config.env_options)  # sent to the workers by value
    return functools.partial(GymnasiumVectorEnv, make=make, parallel=num_threads != 1)


def _observing(config: Config, make: Callable[..., BatchMetaEnv]) -> Callable[..., BatchMetaEnv]:
    """Return what makes the batch with all that the config shows the policy besides."""
    if config.observe_task:
        make = functools.partial(ObservedTaskEnv, make=make)
    return functools.partial(PreviousStepEnv, make=make) if config.observe_previous_step else make


def held_out_config(config: Config) -> Config:
    """Return the config with the options under which its environment draws tasks that training never draws.

    With a fixed set of training tasks it is the config itself: all others are held out, by the source of the tasks.

    Raises:
      ConfigError: its family has no such tasks, or doesn't say which.
    """
    if config.train_tasks:
        return config
    try:
        options = make_env(config, num_threads=1).held_out_options()
    except SimulationError as error:
        raise ConfigError(f"the environment {config.env} can't be used: {error}") from error
    if options is None:
        what = f"{config.env} has no held-out tasks: training draws all that there are, or its class has no held_out_options"
        raise ConfigError(f"{what}; leave out eval_every or --held_out, or train on some of the tasks only, by train_tasks")
    return dataclasses.replace(config, env_options={**config.env_options, **options})


def make_held_out_env(config: Config) -> NormalizedEnv:
    """Return the environment of `held_out_config`. Raises like it."""
    return make_env(held_out_config(config))


@contextlib.contextmanager
def closing(simulation: C) -> Iterator[C]:
    """Close an environment or a sampler at the end. What it raises then is no reason to fail, and a warning."""
    try:
        yield simulation
    except BaseException:
        with contextlib.suppress(SimulationError), environment_code:  # the first error counts
            simulation.close()
        raise
    try:
        with environment_code:
            simulation.close()
    except SimulationError as error:
        print(f"warning: {error} when it was closed; nothing is lost", file=sys.stderr)
        show_notes(error)


def make_single(name: str, options: dict[str, Any]) -> gymnasium.Env:
    """One environment of a gymnasium id or of module:Class, in whichever process."""
    return find(name).make(**options)


def require_env(config: Config) -> Source:
    """Raise ConfigError if there is no such environment, or it has no tasks, no such options or no such backend."""
    source = find(config.env)
    if config.backend != "mujoco":
        _require_backend(config, source)
    if source.kind is not None:
        missing = [name for name in TASK_METHODS if not hasattr(source.kind, name)]
        if missing and not _wraps(source.kind):
            raise ConfigError(f"{config.env} has no {missing[0]}; meta-training needs {', '.join(TASK_METHODS)}")
        known = options_of(source.kind)
        for name in config.env_options:
            if known is not None and name not in known:
                hint = nearest(name, known) if known else "it has none"
                raise ConfigError(f"env_options has {name!r}, which {config.env} doesn't have; {hint}")
    return source


def _is_of_a_session(source: Source) -> bool:
    """Whether it is defined in a notebook or an interactive session, which no other process can import."""
    main = sys.modules["__main__"]
    return getattr(source.kind, "__module__", None) == "__main__" and not hasattr(main, "__file__")


def _wraps(kind: type) -> bool:
    """Whether an object of the class may have methods that the class has not."""
    return issubclass(kind, gymnasium.Wrapper) or hasattr(kind, "__getattr__")


def _require_backend(config: Config, source: Source) -> None:
    if source.kind is None or "backend" not in _parameters(source.kind):
        raise ConfigError(f"{config.env} is not one of the package's MuJoCo families; it has no backend {config.backend}")
    from meta_policy_search.envs.mujoco_envs.legacy_engine import require_mujoco_py

    try:
        require_mujoco_py()
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _settings_by_flag(kind: type, config: Config, num_threads: int) -> dict[str, Any]:
    """The settings that have flags of their own, if the class has them."""
    settings = {"physics": config.physics, "backend": config.backend, "num_threads": num_threads}
    return {name: value for name, value in settings.items() if name in _parameters(kind)}


def _parameters(kind: type) -> set[str]:
    """All that the constructors of a class and its bases take."""
    constructors = [vars(base)["__init__"] for base in kind.__mro__[:-1] if "__init__" in vars(base)]
    return {name for constructor in constructors for name in inspect.signature(constructor).parameters}
