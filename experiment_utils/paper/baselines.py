"""Meta-learning beside what it must be compared with, at equal environment steps: which runs, and what is measured of them.

Trained are ProMP and, for as many env steps, one policy on all tasks (PPO, K = 0: multi-task training, domain random
search), the oracle, the same with the task in its observation, and RL2. ProMP's policy and that of all tasks are then
adapted to the same test tasks by the same inner steps, and by PPO and TRPO in each task alone; so is a random
initialisation, for which the latter is training from scratch. RL2 adapts by its memory.
"""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from experiment_utils.paper.experiments import (
    ADAPTATION,
    SMOKE,
    SMOKE_N_ITR,
    SMOKE_ROLLOUTS,
    SMOKE_TASKS,
    Budget,
    of_figure,
    run_of,
)
from experiment_utils.runs.results import LAST_RETURN, RunData, RunDataWarning, load_runs, trained_iterations
from experiment_utils.runs.run_spec import Run, Settings
from experiment_utils.validation import ConfigError
from meta_policy_search.utils.atomic_write import atomic_write

TABLE = ADAPTATION
INNER, PPO, TRPO, MEMORY = "inner steps", "PPO", "TRPO", "memory"  # how a policy adapts
META, JOINT, ORACLE, RANDOM, RL2 = "ProMP", "all tasks", "oracle", "random initialisation", "RL2"
COLUMNS = {"policy": str, "adapted by": str, "updates": int, "rollouts": int, "task": int, "return": float, "itr": int}

COMMON = {"meta_batch_size": 20, "rollouts_per_meta_task": 20, "max_path_length": 100}
POINT = {"max_path_length": 50, "hidden_sizes": (32, 32), "learning_rate": 3e-3}


class Panel(NamedTuple):
    """A task family of the comparison."""

    env: str
    settings: Settings
    inner_lr: float  # of the methods that adapt by inner steps; the paper has 0.1
    quick_n_itr: int  # of ProMP
    quick_seeds: tuple[int, ...]


class Method(NamedTuple):
    """A way to train a policy for a family."""

    algorithm: str  # of the registry
    settings: Settings
    rounds: int  # env steps per iteration, in units of N R H of COMMON
    smoke: Settings = {}  # noqa: RUF012, never changed; of the smoke budget


PANELS = {
    "corner": Panel("MetaPointEnvCorner", POINT, 1.0, 50, (1, 2, 3, 4, 5)),
    "momentum": Panel("MetaPointEnvMomentum", POINT, 0.1, 50, (1, 2, 3, 4, 5)),
    "half_cheetah_vel": Panel("HalfCheetahRandVelEnv", {"hidden_sizes": (64, 64)}, 0.1, 100, (1, 2, 3)),
}
SMOKE_TRIALS = {"rollouts_per_trial": SMOKE_ROLLOUTS, "memory_size": 8, "meta_batch_size": 2 * SMOKE_TASKS}
METHODS = {
    META: Method("ProMP", {"num_inner_grad_steps": 1}, 2),
    JOINT: Method("ProMP", {"num_inner_grad_steps": 0}, 1),
    ORACLE: Method("ProMP", {"num_inner_grad_steps": 0, "observe_task": True}, 1),
    RL2: Method("RL2", {"meta_batch_size": 2 * COMMON["meta_batch_size"]}, 2, SMOKE_TRIALS),
}
BY_INNER_STEPS = (META, JOINT)
PAPER_N_ITR, PAPER_SEEDS = 1001, (1, 2, 3, 4, 5)


def folder(root: Path) -> Path:
    """Where the runs are."""
    return root / "baselines"


def runs(
    root: Path,
    budget: Budget,
    seeds: Sequence[int] = (),
    env: Sequence[str] = (),
    methods: Sequence[str] = (),
    n_itr: int | None = None,
) -> list[Run]:
    """All runs, in baselines/<panel>/<method>/seed_<n>, seed by seed.

    Args:
      env, methods: restrict them to some panels and methods.
      n_itr: iterations of ProMP instead of the budget's; the others get as many env steps.
    """
    return [
        planned(root, panel, method, budget, seed, n_itr)
        for panel in chosen(env)
        for seed in seeds or seeds_of(panel, budget)
        for method in chosen_methods(methods)
    ]


def chosen_methods(names: Sequence[str]) -> list[str]:
    """The methods of these names, by default all.

    Raises:
      ConfigError: there is no such method.
    """
    odd = [name for name in names if name not in METHODS]
    if odd:
        raise ConfigError(f"baselines has no method {odd[0]!r}; it has {', '.join(map(repr, METHODS))}")
    return list(dict.fromkeys(names or METHODS))


def seeds_of(panel: str, budget: Budget) -> tuple[int, ...]:
    """The seeds of a panel."""
    return {"smoke": (1,), "quick": PANELS[panel].quick_seeds, "paper": PAPER_SEEDS}[budget]


def planned(root: Path, panel: str, method: str, budget: Budget, seed: int, n_itr: int | None = None) -> Run:
    """One run. All methods of a panel have the same env steps, so the iterations depend on how many are in one."""
    trained, (env, own, inner_lr, quick_n_itr, _) = METHODS[method], PANELS[panel]
    n_itr = n_itr or {"smoke": SMOKE_N_ITR, "quick": quick_n_itr, "paper": PAPER_N_ITR}[budget]
    small = {**SMOKE, **trained.smoke} if budget == "smoke" else {}
    settings = {
        "env": env,
        **COMMON,
        **own,
        **({"inner_lr": inner_lr} if method in BY_INNER_STEPS else {}),
        **trained.settings,
        **small,
        "n_itr": n_itr * METHODS[META].rounds // trained.rounds,
    }
    where = folder(root) / panel / method.replace(" ", "_") / f"seed_{seed}"
    return run_of(trained.algorithm, where, {**settings, "seed": seed})


def chosen(env: Sequence[str]) -> list[str]:
    """The panels of these names (momentum) or families (MetaPointEnvMomentum).

    Raises:
      ConfigError: there is no such panel.
    """
    names = {key: name for name, panel in PANELS.items() for key in (name, panel.env)}
    odd = [name for name in env if name not in names]
    if odd:
        raise ConfigError(f"baselines has no panel {odd[0]!r}; it has {', '.join(PANELS)}")
    return list(dict.fromkeys(names[name] for name in env)) if env else list(PANELS)


def method_of(run: Run) -> str:
    """The method that a planned run is of."""
    return run.folder.parent.name.replace("_", " ")


def measure(run: Run) -> Path:
    """Adapts the run's last policy to test tasks; adaptation.csv beside the run has a row for each task and amount.

    It is made anew when the run has gone on.
    """
    from experiment_utils.paper.baselines_measure import measured_rows

    target, iterations = run.folder / TABLE, trained_iterations(run.folder)
    if (table := read_table(target)) is not None and table["itr"].eq(iterations).all():
        return target
    rows = measured_rows(run.folder, method_of(run))
    atomic_write(target, pd.DataFrame(rows).assign(itr=iterations).to_csv(index=False, float_format="%.6g"))
    return target


def read_table(path: Path) -> pd.DataFrame | None:
    """The rows of an adaptation.csv, or None if there is none; a broken one is named in a warning."""
    if not path.exists():
        return None
    try:
        return pd.read_csv(path)[list(COLUMNS)].astype(COLUMNS)
    except (OSError, ValueError, KeyError):
        warnings.warn(f"{path} can't be read as returns after adaptation; left out", RunDataWarning, stacklevel=2)
        return None


def load_panel(root: Path, panel: str, budget: Budget) -> pd.DataFrame:
    """All rows of a panel's runs, with seed and env steps. Runs that are shorter than others are named and left out."""
    tables = list(_tables(root, panel, budget))
    longest = max((steps for steps, _, _ in tables), default=0)
    for steps, path, _ in tables:
        if steps < longest:
            message = f"{path} has {steps} env steps, others of {panel} have {longest}; left out"
            warnings.warn(message, RunDataWarning, stacklevel=2)
    kept = [table.assign(env_steps=steps) for steps, _, table in tables if steps == longest]
    return pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=[*COLUMNS, "seed", "env_steps"])


def _tables(root: Path, panel: str, budget: Budget) -> Iterator[tuple[int, Path, pd.DataFrame]]:
    for method in METHODS:
        where = folder(root) / panel / method.replace(" ", "_")
        found = load_runs([where], (LAST_RETURN,)) if where.exists() else []

        def wanted(run: RunData, method: str = method) -> Run:
            return planned(root, panel, method, budget, run.config["seed"])

        for run in of_figure(found, wanted, "baselines"):
            table = read_table(run.path / TABLE)
            if table is not None:
                steps = int(run.progress["n_timesteps"].iloc[table["itr"].iloc[0] - 1])  # of the policy that was measured
                yield steps, run.path, table.assign(seed=run.config["seed"])
