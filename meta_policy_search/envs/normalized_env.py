"""The wrapper that every experiment of the paper uses: actions in [-10, 10] for the environment's range."""

import numpy as np
from gymnasium.spaces import Box, Discrete

from meta_policy_search.envs.base import BatchMetaEnv, BatchStep
from meta_policy_search.envs.spaces import WHOLE

NORMALIZATION_SCALE = 10.0  # so that a policy of standard deviation 1 moves a tenth of the half range


class NormalizedEnv:
    """A batch of environments whose actions in [-10, 10] are scaled to the range of the wrapped ones, and clipped to it.

    Discrete actions count from 0, as a policy's do, wherever the wrapped ones begin. Everything else is the wrapped batch's.
    """

    def __init__(self, env: BatchMetaEnv):
        self.env = env
        space = env.action_space
        self.action_space = Discrete(space.n) if isinstance(space, Discrete) else _box(space.shape)

    def __getattr__(self, name: str):
        if name == "env":  # not there yet
            raise AttributeError(name)
        return getattr(self.env, name)

    def batch(self, num_envs: int) -> "NormalizedEnv":
        return NormalizedEnv(self.env.batch(num_envs))

    def step_envs(self, actions: np.ndarray) -> BatchStep:
        space = self.env.action_space
        return self.env.step_envs(actions + space.start if isinstance(space, Discrete) else scale_actions(actions, space))

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        return BatchMetaEnv.step(self, action)


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
