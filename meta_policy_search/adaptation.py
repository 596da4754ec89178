"""Adaptation of a policy to tasks: sample, process, adapt, as often as there are inner steps."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np

from meta_policy_search.envs.base import Tasks
from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.samplers.meta_sampler import MetaSampler, describe_tasks
from meta_policy_search.types import Params, Samples, Trajectories
from meta_policy_search.utils.reported_error import ReportedError
from meta_policy_search.utils.stopwatch import ADAPTATION, PROCESSING, SAMPLING

Metrics = dict[str, float]


class AdaptationError(ReportedError, RuntimeError):
    """An adapted policy that can't act: in which tasks."""

    exit_code = 1


class SampleProcessor(Protocol):
    """Turns a sampling round into what the algorithm takes.

    One that has an attribute `provides`, names of fields of `Samples`, is refused for an algorithm that reads others.
    """

    def process_samples(self, trajectories: Trajectories) -> tuple[Samples, Metrics]:
        """The samples, and statistics of the round for the log."""


class Round(NamedTuple):
    """A sampling round of the adaptation."""

    params: Params  # [N, ...] of the policies that sampled
    trajectories: Trajectories
    samples: Samples
    statistics: Metrics  # of the processor
    seconds: Metrics  # that the sampler took, by what it did


def adaptation_rounds(
    algo: MAMLAlgo,
    sampler: MetaSampler,
    sample_processor: SampleProcessor,
    params: Params,
    steps: int,
    rng: np.random.Generator,
    lap: Callable[[str], None] = lambda stage: None,
) -> Iterator[Round]:
    """Yield rounds 0 .. steps; between two of them, all tasks take an inner step on the samples of the first.

    Args:
      params: [N, ...], before adaptation.
      lap: takes the name of each stage when it is over; what is done with a round belongs to its processing.

    Raises:
      SamplingError: something in a round was not finite, or its simulation failed.
      AdaptationError: adaptation made a parameter NaN or infinite.
    """
    for step in range(steps + 1):
        trajectories, seconds = sampler.obtain_samples(params, rng)
        lap(SAMPLING)
        samples, statistics = sample_processor.process_samples(trajectories)
        yield Round(params, trajectories, samples, statistics, seconds)
        lap(PROCESSING)
        if step < steps:
            params = adapted(algo, params, samples, sampler.tasks, step)
            lap(ADAPTATION)


def adapted(algo: MAMLAlgo, params: Params, samples: Samples, tasks: Tasks, step: int = 0) -> Params:
    """Return the parameters [N, ...] after inner step number `step` of all tasks on the samples drawn with `params`.

    Raises:
      AdaptationError: it made a parameter NaN or infinite.
    """
    params = algo.adapt(params, samples, step)
    for name, value in params.items():
        finite = np.isfinite(value.numpy()).reshape(len(value), -1).all(axis=1)
        if not finite.all():
            where = describe_tasks(tasks, np.flatnonzero(~finite))
            raise AdaptationError(f"adaptation made {name} NaN or infinite in {where}")
    return params
