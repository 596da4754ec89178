"""Adaptation of a policy to given tasks as in training, and nothing of the meta-update.

The original's meta-test moves the policy by Adam at the inner step size, and so destroys it.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from meta_policy_search.adaptation import Round, SampleProcessor, adaptation_rounds, adapted
from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.samplers.meta_sampler import MetaSampler
from meta_policy_search.types import Params, Trajectories


@dataclasses.dataclass(frozen=True)
class MetaTester:
    """The components of `MetaTrainer`, for the tasks that the sampler has been given.

    Args:
      algo: its `adapt` is the inner step; theta itself counts only for learned step sizes.
      sampler: with as many tasks and rollouts as the test wants.
      sample_processor: the one that fits the algorithm.
    """

    algo: MAMLAlgo
    sampler: MetaSampler
    sample_processor: SampleProcessor

    def rounds(self, params: Params, steps: int, rng: np.random.Generator) -> Iterator[Round]:
        """Rounds 0 .. steps with parameters [N, ...], adapted to the samples of the round after every one but the last.

        Raises:
          SamplingError: something in a round was not finite, or its simulation failed.
          AdaptationError: adaptation made a parameter NaN or infinite.
        """
        return adaptation_rounds(self.algo, self.sampler, self.sample_processor, params, steps, rng)

    def adapted(self, params: Params, steps: int, rng: np.random.Generator) -> Params:
        """Return the parameters after `steps` inner steps, each on a round of samples. Raises like `rounds`."""
        for found in self.rounds(params, steps - 1, rng):
            params, samples = found.params, found.samples
        return adapted(self.algo, params, samples, self.sampler.tasks, steps - 1) if steps else params

    def adapt(self, params: Params, trajectories: Trajectories, step: int = 0) -> Params:
        """Inner step number `step` from parameters [N, ...] on the trajectories that they sampled."""
        samples, _ = self.sample_processor.process_samples(trajectories)
        return adapted(self.algo, params, samples, self.sampler.tasks, step)


def first_rollouts(trajectories: Trajectories, rollouts: int) -> Trajectories:
    """The first rows of each task: arrays [N, R, ...] -> [N, rollouts, ...]."""
    return tf.nest.map_structure(lambda values: values[:, :rollouts], trajectories)
