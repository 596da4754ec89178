"""Compares what an adapter computes with what a case expects. Numpy only."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from meta_policy_search.conformance.cases import Case

Adapter = Callable[[Case], Mapping[str, np.ndarray] | None]

TOLERANCE = 1e-6  # relative to the largest entry; float64 differs by less than 1e-9, float32 by less than 1e-4
FLOOR = 1e-3  # below it deviations are absolute: losses and gradients are sums of terms of size 1
OPTIONAL = ("inner_loss", "fisher_product", "after_update")


class NoArraysError(TypeError):
    """An adapter returned something else than arrays by name."""


class Deviation(NamedTuple):
    """How far a quantity is from what is expected."""

    quantity: str
    relative: float  # largest deviation of an entry, relative to the largest entry; infinite if there is no such array
    problem: str  # "" where there is none


class Result(NamedTuple):
    """What a case has shown."""

    case: str
    deviations: list[Deviation]  # in the order in which an implementation computes the quantities; empty if it was skipped
    left_out: list[str]  # optional quantities that the adapter did not return

    @property
    def first_problem(self) -> Deviation | None:
        """The first quantity that is wrong; those after it follow from it."""
        return next((deviation for deviation in self.deviations if deviation.problem), None)


def check_case(adapter: Adapter, case: Case, tolerance: float = TOLERANCE) -> Result:
    """Run an adapter on a case. One that returns None has skipped it.

    Raises:
      NoArraysError: it returns anything else but arrays by name.
    """
    found = adapter(case.inputs())
    if found is None:
        return Result(case.name, [], [])
    if not isinstance(found, Mapping):
        what = type(found).__name__
        raise NoArraysError(f"the adapter returned {what} for {case.name}; it must be arrays by name, or None to skip it")
    deviations, left_out = [], []
    for name, expected in case.expected.items():
        if name in found:
            deviations.append(_deviation(name, found[name], expected, tolerance))
        elif name.split("/")[0] in OPTIONAL:
            left_out.append(name)
        else:
            deviations.append(Deviation(name, np.inf, "is missing"))
    return Result(case.name, deviations, left_out)


def _deviation(name: str, value: object, expected: np.ndarray, tolerance: float) -> Deviation:
    try:
        found = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        return Deviation(name, np.inf, "is no array of numbers")
    if found.shape != expected.shape:
        return Deviation(name, np.inf, f"has the shape {list(found.shape)}, expected is {list(expected.shape)}")
    scale = max(np.abs(expected).max(initial=0.0), FLOOR)
    relative = float(np.abs(found - expected).max(initial=0.0) / scale)
    if relative <= tolerance:  # False for NaN
        return Deviation(name, relative, "")
    return Deviation(name, relative, f"deviates by {relative:.1e} of its largest entry, allowed is {tolerance:.0e}")
