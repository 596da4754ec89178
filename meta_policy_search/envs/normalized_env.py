"""The wrapper that every experiment of the paper uses: actions in [-10, 10] for the environment's range."""

import numpy as np
from gymnasium.spaces import Box

from meta_policy_search.envs.base import BatchMetaEnv, BatchStep

NORMALIZATION_SCALE = 10.0  # so that a policy of standard deviation 1 moves a tenth of the half range


class NormalizedEnv:
    """A batch of environments whose actions in [-10, 10] are scaled to the range of the wrapped ones, and clipped to it.

    Everything else is the wrapped batch's; discrete actions pass through.
    """

    def __init__(self, env: BatchMetaEnv):
        self.env = env
        self.action_space = env.action_space
        if isinstance(env.action_space, Box):
            self.action_space = Box(-NORMALIZATION_SCALE, NORMALIZATION_SCALE, env.action_space.shape, np.float32)

    def __getattr__(self, name: str):
        return getattr(self.env, name)

    def batch(self, num_envs: int) -> "NormalizedEnv":
        return NormalizedEnv(self.env.batch(num_envs))

    def step_envs(self, actions: np.ndarray) -> BatchStep:
        if isinstance(self.env.action_space, Box):
            actions = scale_actions(actions, self.env.action_space)
        return self.env.step_envs(actions)


normalize = NormalizedEnv  # the original's name


def scale_actions(actions: np.ndarray, space: Box) -> np.ndarray:
    """low + (a + 10) (high - low) / 20, clipped to the range; actions [..., A]."""
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    scaled = low + (actions + NORMALIZATION_SCALE) * (high - low) / (2 * NORMALIZATION_SCALE)
    return np.clip(scaled, low, high)
