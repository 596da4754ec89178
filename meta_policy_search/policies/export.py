"""A policy as a TensorFlow SavedModel, which acts without this package."""

import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf
from gymnasium.spaces import Box, Discrete

from meta_policy_search.envs.normalized_env import NORMALIZATION_SCALE
from meta_policy_search.envs.spaces import WHOLE
from meta_policy_search.policies.actor import Actor
from meta_policy_search.policies.base import Distribution
from meta_policy_search.utils.file_errors import first_line


class ExportError(OSError):
    """A model that can't be written: where, and why."""


def export_policy(actor: Actor, directory: Path | str) -> None:
    """Writes the SavedModel of a policy, meta or adapted, with two signatures.

    | signature | takes | gives |
    |---|---|---|
    | `mode` (the default) | `observations` [B, O], float32 or the policy's type | `actions`: the most probable ones |
    | `sample` | `observations`, `seed` [2] int32 | `actions`: draws, the same for the same seed |

    Observations have the policy's shape in place of O. Actions are what the environment takes, the scaling from the policy's
    [-10, 10] and the clipping included: [B, A] in the units and the type of its action space, or [B], its numbers of
    discrete actions.

    Raises:
      ExportError: there is something in the directory already, it can't be written, or the policy has a memory.
    """
    directory = Path(directory)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ExportError(f"{directory} exists already; choose another place for the model")
    if tf.nest.flatten(actor.initial_state()):
        raise ExportError(f"{type(actor.policy).__name__} has a memory; the exported signatures have no place for its state")
    model = _Model(actor)
    observations = tf.TensorSpec([None, *actor.policy.obs_shape], actor.policy.dtype, "observations")
    mode = model.mode.get_concrete_function(observations)
    sample = model.sample.get_concrete_function(observations, tf.TensorSpec([2], tf.int32, "seed"))
    try:
        tf.saved_model.save(model, str(directory), {"serving_default": mode, "mode": mode, "sample": sample})
    except (OSError, tf.errors.OpError) as error:
        shutil.rmtree(directory, ignore_errors=True)  # it was empty, or not there
        raise ExportError(f"can't write the model to {directory}: {first_line(error)}") from error


class _Model(tf.Module):
    """`Actor` in TensorFlow."""

    def __init__(self, actor: Actor):
        super().__init__()
        self._policy, self._space = actor.policy, actor.action_space
        self.params = {name: tf.Variable(value, name=name.replace("/", "_")) for name, value in actor.params.items()}

    @tf.function
    def mode(self, observations: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"actions": self._in_units(self._policy.mode_of(self._distribution(observations)))}

    @tf.function
    def sample(self, observations: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"actions": self._in_units(self._distribution(observations).sample(seed=seed))}

    def _distribution(self, observations: tf.Tensor) -> Distribution:
        return self._policy.distribution(self.params, observations)

    def _in_units(self, actions: tf.Tensor) -> tf.Tensor:
        if isinstance(self._space, Discrete):
            return tf.cast(actions, self._space.dtype) + tf.constant(self._space.start, self._space.dtype)
        return scaled(actions, self._space)


def scaled(actions: tf.Tensor, space: Box) -> tf.Tensor:
    """`normalized_env.scale_actions` in TensorFlow, in the type of the space."""
    low, high = (tf.constant(bound.astype(np.float64)) for bound in (space.low, space.high))
    values = low + tf.cast(actions + NORMALIZATION_SCALE, tf.float64) * (high - low) / (2 * NORMALIZATION_SCALE)
    clipped = tf.clip_by_value(values, low, high)
    return tf.cast(tf.round(clipped) if space.dtype.kind in WHOLE else clipped, space.dtype)
