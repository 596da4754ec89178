"""The part that all MuJoCo task families share."""

import abc
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

import gymnasium
import mujoco
import numpy as np
from typing_extensions import override

from meta_policy_search.choices import Backend, Physics
from meta_policy_search.envs.base import BatchMetaEnv, BatchStep, RowGenerator, Tasks, task_array
from meta_policy_search.envs.mujoco_envs.engine import Simulations, State
from meta_policy_search.envs.mujoco_envs.physics import add_contact_forces, compile_model, load_spec

if TYPE_CHECKING:
    from meta_policy_search.envs.mujoco_envs.rendering import ProcessRenderer  # imports OpenGL


class Engine(Protocol):
    """M simulations of one model, of `Simulations` or of another engine. See `Simulations` for the methods."""

    num_threads: int
    qpos: np.ndarray  # [M, nq], live
    qvel: np.ndarray  # [M, nv], live

    def state(self, sims: np.ndarray | None = None) -> State:
        """The state of the given simulations."""

    def model_field(self, name: str) -> np.ndarray:
        """A field of MjModel with one value per simulation, [M, ...], live."""

    def set_state(self, qpos: np.ndarray, qvel: np.ndarray, sims: np.ndarray | None = None) -> None:
        """Clear the given simulations and set qpos [m, nq], qvel [m, nv]."""

    def set_warmstart(self, qacc: np.ndarray) -> None:
        """The accelerations [M, nv] that the constraint solver starts from."""

    def step(self, ctrl: np.ndarray, num_steps: int) -> None:
        """Sub-steps of all simulations with the controls [M, nu] held; raise SimulationError if one is unstable."""

    def close(self) -> None:
        """End what has to be ended."""


class MujocoOptions(TypedDict, total=False):
    """Settings of `MujocoMetaEnv` by name."""

    physics: Physics
    num_threads: int
    backend: Backend
    num_envs: int
    render_mode: str | None


class MujocoMetaEnv(BatchMetaEnv):
    """M simulations of one model. A family adds `xml`, `frame_skip`, its tasks, and four functions of the state.

    The functions work on a `State` of m simulations (qpos [m, nq], qvel [m, nv], and the family's `derived_fields`).

    Args:
      physics: "paper" puts the rules of MuJoCo 2.1.0 back (see `physics`), "modern" leaves the model as compiled today.
      num_threads: of the physics; 0 for one per core. Results don't depend on it.
      backend: "mujoco", or "mujoco-py": gym's own environments on MuJoCo 2.1.0, for checking (see `legacy_engine`).
      num_envs, render_mode: see `BatchMetaEnv`. Rendering shows the first environment, with gymnasium's renderer.
    """

    metadata: dict[str, Any] = {"render_modes": ["human", "rgb_array"]}  # noqa: RUF012, as gymnasium declares it
    tasks: np.ndarray  # [M, ...]
    action_space: gymnasium.spaces.Box
    xml: str
    frame_skip: int
    derived_fields: tuple[str, ...] = ()  # of MjData

    def __init__(
        self,
        *,
        physics: Physics = "paper",
        num_threads: int = 0,
        backend: Backend = "mujoco",
        num_envs: int = 1,
        render_mode: str | None = None,
    ):
        if physics not in ("paper", "modern"):
            raise ValueError(f"physics is {physics!r}; it can be 'paper' or 'modern'")
        self.model = self.make_model(physics)
        self.sims = self.simulations(backend, physics, num_envs, num_threads)
        self.dt = float(self.model.opt.timestep) * self.frame_skip  # s
        self.metadata = {**self.metadata, "render_fps": round(1 / self.dt)}
        low, high = self.model.actuator_ctrlrange.T.astype(np.float32)
        self.action_space = gymnasium.spaces.Box(low, high, dtype=np.float32)
        super().__init__(num_envs=num_envs, render_mode=render_mode)
        self.sims.set_state(np.tile(self.model.qpos0, (num_envs, 1)), np.zeros((num_envs, self.model.nv)))
        size = self.observation(self.sims.state()).shape[-1]
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (size,), np.float64)
        self._renderer: ProcessRenderer | None = None

    def simulations(self, backend: Backend, physics: Physics, num_envs: int, num_threads: int) -> Engine:
        """The engine with M simulations of the model."""
        if backend == "mujoco":
            return Simulations(self.model, num_envs, num_threads, self.derived_fields)
        if backend != "mujoco-py":
            raise ValueError(f"backend is {backend!r}; it can be 'mujoco' or 'mujoco-py'")
        if physics != "paper":
            raise ValueError("the backend mujoco-py is MuJoCo 2.1.0, whose physics is 'paper'")
        from meta_policy_search.envs.mujoco_envs.legacy_engine import LegacySimulations  # what it needs is optional

        return LegacySimulations(self.xml, self.model, num_envs, num_threads, self.derived_fields)

    def make_model(self, physics: Physics) -> mujoco.MjModel:
        """The compiled model."""
        spec = load_spec(self.xml)
        self.edit_spec(spec)
        if "cfrc_ext" in self.derived_fields:
            add_contact_forces(spec)
        return compile_model(spec, physics)

    def edit_spec(self, spec: mujoco.MjSpec) -> None:
        """Where the family's model differs from gymnasium's XML file. Nowhere, unless the family says so."""
        del spec

    @abc.abstractmethod
    def observation(self, state: State) -> np.ndarray:
        """[m, O], a new array."""

    @abc.abstractmethod
    def reset_noise(self, rng: RowGenerator, num_envs: int) -> tuple[np.ndarray, np.ndarray]:
        """What a reset adds to qpos0 [m, nq] and to zero velocity [m, nv]."""

    @abc.abstractmethod
    def position(self, state: State) -> np.ndarray:
        """What `reward` must know of the state before the step, [M, ...] in m, a new array."""

    @abc.abstractmethod
    def reward(self, before: np.ndarray, after: State, actions: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The reward [M] and its parts, from the `position` before the step, the state after it, and actions [M, A]."""

    def terminated(self, state: State) -> np.ndarray:
        """Whether the episode ends in the state, [m]. Never, unless the family says so."""
        return np.zeros(len(state.qpos), bool)

    @override
    def set_tasks(self, tasks: Tasks) -> None:
        super().set_tasks(tasks)
        self.tasks = task_array(tasks, self.default_task())

    @override
    def reset_envs(self, rng: RowGenerator, envs: np.ndarray | None = None) -> np.ndarray:
        qpos, qvel = self.reset_noise(rng, self.num_envs if envs is None else len(envs))
        self.sims.set_state(self.model.qpos0 + qpos, qvel, envs)
        return self.observation(self.sims.state(envs))

    @override
    def step_envs(self, actions: np.ndarray) -> BatchStep:
        state = self.sims.state()  # live: the step changes it
        before = self.position(state)
        self.sims.step(actions, self.frame_skip)
        rewards, infos = self.reward(before, state, np.asarray(actions, np.float64))
        return BatchStep(self.observation(state), rewards, self.terminated(state), infos)

    @override
    def render(self) -> np.ndarray | None:
        if self.render_mode is None:
            return None
        if self._renderer is None:
            from meta_policy_search.envs.mujoco_envs.rendering import ProcessRenderer  # imports OpenGL

            self._renderer = ProcessRenderer(self.model, self.render_mode)
        return self._renderer.draw(self.sims.qpos[0].copy(), self.sims.qvel[0].copy())

    @override
    def close(self) -> None:
        self.sims.close()
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


def squared_norm(values: np.ndarray) -> np.ndarray:
    """Sum of squares over all axes but the first."""
    return np.square(values).reshape(len(values), -1).sum(axis=-1)


def uniform_noise(rng: RowGenerator, limit: float, num_envs: int, *sizes: int) -> list[np.ndarray]:
    """U(-limit, limit) of the shapes [m, size]."""
    return [rng.uniform(-limit, limit, (num_envs, size)) for size in sizes]
