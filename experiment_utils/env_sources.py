"""Where the environment of a name comes from: a family of the package, a gymnasium id, or code of the user's own."""

import functools
import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium

from experiment_utils.validation import ConfigError, nearest
from meta_policy_search.envs import ALL_FAMILIES, FAMILIES, load_class
from meta_policy_search.envs.base import BatchMetaEnv
from meta_policy_search.envs.environment_errors import described, own_traceback
from meta_policy_search.envs.metaworld_tasks import ML1_TASKS, MULTI_TASK
from meta_policy_search.envs.single_env import TASK_METHODS

# settings of a family that are not options: they have flags of their own, or are the sampler's affair
NOT_OPTIONS = {"physics", "backend", "num_threads", "num_envs", "render_mode"}


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
