"""Which of several groups of runs is better, on two measures: the final value and the area under the curve."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from experiment_utils.runs.curves import Curve, area_under_curve, final_value
from experiment_utils.runs.reliability import (
    LEAST_RUNS,
    Estimate,
    estimate,
    improvement_probability,
    interquartile_mean,
    performance_profile,
)
from experiment_utils.runs.results import LAST_RETURN, RunData
from experiment_utils.runs.seed_blocks import compare_all

Groups = Mapping[str, Sequence[RunData]]
Scores = dict[str, np.ndarray]  # group -> [B], by seed
PROFILE_POINTS = 101


def shared_seeds(groups: Groups) -> list[int]:
    """The seeds that every group has."""
    return sorted(set.intersection(*({run.field("seed") for run in runs} for runs in groups.values()))) if groups else []


def longest_by_seed(runs: Sequence[RunData]) -> dict[int, RunData]:
    """The run of each seed; where there are several, the one that is longest in env steps."""
    return {run.field("seed"): run for run in sorted(runs, key=lambda run: run.end)}


def shared_runs(groups: Groups) -> tuple[dict[str, list[RunData]], float]:
    """A run of each seed that all groups have, in one order, and how far all of these runs are, in env steps."""
    seeds = shared_seeds(groups)
    by_seed = {name: longest_by_seed(runs) for name, runs in groups.items()}
    chosen = {name: [runs[seed] for seed in seeds] for name, runs in by_seed.items()}
    return chosen, min((run.end for runs in chosen.values() for run in runs), default=0.0)


def can_be_compared(groups: Groups) -> bool:
    """Whether there are two groups or more with two seeds or more in common."""
    return len(groups) > 1 and len(shared_seeds(groups)) > 1


def scores_by_measure(groups: Groups, y: str = LAST_RETURN, last: int = 10) -> dict[str, Scores]:
    """Of the seeds that all groups share, as far as the shortest of these runs: final value and area, in this order."""
    chosen, end = shared_runs(groups)
    until = f"to {end / 1e6:g}e6 steps"
    return {
        f"final {y} (last {last} iterations {until})": {
            name: np.array([final_value(run, y, last, end) for run in runs]) for name, runs in chosen.items()
        },
        f"area {until} ({y} x 10^6 steps)": {
            name: np.array([area_under_curve(run, y, end) for run in runs]) for name, runs in chosen.items()
        },
    }


def stages(groups: Groups) -> Iterator[Groups]:
    """All runs; then those groups and seeds that have more in common, more seeds or longer runs, as often as there are such.

    What was trained longer is so compared twice: with all others as far as these go, and among itself. If only some groups
    have more seeds, these are compared with each other on all of them, and with the others on the seeds that those have.
    """
    yield groups
    ends = {name: {seed: run.end for seed, run in longest_by_seed(runs).items()} for name, runs in groups.items()}
    longer: dict[tuple[frozenset[str], frozenset[int]], None] = {}  # groups and seeds, in the order of their ends
    for end in sorted({end for by_seed in ends.values() for end in by_seed.values()}):
        reached = {name: frozenset(seed for seed, at in by_seed.items() if at >= end) for name, by_seed in ends.items()}
        shared = {a & b for a, b in itertools.combinations_with_replacement(reached.values(), 2)}
        for seeds in sorted(shared, key=lambda seeds: (-len(seeds), sorted(seeds))):
            longer[frozenset(name for name, found in reached.items() if seeds <= found), seeds] = None
    for names, seeds in longer:
        if len(names) > 1 and len(seeds) > 1 and (names != {*groups} or seeds != {*shared_seeds(groups)}):
            yield {
                name: [run for run in runs if run.field("seed") in seeds] for name, runs in groups.items() if name in names
            }


def scores_by_stage(groups: Groups, y: str = LAST_RETURN, last: int = 10) -> list[dict[str, Scores]]:
    """`scores_by_measure` of each of the `stages` that has something to compare."""
    return [scores_by_measure(part, y, last) for part in stages(groups) if can_be_compared(part)]


def comparison_table(measures: Mapping[str, Scores]) -> pd.DataFrame:
    """Each pair of groups on each measure: Tukey's and bootstrap intervals, p-values, and P(first > second) from 8 seeds on.

    Raises:
      ValueError: there are fewer than two groups or shared seeds.
    """
    tables = []
    for measure, scores in measures.items():
        table = compare_all(scores)
        table.insert(0, "measure", measure)
        if table["seeds"].min() >= LEAST_RUNS:
            chances = [_chance(scores[a], scores[b]) for a, b in zip(table["first"], table["second"], strict=True)]
            for name, values in zip(("P(first > second)", "P low", "P high"), zip(*chances, strict=True), strict=True):
                table[name] = values
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _chance(first: np.ndarray, second: np.ndarray) -> Estimate:
    if not np.isfinite([first, second]).all():
        return Estimate(np.nan, np.nan, np.nan)
    return estimate(improvement_probability, first[:, np.newaxis], second[:, np.newaxis], rng=np.random.default_rng(0))


def interquartile_table(measures: Mapping[str, Scores]) -> pd.DataFrame:
    """The interquartile mean of each group on each measure, with its bootstrap interval."""
    rows = []
    for measure, scores in measures.items():
        for name, values in scores.items():
            mean = estimate(interquartile_mean, values[:, np.newaxis], rng=np.random.default_rng(0))
            columns = {"interquartile mean": mean.value, "low": mean.low, "high": mean.high, "seeds": len(values)}
            rows.append({"measure": measure, "group": name, **columns})
    return pd.DataFrame(rows)


def profiles(scores: Scores) -> dict[str, Curve]:
    """Of each group the share of its runs above a threshold, against thresholds over the range of all scores."""
    values = np.concatenate(list(scores.values()))
    thresholds, rng = np.linspace(values.min(), values.max(), PROFILE_POINTS), np.random.default_rng(0)

    def above(group: np.ndarray) -> np.ndarray:
        return performance_profile(group, thresholds)

    def curve(group: np.ndarray) -> Curve:
        share = estimate(above, group[:, np.newaxis], rng=rng)
        return Curve(thresholds, np.asarray(share.value), np.asarray(share.low), np.asarray(share.high), seeds=len(group))

    return {name: curve(group) for name, group in scores.items()}


def tables_of_panels(
    make: Callable[[Mapping[str, Scores]], pd.DataFrame], panels: Iterable[tuple[str, Mapping[str, Scores]]]
) -> pd.DataFrame:
    """The tables that `make` makes of the measures of each panel or part of one, below each other."""
    tables = []
    for title, measures in panels:
        table = make(measures)
        table.insert(0, "panel", title)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
