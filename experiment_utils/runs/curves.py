"""From runs to curves over seeds, and to tables: pure functions."""

import dataclasses
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.stats

from experiment_utils.config import Spread
from experiment_utils.runs.results import LAST_RETURN, MAY_DIFFER, RunData, RunDataWarning
from experiment_utils.runs.run_dir import InvalidRunError
from experiment_utils.validation import ConfigError, nearest

SPEAK_FOR_THEMSELVES = ("algorithm", "env", "folder")  # their values name a group without the setting's name
PHYSICS_SUFFIX, POLICY_SUFFIX = "-EnvExecTime", "-PolicyExecTime"


class Curve(NamedTuple):
    """A quantity over the course of training: its mean over seeds, and an interval around it."""

    x: np.ndarray  # [P], in the column's unit, like the others
    mean: np.ndarray  # [P]
    low: np.ndarray  # [P]
    high: np.ndarray  # [P]
    seeds: int  # runs that it is the mean of
    rest: "Curve | None" = None  # where some of the runs end: the mean of those that go on

    def segments(self) -> Iterator["Curve"]:
        """The part that all runs have (if there is one), then those that fewer and fewer have."""
        if len(self.x):
            yield self
        if self.rest is not None:
            yield from self.rest.segments()


def require_settings(runs: Sequence[RunData], fields: Sequence[str]) -> None:
    """Require that each name is a setting of one of the runs.

    Raises:
      ConfigError: which, and what is meant perhaps.
    """
    known = {"algorithm", "folder"}.union(*(run.config for run in runs))
    for name in fields:
        if name not in known:
            raise ConfigError(f"none of the runs has a setting {name!r}; {nearest(name, list(known))}")


def group_runs(runs: Sequence[RunData], fields: Sequence[str]) -> dict[str, list[RunData]]:
    """Runs by the values of some settings, e.g. "ProMP" or "ProMP, inner_lr 0.1"; groups in the order of their names."""
    groups: dict[str, list[RunData]] = {}
    for run in runs:
        words = [str(run.field(name)) if name in SPEAK_FOR_THEMSELVES else f"{name} {run.field(name)}" for name in fields]
        groups.setdefault(", ".join(words), []).append(run)
    return dict(sorted(groups.items()))


def require_alike(groups: Mapping[str, Sequence[RunData]]) -> None:
    """Warns of groups whose runs are more than seeds of one experiment."""
    for name, runs in groups.items():
        settings = sorted(set.intersection(*(set(run.config) for run in runs)) - MAY_DIFFER)
        differing = [field for field in settings if any(run.config[field] != runs[0].config[field] for run in runs)]
        seeds = [run.config["seed"] for run in runs]
        twice = sorted({str(seed) for seed in seeds if seeds.count(seed) > 1})
        if differing:
            message = f"the runs of {name} differ in {', '.join(differing)}, and are drawn as one curve"
            warnings.warn(f"{message}; --group_by takes these names", RunDataWarning, stacklevel=2)
        if twice:
            message = f"{name} has seed {', '.join(twice)} more than once; of each --compare takes the longest run"
            warnings.warn(f"{message}; --group_by folder keeps folders apart", RunDataWarning, stacklevel=2)


def table_of_seeds(runs: Sequence[RunData], y: str, x: str = "n_timesteps") -> pd.DataFrame:
    """`y` of each run, one column per run, indexed by `x`, from where all of the runs have begun to where the first ends.

    Runs that have different points (more env steps per iteration, say) are interpolated linearly to those of the one that
    has fewest. No two runs have a point of time in common, so for x = "Time" the k-th iteration stands at its mean time.

    Warns where some runs are shorter than others, as points with fewer seeds are not comparable, and of interpolation.

    Raises:
      InvalidRunError: a run has no such column, or its `x` does not increase.
    """
    index = _common_index(x)
    columns = [_series(run, y, index) for run in runs]
    start, end = max(column.index[0] for column in columns), min(column.index[-1] for column in columns)
    common = [column.loc[start:end] for column in columns]  # by value, also of whole numbers
    grid = min((column.index for column in common), key=len)
    if not all(column.index.equals(grid) for column in common):
        message = f"runs like {runs[0].path} and {runs[-1].path} have different points of {index}"
        warnings.warn(f"{message}; drawn at those of the run with fewest, interpolated", RunDataWarning, stacklevel=2)
        common = [pd.Series(np.interp(grid, column.index, column), index=grid) for column in columns]
    table = pd.concat(common, axis=1)
    longest = max(len(column) for column in columns)
    if any(column.index[-1] > end for column in columns):
        shortest = min(runs, key=lambda run: run.column(index).iloc[-1]).path
        message = f"only {len(table)} of {longest} points are common to all {len(runs)} runs (shortest: {shortest})"
        warnings.warn(f"{message}; the others are drawn dashed", RunDataWarning, stacklevel=2)
    if x == "Time":
        times = [np.interp(table.index, run.column(index), run.column("Time")) for run in runs]
        table.index = np.mean(times, axis=0)
    return table


def _series(run: RunData, y: str, index: str) -> pd.Series:
    places = run.column(index)
    if not places.is_monotonic_increasing or not places.is_unique:
        raise InvalidRunError(
            f"{index} of {run.path / 'progress.csv'} does not increase from row to row; nothing to draw against"
        )
    return pd.Series(run.column(y).to_numpy(), index=places.to_numpy())


def smoothed(values: np.ndarray, window: int) -> np.ndarray:
    """The mean of each entry [P] and its neighbours, `window` in all (fewer at the ends); NaN stays, 1 changes nothing."""
    means = pd.Series(values).rolling(window, center=True, min_periods=1).mean().to_numpy()
    return np.where(np.isnan(values), np.nan, means)


def mean_curve(
    runs: Sequence[RunData], y: str = LAST_RETURN, x: str = "n_timesteps", spread: Spread = "std", smooth: int = 1
) -> Curve:
    """Mean of `y` over runs against `x`, with the interval that `spread` asks for; the longer runs alone in its `rest`.

    Args:
      spread: "std" is mean +- the population standard deviation over the runs (as in the original's plots), "bootstrap" the
        95 % percentile interval of the mean from 2000 resamplings of the runs, "none" the mean itself.
      smooth: window of `smoothed`, applied to mean, low and high.
    """
    table = table_of_seeds(runs, y, x)
    values, n = table.to_numpy(), len(runs)
    mean = values.mean(axis=1)
    middle, low, high = (smoothed(part, smooth) for part in (mean, *interval(values, spread)))
    rest = mean_curve(longer, y, x, spread, smooth) if (longer := _longer(runs, x)) else None
    return Curve(table.index.to_numpy(), middle, low, high, seeds=n, rest=rest)


def _common_index(x: str) -> str:
    return "Itr" if x == "Time" else x  # points of time differ from run to run


def _longer(runs: Sequence[RunData], x: str) -> list[RunData]:
    """What the longer runs have beyond the end of the shortest."""
    index = _common_index(x)
    end = min(run.column(index).iloc[-1] for run in runs)
    beyond = [
        dataclasses.replace(run, progress=run.progress[run.column(index) > end].reset_index(drop=True)) for run in runs
    ]
    return [run for run in beyond if len(run.progress)]


def interval(values: np.ndarray, spread: Spread) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end [P] of the interval around the mean of values [P, seeds]; one seed has none."""
    mean = values.mean(axis=1)
    if spread == "none" or values.shape[1] == 1:
        return mean, mean
    if spread == "std":
        deviation = values.std(axis=1)
        return mean - deviation, mean + deviation
    result = scipy.stats.bootstrap(
        (values,), np.mean, axis=1, n_resamples=2000, method="percentile", rng=np.random.default_rng(0)
    )
    return result.confidence_interval.low, result.confidence_interval.high


def final_value(run: RunData, y: str = LAST_RETURN, last: int = 10, until: float = np.inf) -> float:
    """The mean of `y` over the last `last` of the run's iterations up to `until` env steps; NaN if one of them is."""
    return float(run.column(y)[run.column("n_timesteps") <= until].iloc[-last:].mean(skipna=False))


def area_under_curve(run: RunData, y: str = LAST_RETURN, until: float = np.inf) -> float:
    """The integral of `y` over env steps from 0 to `until`, in units of y times 10^6 steps.

    `y` is linear between the ends of the iterations, and before the end of the first what it is there.
    """
    steps, values = run.column("n_timesteps").to_numpy(), run.column(y).to_numpy()
    end = min(until, steps[-1])
    inner = steps < end
    places = np.concatenate([[0.0], steps[inner], [end]])
    return float(np.trapezoid(np.interp(places, steps, values), places / 1e6))


def results_table(groups: Mapping[str, Sequence[RunData]], y: str = LAST_RETURN, last: int = 10) -> pd.DataFrame:
    """One row per group: seeds, iterations, env steps, final value and area under the curve, mean and deviation over seeds.

    The final value is taken where the shortest run of the group ends, in env steps, so that all seeds are equally old. The
    area reaches as far as the shortest run of all groups, so that the areas can be compared; the last column says how far.
    One seed has no deviation.
    """
    shortest = min((run.end for runs in groups.values() for run in runs), default=0)
    rows = []
    for name, runs in groups.items():
        end = min(run.end for run in runs)
        finals = np.array([final_value(run, y, last, end) for run in runs])
        areas = np.array([area_under_curve(run, y, shortest) for run in runs])
        rows.append(
            {
                "group": name,
                "seeds": " ".join(str(run.field("seed")) for run in runs),
                "iterations": min(len(run.progress) for run in runs),
                "env steps (10^6)": end / 1e6,
                f"final {y} (last {last} iterations)": finals.mean(),
                "std of final": finals.std() if len(runs) > 1 else np.nan,
                f"area ({y} x 10^6 steps)": areas.mean(),
                "std of area": areas.std() if len(runs) > 1 else np.nan,
                "area to (10^6 steps)": shortest / 1e6,
            }
        )
    return pd.DataFrame(rows)


def timing_table(groups: dict[str, list[RunData]]) -> pd.DataFrame:
    """One row per group: medians over the iterations of all its runs, and the mean time of an iteration.

    The first iteration, which compiles, is left out.
    """
    rows = []
    for name, runs in groups.items():
        parts = pd.concat([_timings(run) for run in runs])
        mean = parts["s per iteration"].mean()  # of figure 3, where few iterations measure, it is far from the median
        rows.append({"group": name, **parts.median().to_dict(), "mean s per iteration": mean})
    return pd.DataFrame(rows)


def _timings(run: RunData) -> pd.DataFrame:
    progress = run.progress.iloc[1:] if len(run.progress) > 1 else run.progress
    steps = run.column("n_timesteps").diff().fillna(run.column("n_timesteps").iloc[0])[progress.index]
    seconds = progress["ItrTime"]
    shares = {
        f"share of {part}": progress[[name for name in progress if name.endswith(suffix)]].sum(axis=1) / seconds
        for part, suffix in (("physics", PHYSICS_SUFFIX), ("policy", POLICY_SUFFIX), ("meta-update", "Time-OuterStep"))
    }
    return pd.DataFrame({"s per iteration": seconds, "env steps per s": steps / seconds, **shares})
