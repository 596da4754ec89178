"""LVC's and DiCE's meta-gradients at the same theta. In training each is measured on a course of its own."""

import dataclasses
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from experiment_utils.paper import run_variance_dice, run_variance_lvc
from experiment_utils.paper.experiments import SAME_THETA
from experiment_utils.paper.variance_config import SPREADS, GradientVarianceConfig
from experiment_utils.runs.results import RunData, RunDataWarning, trained_iterations
from experiment_utils.runs.run_dir import RunDir
from experiment_utils.runs.run_spec import Run
from experiment_utils.tensorflow_setup import configure_tensorflow
from meta_policy_search.utils.atomic_write import atomic_write

ESTIMATORS = {"LVC": run_variance_lvc, "DiCE": run_variance_dice}
TABLE = SAME_THETA
COLUMNS = ("itr", "estimator", "iterations", *SPREADS.values())  # that are read
OF_THE_ESTIMATOR = {"algo", "baseline", "inner_type"}  # settings that are not taken from the run


def measure(run: Run) -> Path:
    """Measures both estimators at each snapshot of theta that the run has kept; same_theta.csv beside the run has the rows.

    An estimator's R rounds adapt and sample by its own rules, in tasks that both share. Made anew when the run has gone on.
    """
    target, iterations = run.folder / TABLE, trained_iterations(run.folder)
    if (table := _read(target)) is not None and table["iterations"].eq(iterations).all():
        return target
    configure_tensorflow()
    saved = RunDir(run.folder).require_config()
    rows = [row for name in ESTIMATORS for row in _rows(name, run.folder, saved)]
    atomic_write(target, pd.DataFrame(rows).assign(iterations=iterations).to_csv(index=False))
    return target


def settings_for(name: str, saved: Mapping[str, object]) -> GradientVarianceConfig:
    """The estimator's settings, with those of the run that both have: environment, batch, step length, rounds."""
    defaults = ESTIMATORS[name].DEFAULTS
    shared = {field.name for field in dataclasses.fields(defaults)} & saved.keys() - OF_THE_ESTIMATOR
    values = {name: tuple(value) if isinstance(value := saved[name], list) else value for name in shared}
    return dataclasses.replace(defaults, **values)


def _rows(name: str, folder: Path, saved: Mapping[str, object]) -> Iterator[dict[str, object]]:
    from experiment_utils.paper.gradient_variance import gradient_statistics, sampled_gradients
    from meta_policy_search.utils.snapshots import BEST, available, load_snapshot

    config = settings_for(name, saved)
    algo, sampler, processor = ESTIMATORS[name].build(config, np.random.default_rng(config.seed))
    directory = RunDir(folder).policies
    for which in [which for which in available(directory) if which != BEST]:
        snapshot = load_snapshot(directory, which, algo.theta)
        for key, variable in algo.theta.items():
            variable.assign(snapshot.theta[key])
        rng = np.random.default_rng((config.seed, snapshot.itr))  # the same tasks for both
        sampler.update_tasks(rng)
        rounds = [sampled_gradients(algo.algo, sampler, processor, rng) for _ in range(config.sampling_rounds)]
        yield {"itr": snapshot.itr, "snapshot": which, "estimator": name, **gradient_statistics(rounds)}
    sampler.envs.close()


def _read(path: Path) -> pd.DataFrame | None:
    """The rows of a same_theta.csv, or None if there is none; a broken one is named in a warning."""
    if not path.exists():
        return None
    try:
        table = pd.read_csv(path)
        good = set(table["estimator"]) == set(ESTIMATORS)
        table = table.astype(dict.fromkeys([name for name in COLUMNS if name != "estimator"], float))
    except (OSError, ValueError, KeyError):
        good = False
    if not good:
        warnings.warn(f"{path} can't be read as measurements of LVC and DiCE; left out", RunDataWarning, stacklevel=2)
    return table if good else None


def same_theta_table(data: Mapping[str, Sequence[RunData]]) -> pd.DataFrame:
    """Per snapshot and estimator, over the thetas of all runs that were measured: means, and how often LVC's is steadier."""
    tables = [
        table.assign(course=name, seed=run.config["seed"])
        for name, found in data.items()
        for run in found
        if (table := _read(run.path / TABLE)) is not None
    ]
    if not tables:
        return pd.DataFrame()
    rows = []
    for (course, itr), group in pd.concat(tables).groupby(["course", "itr"], sort=True):
        by_estimator = group.set_index(["seed", "estimator"])
        row: dict[str, object] = {"theta of": course, "iteration": itr, "thetas": group["seed"].nunique()}
        for label, column in SPREADS.items():
            values = by_estimator[column].unstack()
            row |= {f"{label}, {name}": values[name].mean() for name in ESTIMATORS}
            row[f"{label} smaller for LVC"] = f"{(values['LVC'] < values['DiCE']).sum()} of {len(values)}"
        rows.append(row)
    return pd.DataFrame(rows)
