"""One policy, meta or adapted, that acts in the environment's own units."""

import dataclasses

import numpy as np
import tensorflow as tf
from gymnasium.spaces import Box, Discrete

from meta_policy_search.envs.normalized_env import scale_actions
from meta_policy_search.policies.base import MetaPolicy, State
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

        They are elements of the action space, in its type. Observations have the policy's shape in place of O.

        Without `rng` it is the most probable action, with it a draw, as in training.

        Raises:
          ValueError: the observations have another shape than the policy's, or the policy has a memory.
        """
        if tf.nest.flatten(self.initial_state()):
            raise ValueError("this policy has a memory; act_from_state takes and returns its state")
        return self.act_from_state(observations, (), rng)[0]

    def initial_state(self, batch: int = 1) -> State:
        """The state that an episode begins with, of `batch` copies of the policy; () for a policy without a memory."""
        return self.policy.initial_state((1, batch))

    def act_from_state(
        self, observations: np.ndarray, state: State, rng: np.random.Generator | None = None
    ) -> tuple[np.ndarray, State]:
        """`act` for one step of a policy with a memory, and the state after it.

        Args:
          state: that of the step before, or `initial_state(B)`; for a single observation `initial_state()`.
        """
        observations, shape = np.asarray(observations, self.policy.dtype.as_numpy_dtype), self.policy.obs_shape
        one = observations.shape == shape
        if not one and (observations.shape[1:] != shape or observations.ndim == len(shape)):
            wanted = f"{list(shape)} or [B, {', '.join(map(str, shape))}]"
            raise ValueError(f"the observations have the shape {list(observations.shape)}; it must be {wanted}")
        rows = observations[np.newaxis, np.newaxis] if one else observations[np.newaxis]  # [1, B, O]
        noise = None if rng is None else self.policy.noise(rng, (1, len(rows[0])))
        params = {name: np.asarray(value)[np.newaxis] for name, value in self.params.items()}
        actions, _, state = self.policy.act_from_state(params, rows, noise, state)
        return self._in_units(actions[0, 0] if one else actions[0]), state

    def _in_units(self, actions: np.ndarray) -> np.ndarray:
        space = self.action_space
        own = scale_actions(actions, space) if isinstance(space, Box) else actions + space.start  # the policy counts from 0
        return own.astype(space.dtype)
