"""One environment of anyone's, behind a check of all that comes out of it."""

import random
from collections.abc import Callable, Iterable, Mapping, Set
from typing import TYPE_CHECKING, Any, TypeVar

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete, Space
from typing_extensions import override

from meta_policy_search.envs.base import Info, SimulationError, Task
from meta_policy_search.envs.environment_errors import environment_code
from meta_policy_search.envs.gym_compatibility import AnyEnv, GymCompatibility, attribute_owner, innermost
from meta_policy_search.envs.spaces import (
    WHOLE,
    as_gymnasium_space,
    kind_of,
    number,
    observation_array,
    observation_box,
    require_action_space,
    require_observation_space,
)
from meta_policy_search.envs.task_values import copy_of

if TYPE_CHECKING:
    from meta_policy_search.types import Trajectories  # loads TensorFlow, which an environment doesn't need

TASK_METHODS = ("sample_tasks", "set_task", "get_task")

MISSING = object()

Checked = TypeVar("Checked")

Make = Callable[[], AnyEnv]


class SingleEnv(gymnasium.Env[np.ndarray, Any]):
    """An environment with tasks, with gymnasium's signatures, an array as observation, and no surprises.

    Values keep their numbers or are refused: observations are float64, those of a Box in its shape and others flattened to
    [O]; rewards are floats, ends bools; actions have the type of `action_space`. Whatever the environment raises is a
    SimulationError.

    Args:
      make: makes the environment: a class, or a function without arguments.

    Raises:
      ValueError: what it makes is no environment, has no tasks, or a space that no policy of the package fits.
      SimulationError: it raised.
    """

    action_space: Box | Discrete
    observation_space: Box

    def __init__(self, make: Make):
        if not callable(make) or isinstance(make, gymnasium.Env):
            raise ValueError(f"it is {kind_of(make)}, not a class or a function that makes environments")
        with environment_code:
            made = make()
            steps = all(callable(getattr(made, name, None)) for name in ("reset", "step"))
        if isinstance(made, type) or not steps:
            raise ValueError(f"it made {kind_of(made)}, no environment")
        with environment_code:
            missing = [name for name in TASK_METHODS if attribute_owner(made, name) is None]
        if missing:
            raise ValueError(f"it has no {missing[0]}; meta-training needs {', '.join(TASK_METHODS)}")
        with environment_code:
            self.env = GymCompatibility(made)
        action_space, self._space_of_observations = self._space("action_space"), self._space("observation_space")
        self.action_space = require_action_space(action_space)
        require_observation_space(self._space_of_observations)
        self.observation_space = observation_box(self._space_of_observations)

    @property
    @override
    def unwrapped(self) -> AnyEnv:
        """The environment itself, without wrappers."""
        return innermost(self.env)

    @property
    @override
    def metadata(self) -> dict[str, Any]:  # type: ignore[override]
        return self.env.metadata

    @property
    @override
    def render_mode(self) -> str | None:  # type: ignore[override]  # that of the environment, whenever it is asked for
        return self.env.render_mode

    def seed(self, seed: int) -> None:
        """Seeds all that the environment might draw from: its own generator, its spaces', and the global ones."""
        with environment_code:
            self.env.seed_generators(seed)
        np.random.seed(seed)
        random.seed(seed)

    def sample_tasks(self, n_tasks: int) -> list[Task]:
        """Draw tasks by the environment's own method; raise SimulationError if these are not `n_tasks` in a sequence."""
        with environment_code:
            tasks = self.env.get_wrapper_attr("sample_tasks")(n_tasks)
            is_sequence = isinstance(tasks, Iterable) and not isinstance(tasks, str | bytes | Mapping | Set)
            is_sequence = is_sequence and getattr(tasks, "ndim", 1) > 0
            drawn = list(tasks) if is_sequence else []
        returned = f"{len(drawn)} tasks" if is_sequence else f"{kind_of(tasks)}; it must be a list of tasks"
        if len(drawn) != n_tasks:
            raise SimulationError(f"sample_tasks({n_tasks}) of the environment returned {returned}", [])
        return [copy_of(task) for task in drawn]

    def set_task(self, task: Task) -> None:
        """The task from the next reset on, as a copy of its own; what is none of the environment's is its own affair."""
        with environment_code:
            self.env.get_wrapper_attr("set_task")(copy_of(task))

    def get_task(self) -> Task:
        """What the environment says its task is."""
        with environment_code:
            return self.env.get_wrapper_attr("get_task")()

    def diagnostics(self, trajectories: "Trajectories") -> dict[str, float]:
        """The environment's own, if it has the method."""
        if not self.env.has_wrapper_attr("diagnostics"):
            return {}
        with environment_code:
            values = self.env.get_wrapper_attr("diagnostics")(trajectories)
        if not isinstance(values, Mapping):
            raise SimulationError(f"diagnostics of the environment returned {kind_of(values)}, not a dict of numbers", [])
        return {str(name): _checked(number, value, str(name), "diagnostics") for name, value in values.items()}

    def held_out_options(self) -> Mapping[str, object] | None:
        """The environment's own, if it has the method; otherwise nobody knows of tasks that it doesn't draw."""
        if not self.env.has_wrapper_attr("held_out_options"):
            return None
        with environment_code:
            options = self.env.get_wrapper_attr("held_out_options")()
        if options is not None and not isinstance(options, Mapping):
            what = f"held_out_options of the environment returned {kind_of(options)}, not a dict of options"
            raise SimulationError(what, [])
        return options

    @override
    def reset(self, *, seed: int | None = None, options: dict[str, object] | None = None) -> tuple[np.ndarray, Info]:
        with environment_code:
            observation, info = self.env.reset(seed=seed, options=options)
        return self._array(observation, "reset"), _info(info)

    @override
    def step(self, action: object) -> tuple[np.ndarray, float, bool, bool, Info]:
        """One step; the action is of the type of the space already."""
        with environment_code:
            result = self.env.step(action)
        if not isinstance(result, tuple | list) or len(result) != 5:
            raise SimulationError(
                f"step of the environment returned {kind_of(result)}; "
                "it must be (observation, reward, terminated, truncated, info), or (observation, reward, done, info)",
                [],
            )
        observation, reward, terminated, truncated, info = result
        return (
            self._array(observation, "step"),
            _checked(number, reward, "reward", "step"),
            bool(_checked(number, terminated, "terminated", "step")),
            bool(_checked(number, truncated, "truncated", "step")),
            _info(info),
        )

    @override
    def render(self) -> Any:
        with environment_code:
            return self.env.render()

    @override
    def close(self) -> None:
        with environment_code:
            self.env.close()

    def _array(self, observation: object, method: str) -> np.ndarray:
        return _checked(observation_array, self._space_of_observations, observation, method)

    def _space(self, name: str) -> Space[Any]:
        with environment_code:
            try:
                space = getattr(self.env.env, name)
            except AttributeError as error:
                if error.name != name:  # of something else, in a property of the environment's
                    raise
                space = MISSING
        if space is MISSING:
            raise ValueError(f"it has no {name}")
        return as_gymnasium_space(space)


def as_actions(actions: np.ndarray, space: Box | Discrete) -> np.ndarray:
    """Actions in the type of the space, as a copy; whole numbers are the nearest ones."""
    rounded = np.rint(actions) if space.dtype.kind in WHOLE else actions
    with np.errstate(invalid="ignore"):  # NaN of a policy that broke: the sampler finds it in what was recorded
        return np.array(rounded).astype(space.dtype)


def _info(info: object) -> Info:
    return dict(info) if isinstance(info, Mapping) else {}


def _checked(check: Callable[..., Checked], *args: object) -> Checked:
    """check(*args) of what a method, the last argument, returned. Its parts may be code of the environment's, too."""
    *values, method = args
    with environment_code:
        try:
            return check(*values)
        except ValueError as error:
            raise SimulationError(f"{method} of the environment returned {error}", []) from error
