"""The wrapper that every experiment of the paper uses: actions in [-10, 10] for the environment's range."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from meta_policy_search.envs.base import Action, BatchMetaEnv, BatchStep, Info, RowGenerator, Task, Tasks, single_step
from meta_policy_search.envs.spaces import WHOLE

if TYPE_CHECKING:
    from meta_policy_search.types import Trajectories  # loads TensorFlow, which an environment doesn't need

NORMALIZATION_SCALE = 10.0  # so that a policy of standard deviation 1 moves a tenth of the half range


class NormalizedEnv:
    """A batch of environments whose actions in [-10, 10] are scaled to the range of the wrapped ones, and clipped to it.

    Discrete actions count from 0, as a policy's do, wherever the wrapped ones begin. Everything else is the wrapped batch's.
    """

    def __init__(self, env: BatchMetaEnv):
        self.env = env
        space = env.action_space
        self.action_space: Box | Discrete = Discrete(space.n) if isinstance(space, Discrete) else _box(space.shape)

    def __getattr__(self, name: str) -> Any:  # whatever a family has besides
        if name == "env":  # not there yet
            raise AttributeError(name)
        return getattr(self.env, name)

    @property
    def num_envs(self) -> int:
        """M."""
        return self.env.num_envs

    @property
    def family_name(self) -> str:
        """That of the wrapped ones."""
        return self.env.family_name

    @property
    def observation_space(self) -> Box:
        """That of the wrapped ones."""
        return self.env.observation_space

    def default_task(self) -> Task:
        """The wrapped family's."""
        return self.env.default_task()

    def sample_tasks(self, n_tasks: int, rng: np.random.Generator | None = None) -> Tasks:
        """The wrapped batch's draws."""
        return self.env.sample_tasks(n_tasks, rng)

    def set_tasks(self, tasks: Tasks) -> None:
        """One task for each of the M environments."""
        self.env.set_tasks(tasks)

    def reset_envs(self, rng: RowGenerator, envs: np.ndarray | None = None) -> np.ndarray:
        """The wrapped batch's observations [m, O]."""
        return self.env.reset_envs(rng, envs)

    def diagnostics(self, trajectories: "Trajectories") -> Mapping[str, float]:
        """The wrapped batch's."""
        return self.env.diagnostics(trajectories)

    def close(self) -> None:
        """Close the wrapped batch."""
        self.env.close()

    def batch(self, num_envs: int) -> "NormalizedEnv":
        """`num_envs` environments of the same family and settings, wrapped too."""
        return NormalizedEnv(self.env.batch(num_envs))

    def step_envs(self, actions: np.ndarray) -> BatchStep:
        """One step of all environments. Actions [M, A] in [-10, 10], or [M] from 0 on."""
        space = self.env.action_space
        return self.env.step_envs(actions + space.start if isinstance(space, Discrete) else scale_actions(actions, space))

    def step(self, action: Action) -> tuple[np.ndarray, float, bool, bool, Info]:
        """gymnasium's `step` of a batch of one."""
        result = single_step(self, action)
        if self.render_mode == "human":
            self.render()
        return result


def _box(shape: tuple[int, ...]) -> Box:
    return Box(-NORMALIZATION_SCALE, NORMALIZATION_SCALE, shape, np.float32)


normalize = NormalizedEnv  # the original's name


def scale_actions(actions: np.ndarray, space: Box) -> np.ndarray:
    """low + (a + 10) (high - low) / 20, clipped to the range; actions [..., A], in float64.

    Where the space has whole numbers, it is the nearest of them (of two the even one).
    """
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    scaled = low + (actions + NORMALIZATION_SCALE) * (high - low) / (2 * NORMALIZATION_SCALE)
    clipped = np.clip(scaled, low, high)
    return np.rint(clipped) if space.dtype.kind in WHOLE else clipped
