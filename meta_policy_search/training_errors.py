"""What ends a training: the error, what to try, and the checks that find it."""

import numpy as np

from meta_policy_search.adaptation import AdaptationError, Metrics, SampleProcessor
from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.samplers.meta_sampler import SamplingError
from meta_policy_search.utils.reported_error import ReportedError, notes_of


class TrainingError(ReportedError, RuntimeError):
    """Training can't go on: what happened in which iteration, and what to try."""

    exit_code = 1


def require_fields(algo: MAMLAlgo, processor: SampleProcessor) -> None:
    """Raise ValueError if the algorithm reads what the processor says that it doesn't provide."""
    provides = getattr(processor, "provides", algo.reads)  # one of a user's own need not say
    for name in algo.reads:
        if name not in provides:
            what = f"{type(algo).__name__} needs {name}, which the {type(processor).__name__} doesn't provide"
            raise ValueError(f"{what}; see its arguments")


def remedy(error: SamplingError | AdaptationError) -> str:
    """Return what to try, to follow the message; "" where the traceback of an environment says more."""
    if isinstance(error, AdaptationError) or error.by_policy:
        return f"; {REMEDY}"
    return "" if notes_of(error) else f"; {ENVIRONMENT_REMEDY}"


def check_statistics(statistics: Metrics) -> None:
    """Raise SamplingError if a statistic of a round is not finite."""
    bad = [name for name, value in statistics.items() if not np.isfinite(value)]
    if bad:
        raise SamplingError(f"the rewards are so large that {bad[0]} is NaN or infinite")


REMEDY = "try a smaller inner_lr or learning_rate (or step_size), and look at the environment's rewards"
ENVIRONMENT_REMEDY = "the policy's actions were finite, so look at what the environment does with them in this task"
