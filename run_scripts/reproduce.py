"""The figures of the paper and the poster: trains what is missing, goes on with what was cut off, draws.

python run_scripts/reproduce.py figure2 --env half_cheetah --budget quick
python run_scripts/reproduce.py figure2 --plot-only

Runs lie below --dump_path, and the pictures in its folder figures/. --plot-only trains nothing: it draws what is committed
in results/ into docs/figures/. Budgets and the time they take: docs/reproduce.md.
"""

import dataclasses
import itertools
import sys
import warnings
from pathlib import Path
from typing import Literal

import tyro

from experiment_utils.cli import parse_arguments
from experiment_utils.config import ConfigError, Validated
from experiment_utils.paper import (
    estimators,
    estimators_plot,
    figure1,
    figure2,
    figure3,
    figure4,
    formulations,
    formulations_plot,
    same_theta,
)
from experiment_utils.paper.experiments import Budget
from experiment_utils.paper.variance_config import RoundTasks
from experiment_utils.plot_utils import plain_warnings
from experiment_utils.run_sweep import STARTED_HERE, report, run_sweep
from experiment_utils.runs.archive import fetch, keep
from experiment_utils.runs.results import InvalidRunError, RunDataWarning
from experiment_utils.runs.run_spec import Run
from experiment_utils.script import fail, say

Figure = Literal["figure1", "figure2", "figure3", "figure3_point", "figure4", "formulations", "estimators"]

ROOT = Path(__file__).resolve().parent.parent
RESULTS, FIGURES = ROOT / "results", ROOT / "docs" / "figures"
VARIANCE = ("figure3", "figure3_point")
POOL = ("jobs", "backend", "cluster", "cpus_per_run")
ONE_ENVIRONMENT = ("env", "round_tasks")
NO_EFFECT: dict[Figure, tuple[str, ...]] = {  # flags
    "figure1": (*POOL, *ONE_ENVIRONMENT, "budget", "seeds", "n_itr", "collect", "from_results"),
    "figure2": ("round_tasks",),
    "figure3": ("env",),
    "figure3_point": ("env",),
    "figure4": ONE_ENVIRONMENT,
    "formulations": (*POOL, *ONE_ENVIRONMENT, "n_itr"),
    "estimators": (*POOL, *ONE_ENVIRONMENT, "seeds", "n_itr", "collect", "from_results"),
}


@dataclasses.dataclass(frozen=True)
class Args(Validated):
    """What to reproduce."""

    figure: tyro.conf.Positional[Figure]
    """figure1-4 of the paper; figure3_point, figure 3 on a point mass; formulations, the poster's picture; estimators, their
    exact bias and variance."""
    budget: Budget = "quick"
    """paper: the paper's iterations and seeds; quick: what a laptop can do; smoke: to see that everything works."""
    seeds: tuple[int, ...] = ()
    """Instead of the budget's."""
    n_itr: int | None = None
    """Iterations of each run, instead of the budget's."""
    env: tuple[str, ...] = ()
    """figure2: only these panels, e.g. half_cheetah ant hopper_params walker humanoid walker_params."""
    round_tasks: RoundTasks = "same"
    """figure3: tasks of an iteration's additional sampling rounds: the same, or, as in the original, the previous ones."""
    jobs: int = 1
    """Runs at a time. One run already simulates on all cores."""
    backend: str = STARTED_HERE
    """Pool of joblib's that the runs start on: loky, threading or multiprocessing"""
    cluster: str | None = None
    """A Ray cluster to run on instead: auto, or ray://host:port; --dump_path must be a folder that its machines share."""
    cpus_per_run: int = 1
    """Cores of the cluster that each run reserves."""
    plot_only: bool = False
    """Train nothing, draw what is in --results."""
    collect: bool = False
    """Also copy logs, last policies and newest checkpoints to --results, where --plot_only and --from_results find them."""
    from_results: bool = False
    """Begin with the runs in --results: train none anew that is finished there, and go on with those cut off."""
    dump_path: Path = Path("data/reproduce")
    """The runs lie below it."""
    results: Path = RESULTS
    """Kept data."""
    out: Path | None = None
    """Of the pictures and tables. Default: docs/figures for a whole figure of kept data, else figures/ beside the runs."""


def main(argv: list[str] | None = None) -> int:
    """Does what the arguments ask for; returns the exit code."""
    plain_warnings()
    try:
        args = parse_arguments(Args, __doc__, argv)
        require_effect(args)
        if args.n_itr is not None and args.n_itr < 1:
            raise ValueError("--n_itr must be at least 1")
        root = args.results if args.plot_only else args.dump_path / ("smoke" if args.budget == "smoke" else "")
        code = 0 if args.plot_only else train_and_collect(args, root)
        written = draw(args, root, args.out or default_out(args, root))
    except (ValueError, OSError) as error:
        return fail(str(error))
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on where it was.", file=sys.stderr)
        return 130
    say(written)
    return code


def require_effect(args: Args) -> None:
    """Raise ValueError for a flag that would have no effect."""
    unused = set(NO_EFFECT[args.figure])
    if args.plot_only:
        unused |= {"collect", "from_results", "seeds", "n_itr", "dump_path", *POOL}
        unused |= set() if args.figure in VARIANCE else {"budget"}
    elif not (args.collect or args.from_results):
        unused |= {"results"}
    if args.budget == "smoke" and args.collect:
        raise ValueError("--collect keeps no runs of --budget smoke; they are no results")
    if args.cluster is None:
        unused |= {"cpus_per_run"}
    else:
        unused |= {"backend"}
    for field in dataclasses.fields(Args):
        if field.name in unused and getattr(args, field.name) != field.default:
            mode = " --plot_only" if args.plot_only else ""
            raise ValueError(f"--{field.name} has no effect on {args.figure}{mode}; leave it out")


def default_out(args: Args, root: Path) -> Path:
    """The documentation's folder for the documentation's pictures, and otherwise one beside the runs."""
    documented = Args(args.figure, plot_only=True)
    return FIGURES if dataclasses.replace(args, out=None) == documented else root / "figures"


def train_and_collect(args: Args, root: Path) -> int:
    """Trains what is missing; with --collect, keeps what there is also if that is stopped."""
    try:
        return train(args, root)
    finally:
        if args.collect:
            collect(args, root)


def train(args: Args, root: Path) -> int:
    """Runs what the figure needs and the folders don't have; returns the exit code of the sweep."""
    if args.figure == "formulations":
        from experiment_utils.experiment import configure_tensorflow

        configure_tensorflow()
        if args.from_results:
            _copy_thetas(args.results, root)
        for seed, clipped in itertools.product(args.seeds or (0,), (True, False)):
            settings = dataclasses.replace(formulations.BUDGETS[args.budget], seed=seed, clipped=clipped)
            formulations.compute(root, settings, formulations.LEARNING_RATES[args.budget])
        return 0
    runs = runs_of(args, root)
    if not runs:
        return 0
    for run in runs if args.from_results else ():
        message = fetch(run, args.results / run.folder.relative_to(root))
        if message:
            warnings.warn(message, RunDataWarning, stacklevel=2)
    print(f"{len(runs)} runs below {root}; what each prints goes to run.log in its folder", flush=True)
    code = report(run_sweep(runs, args.jobs, args.backend, args.cluster, args.cpus_per_run))
    after_training = {"figure4": figure4.explore, "figure3_point": same_theta.measure}.get(args.figure)
    for run in runs if after_training else ():
        try:
            after_training(run)
        except (InvalidRunError, ConfigError, RuntimeError) as error:
            warnings.warn(f"{error}; not in the picture", RunDataWarning, stacklevel=2)
    return code


def runs_of(args: Args, root: Path) -> list[Run]:
    """The runs behind the figure."""
    runs: list[Run] = []
    if args.figure == "figure2":
        runs = figure2.runs(root, args.budget, args.seeds, args.env)
    elif args.figure in VARIANCE:
        runs = figure3.runs(root, variant_of(args), args.seeds)
    elif args.figure == "figure4":
        runs = figure4.runs(root, args.budget, args.seeds)
    if args.n_itr is None:
        return runs
    return [dataclasses.replace(run, settings={**run.settings, "n_itr": args.n_itr}) for run in runs]


def variant_of(args: Args) -> figure3.Variant:
    """Which of figure 3's experiments is meant."""
    return figure3.Variant(args.budget, args.round_tasks, args.figure)


def draw(args: Args, root: Path, out: Path) -> list[Path]:
    """Draws the figure from what is below `root`; returns the files."""
    if args.figure == "figure1":
        return figure1.draw(out)
    if args.figure == "figure2":
        return figure2.draw(root, out, args.env, args.budget)
    if args.figure in VARIANCE:
        return figure3.draw(root, out, variant_of(args))
    if args.figure == "figure4":
        return figure4.draw(root, out, args.budget)
    if args.figure == "estimators":
        print("summing over all trajectories of the processes; takes half a minute", flush=True)
        return estimators_plot.draw(out, estimators.SMOKE if args.budget == "smoke" else estimators.Settings())
    return formulations_plot.draw(root, out, *args.seeds[:1])


def collect(args: Args, root: Path) -> None:
    """Copies the data behind a figure to the same folders below --results."""
    for run in runs_of(args, root):
        if run.state() != "new":
            message = keep(
                run.folder, args.results / run.folder.relative_to(root), also=(figure4.EXPLORATION, same_theta.TABLE)
            )
            if message:
                warnings.warn(message, RunDataWarning, stacklevel=2)
    if args.figure == "formulations":
        _copy_thetas(root, args.results)


def _copy_thetas(source: Path, target: Path) -> None:
    """The table of formulations, if there is one. A table in the way must be a beginning of it."""
    names = [formulations.folder(root) / formulations.TABLE for root in (source, target)]
    if not names[0].exists():
        return
    new, old = names[0].read_bytes(), names[1].read_bytes() if names[1].exists() else b""
    if not new.startswith(old):
        warnings.warn(f"{names[1]} has other rows than {names[0]}; not replaced", RunDataWarning, stacklevel=2)
        return
    names[1].parent.mkdir(parents=True, exist_ok=True)
    names[1].write_bytes(new)


if __name__ == "__main__":
    sys.exit(main())
