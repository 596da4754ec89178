"""One policy, meta or adapted, that acts in the environment's own units."""

import dataclasses

import numpy as np
from gymnasium.spaces import Box, Discrete

from meta_policy_search.envs.normalized_env import scale_actions
from meta_policy_search.policies.base import MetaPolicy
from meta_policy_search.types import ArrayParams


@dataclasses.dataclass(frozen=True)
class Actor:
    """pi_params, from observations of the environment to actions that it takes.

    Args:
      policy: the network.
      params: its parameters by name, without task axis.
      action_space: of the environment, not of the normalised one: the policy's [-10, 10] are scaled to it and clipped.
    """

    policy: MetaPolicy
    params: ArrayParams
    action_space: Box | Discrete

    def act(self, observations: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """An action [A] for an observation [O], or actions [B, A] for observations [B, O]; [] or [B] if discrete.

        They are elements of the action space, in its type.

        Without `rng` it is the most probable action, with it a draw, as in training.

        Raises:
          ValueError: the observations have another size than the policy's.
        """
        observations = np.asarray(observations, np.float32)
        if observations.ndim not in (1, 2) or observations.shape[-1] != self.policy.obs_dim:
            wanted = f"[{self.policy.obs_dim}] or [B, {self.policy.obs_dim}]"
            raise ValueError(f"the observations have the shape {list(observations.shape)}; it must be {wanted}")
        rows = np.atleast_2d(observations)[np.newaxis]  # [1, B, O]
        still = np.random.default_rng(0) if rng is None else rng
        noise = self.policy.noise(still, rows.shape[:2])
        params = {name: np.asarray(value)[np.newaxis] for name, value in self.params.items()}
        actions, _ = self.policy.act(params, rows, np.zeros_like(noise) if rng is None else noise)
        actions = actions[0] if observations.ndim == 2 else actions[0, 0]
        space = self.action_space
        own = scale_actions(actions, space) if isinstance(space, Box) else actions + space.start  # the policy counts from 0
        return own.astype(space.dtype)
