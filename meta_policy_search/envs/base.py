"""What an environment of the package is: a task family, stepped as a batch."""

import abc
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, TypeAlias

import gymnasium
import numpy as np
from gymnasium.core import ActType, ObsType
from gymnasium.spaces import Box, Discrete
from numpy.typing import DTypeLike
from typing_extensions import override

from meta_policy_search.utils.reported_error import ReportedError

if TYPE_CHECKING:
    from meta_policy_search.envs.batch_env import BatchEnv
    from meta_policy_search.types import Trajectories  # loads TensorFlow, which an environment doesn't need


Task: TypeAlias = object  # whatever sample_tasks returns one of: a number, an array, a dict of arrays
Tasks: TypeAlias = Sequence[Task] | np.ndarray
Info: TypeAlias = dict[str, object]  # gymnasium's info dicts
Action: TypeAlias = np.ndarray | np.int64  # of a Box, or of a Discrete


class BatchStep(NamedTuple):
    """What M environments return for one action each."""

    observations: np.ndarray  # [M, O]
    rewards: np.ndarray  # [M] float64
    terminated: np.ndarray  # [M] bool
    infos: dict[str, np.ndarray]  # [M] each: the parts of the reward


class RowGenerator(Protocol):
    """Draws rows of random numbers for environments: `np.random.Generator`, or the sampler's `PerTaskRng`.

    Each has the shape `size`, whose first axis is that of the environments.
    """

    def uniform(self, low: float, high: float, size: int | tuple[int, ...]) -> np.ndarray:
        """U(low, high)."""

    def standard_normal(self, size: int | tuple[int, ...]) -> np.ndarray:
        """N(0, 1)."""

    def integers(self, low: int, high: int | None = None, *, size: int | tuple[int, ...]) -> np.ndarray:
        """Uniform in low .. high - 1, or 0 .. low - 1."""


class SimulationError(ReportedError, RuntimeError):
    """A simulation can't go on. `envs` are the indices of the environments concerned.

    `by_policy` says that the actions were no numbers; otherwise it is the environment's affair.
    """

    exit_code = 1

    def __init__(self, message: str, envs: Iterable[int], by_policy: bool = False):
        super().__init__(message)
        self.envs, self.by_policy = [int(env) for env in envs], by_policy

    @override
    def __reduce__(self) -> tuple[object, ...]:
        """Also the notes and numbers reach another process."""
        return type(self), (str(self), self.envs, self.by_policy), {"__notes__": list(getattr(self, "__notes__", []))}


class MetaEnv(gymnasium.Env[ObsType, ActType]):
    """A `gymnasium.Env` with a distribution of tasks: all that meta-training asks of anyone's environment."""

    @abc.abstractmethod
    def sample_tasks(self, n_tasks: int) -> Tasks:
        """`n_tasks` independent draws from the task distribution, with `self.np_random`."""

    @abc.abstractmethod
    def set_task(self, task: Task) -> None:
        """The task from the next reset on."""

    @abc.abstractmethod
    def get_task(self) -> Task:
        """The current task."""


class BatchMetaEnv(MetaEnv[np.ndarray, Action]):
    """`num_envs` environments of one task family in lock-step. A batch of one is a `gymnasium.Env`.

    A family defines its spaces and the four abstract methods below, all of them on arrays with a leading axis of
    environments; `reset` and `step` of gymnasium are those methods on a batch of one.

    Args:
      num_envs: M, the number of environments.
      render_mode: None, "rgb_array" or "human".

    A family may take further settings, by keyword; `options` are those that it was made with.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012, as gymnasium declares it
    action_space: Box | Discrete
    observation_space: Box

    options: dict[str, Any]  # by name: whatever a family takes

    def __new__(cls, **settings: Any) -> Self:
        """Keep the settings, from which `batch` makes others."""
        env = super().__new__(cls)
        env.options = {name: value for name, value in settings.items() if name not in ("num_envs", "render_mode")}
        return env

    def __init__(self, *, num_envs: int = 1, render_mode: str | None = None):
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            known = ", ".join(self.metadata["render_modes"]) or "nothing but None"
            raise ValueError(f"{type(self).__name__} can't render as {render_mode!r}; it knows {known}")
        self.num_envs, self.render_mode = num_envs, render_mode
        self.tasks: Tasks = []
        self.set_tasks([self.default_task()] * num_envs)

    @property
    def family_name(self) -> str:
        """What messages call it."""
        return type(self).__name__

    @abc.abstractmethod
    def default_task(self) -> Task:
        """The task of a new environment."""

    @abc.abstractmethod
    def draw_tasks(self, n_tasks: int, rng: np.random.Generator) -> Tasks:
        """`n_tasks` independent draws from the task distribution."""

    @abc.abstractmethod
    def reset_envs(self, rng: RowGenerator, envs: np.ndarray | None = None) -> np.ndarray:
        """Starts new episodes and returns their observations [m, O].

        `envs` are the indices [m] of the environments concerned, ascending; None for all. `rng` draws rows for them; the
        sampler's takes each from the generator of its task.
        """

    @abc.abstractmethod
    def step_envs(self, actions: np.ndarray) -> BatchStep:
        """One step of all environments. Actions [M, A] in the units of `action_space`.

        Raises:
          SimulationError: if the simulation became unstable.
        """

    def set_tasks(self, tasks: Tasks) -> None:
        """One task for each of the M environments. A family whose tasks are numbers makes `tasks` an array.

        Raises:
          ValueError: another number of tasks, or one that is none of the family's.
        """
        if len(tasks) != self.num_envs:
            raise ValueError(f"{len(tasks)} tasks for {self.num_envs} environments; each needs one")
        self.tasks = tasks

    def require_task(self, task: Task) -> None:
        """Raise ValueError if a task of the right shape is none of the family's; one that is only never drawn may pass."""

    def diagnostics(self, trajectories: "Trajectories") -> Mapping[str, float]:
        """What the log says of one sampling round, besides the returns.

        It depends on nothing but the trajectories: where others simulate (`RaySampler`), this batch doesn't know the tasks.
        """
        return {}

    def held_out_options(self) -> Mapping[str, object] | None:
        """Settings under which the family draws tasks that it doesn't draw now; None if there are no other tasks.

        By default none are needed: tasks are drawn from a continuum, where none is drawn twice.
        """
        return {}

    def batch(self, num_envs: int) -> Self:
        """`num_envs` environments of the same family and settings."""
        return type(self)(num_envs=num_envs, **self.options)

    @override
    def sample_tasks(self, n_tasks: int, rng: np.random.Generator | None = None) -> Tasks:
        return self.draw_tasks(n_tasks, self.np_random if rng is None else rng)

    @override
    def set_task(self, task: Task) -> None:
        self.set_tasks([task] * self.num_envs)

    @override
    def get_task(self) -> Task:
        return self.tasks[0]

    @override
    def reset(self, *, seed: int | None = None, options: dict[str, object] | None = None) -> tuple[np.ndarray, Info]:
        super().reset(seed=seed)
        observation = self.reset_envs(self.np_random)[0]
        if self.render_mode == "human":
            self.render()
        return observation, {}

    @override
    def step(self, action: Action) -> tuple[np.ndarray, float, bool, bool, Info]:
        result = single_step(self, action)
        if self.render_mode == "human":
            self.render()
        return result

    @override
    def render(self) -> np.ndarray | None:
        """The first environment, as an image [h, w, 3] uint8 if `render_mode` is "rgb_array". A family may have none."""
        raise NotImplementedError


def single_step(env: "BatchEnv", action: Action) -> tuple[np.ndarray, float, bool, bool, Info]:
    """gymnasium's `step` of a batch of one."""
    step = env.step_envs(np.asarray(action)[np.newaxis])
    infos: Info = {name: value[0] for name, value in step.infos.items()}
    return step.observations[0], float(step.rewards[0]), bool(step.terminated[0]), False, infos


def task_array(tasks: Tasks, default: Task, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Tasks that are numbers or arrays as one array [M, ...].

    Raises:
      ValueError: they are not of the default task's shape.
    """
    array: np.ndarray = np.array(tasks, dtype)
    shape = np.asarray(default).shape
    if array.shape[1:] != shape:
        raise ValueError(f"the tasks have the shape {list(array.shape[1:])}; it must be {list(shape)}")
    return array


def episode_means(values: np.ndarray, trajectories: "Trajectories") -> np.ndarray:
    """The mean of values [N, R, T] over each finished episode, [episodes]."""
    sums, counts = (_episode_sums(x, trajectories) for x in (values, np.ones_like(values)))
    return sums / counts


def episode_ends(trajectories: "Trajectories") -> np.ndarray:
    """True at the last step of each finished episode, [N, R, T]."""
    start, mask = trajectories.start, trajectories.mask
    last = np.ones(mask.shape, bool)
    last[..., :-1] = start[..., 1:] != start[..., :-1]
    return last & mask


def _episode_sums(values: np.ndarray, trajectories: "Trajectories") -> np.ndarray:
    ends = episode_ends(trajectories)
    cumulative = np.concatenate([np.zeros((*values.shape[:2], 1)), np.cumsum(values, axis=2)], axis=2)
    before = np.take_along_axis(cumulative, trajectories.start, axis=2)
    return (cumulative[..., 1:] - before)[ends]
