"""The environment that a config names. Nothing here loads TensorFlow, so that a mistake is answered at once."""

import contextlib
import dataclasses
import functools
import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import gymnasium

from experiment_utils.config import Config
from experiment_utils.script import show_notes
from experiment_utils.validation import ConfigError, nearest
from meta_policy_search.envs import ALL_FAMILIES, FAMILIES, load_class
from meta_policy_search.envs.base import BatchMetaEnv, SimulationError
from meta_policy_search.envs.environment_errors import EnvironmentCode, described, environment_code, own_traceback
from meta_policy_search.envs.gymnasium_vector_env import GymnasiumVectorEnv
from meta_policy_search.envs.metaworld_tasks import ML1_TASKS, MULTI_TASK
from meta_policy_search.envs.normalized_env import NormalizedEnv, normalize
from meta_policy_search.envs.observed_task_env import ObservedTaskEnv
from meta_policy_search.envs.previous_step_env import PreviousStepEnv
from meta_policy_search.envs.single_env import TASK_METHODS

# settings of a family that are not options: they have flags of their own, or are the sampler's affair
NOT_OPTIONS = {"physics", "backend", "num_threads", "num_envs", "render_mode"}


class Closeable(Protocol):
    """What simulates: an environment or a sampler."""

    def close(self) -> None:
        """End it."""


C = TypeVar("C", bound=Closeable)


class Source(NamedTuple):
    """Where environments of a name come from."""

    make: Callable[..., Any]  # takes the options
    kind: type | None  # the class of what it makes, if that is known beforehand

    @property
    def batch_kind(self) -> type[BatchMetaEnv] | None:
        """The class, if its environments step as a batch by themselves."""
        return self.kind if self.kind is not None and issubclass(self.kind, BatchMetaEnv) else None

    @property
    def is_batch(self) -> bool:
        """Whether the environments step as a batch by themselves."""
        return self.batch_kind is not None


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


def described_families() -> list[str]:
    """A line for each family of the package: name, sizes of observation and action, and what a task is."""
    lines = []
    for name, place in FAMILIES.items():
        kind = load_class(place)
        env = kind()
        action = env.action_space
        actions = f"{action.n} actions" if isinstance(action, gymnasium.spaces.Discrete) else f"action [{action.shape[0]}]"
        task = re.search(r"Task: (.*?)\.(\s|$)", inspect.getdoc(kind) or "", re.DOTALL)
        words = " ".join(task[1].split()) if task else ""
        lines.append(f"{name}: observation {list(env.observation_space.shape)}, {actions}. Task: {words}")
        env.close()
    return [*lines, *_described_benchmarks()]


def _described_benchmarks() -> list[str]:
    """The same for Meta-World, which need not be installed."""
    head = "With Meta-World (docs/metaworld.md): observation [39], action [4]; its test set is what is held out of training."
    several = [f"{name}: {what}. Task: a name and a goal's number" for name, what in MULTI_TASK.items()]
    return ["", head, *several, f"One task, whose goals are numbered: {', '.join(ML1_TASKS)}"]


def find(name: str, in_registry: bool = False) -> Source:
    """The source of a family of the package, a gymnasium id, or module:Class (or module:id, which registers the id).

    Args:
      in_registry: the name is what gymnasium's registry has, not the user's.

    Raises:
      ConfigError: there is none of that name.
    """
    entry_point = ALL_FAMILIES.get(name, name)
    module, colon, attribute = entry_point.rpartition(":")
    if colon:
        _require_module_name(module, attribute)
        made = getattr(_import(module, of_the_user=entry_point is name and not in_registry), attribute, None)
        if hasattr(type(made), "reset"):
            what = f"{name} is an environment, an object of the class {type(made).__name__}"
            raise ConfigError(f"{what}; name the class, or a function that makes one, as {module}:{type(made).__name__}")
        if callable(made):
            return Source(made, made if isinstance(made, type) else None)
    try:
        spec = gymnasium.spec(attribute)
    except gymnasium.error.Error as error:
        if colon:
            classes = [name for name, value in vars(sys.modules[module]).items() if hasattr(value, TASK_METHODS[0])]
            hint = nearest(attribute, classes) if classes else f"nor any class with {TASK_METHODS[0]}"
            raise ConfigError(f"the module {module} has no {attribute!r}; {hint}") from error
        raise ConfigError(f"unknown environment {name!r}; {_nearest_env(name)}") from error
    kind = find(spec.entry_point, in_registry=True).kind if isinstance(spec.entry_point, str) else spec.entry_point
    source = Source(functools.partial(gymnasium.make, spec), kind if isinstance(kind, type) else None)
    batch = source.batch_kind
    return source if batch is None else source._replace(make=functools.partial(batch, **spec.kwargs))


def options_of(kind: type) -> list[str] | None:
    """The settings of a class that can be options, its bases' too as far as it passes them on; None if it takes any."""
    names: set[str] = set()
    for base in kind.__mro__[:-1]:
        parameters = inspect.signature(vars(base)["__init__"]).parameters.values() if "__init__" in vars(base) else ()
        by_name = [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
        names |= set(by_name) - {"self"}
        if parameters and not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return sorted(names - NOT_OPTIONS)
    passes_on = "__init__" in {name for base in kind.__mro__[:-1] for name in vars(base)}
    return None if passes_on and not issubclass(kind, BatchMetaEnv) else sorted(names - NOT_OPTIONS)


def _settings_by_flag(kind: type, config: Config, num_threads: int) -> dict[str, Any]:
    """The settings that have flags of their own, if the class has them."""
    settings = {"physics": config.physics, "backend": config.backend, "num_threads": num_threads}
    return {name: value for name, value in settings.items() if name in _parameters(kind)}


def _parameters(kind: type) -> set[str]:
    """All that the constructors of a class and its bases take."""
    constructors = [vars(base)["__init__"] for base in kind.__mro__[:-1] if "__init__" in vars(base)]
    return {name for constructor in constructors for name in inspect.signature(constructor).parameters}


def _import(module: str, of_the_user: bool) -> Any:
    """The module. Only a user's own may lie in the working directory, where an untrusted run directory could have others."""
    if of_the_user and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        return importlib.import_module(module)  # noqa: TID251, that the user names
    except ImportError as error:
        raise ConfigError(f"can't import the module {module} of the environment: {error}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever its code raises
        failure = ConfigError(f"can't import the module {module} of the environment: {described(error)}")
        failure.add_note(own_traceback(error))
        raise failure from error


def _require_module_name(module: str, attribute: str) -> None:
    """Raise ConfigError for the path of a file in place of a module, with the right form."""
    if all(part.isidentifier() for part in module.split(".")):
        return
    path = Path(module.removesuffix(".py"))
    elsewhere = path.is_absolute() or ".." in path.parts
    example = f"{path.name if elsewhere else '.'.join(path.parts) or 'my_envs'}:{attribute or 'MyEnv'}"
    where = f", called where {path.name} lies" if elsewhere else ""
    raise ConfigError(f"{module!r} is no name of a module; an environment is module:Class, as {example}{where}")


def _nearest_env(name: str) -> str:
    ids = {spec.id for spec in gymnasium.registry.values()}
    module, dot, attribute = name.rpartition(".")
    if dot and all(part.isidentifier() for part in name.split(".")):
        return f"an environment of your own is module:Class, here perhaps {module}:{attribute}"
    with_tasks = [*ALL_FAMILIES, *(known for known in ids if "/" in known)]  # gymnasium's own have neither tasks nor a slash
    hints = (nearest(name, known) for known in (with_tasks, sorted(ids)))
    hint = next((hint for hint in hints if hint.startswith("did")), None)
    return hint if hint else f"{nearest(name, list(FAMILIES))}, or a gymnasium id, or module:Class"
