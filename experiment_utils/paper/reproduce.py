"""The commands that make the figures: train what is missing, go on with what was cut off, draw."""

import dataclasses
import itertools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ClassVar

from tyro.conf import subcommand

from experiment_utils.cli import parse_arguments
from experiment_utils.config import ConfigError, Count, Validated
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
from experiment_utils.script import run_script, say

ROOT = Path(__file__).resolve().parents[2]
RESULTS, FIGURES = ROOT / "results", ROOT / "docs" / "figures"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure(Validated):
    """A figure, drawn from kept data or from the runs below --dump_path."""

    plot_only: bool = False
    """Train nothing, draw what is in --results."""
    dump_path: Path = Path("data/reproduce")
    """Directory of the runs."""
    results: Path = RESULTS
    """Directory of the kept data."""
    out: Path | None = None
    """Of the pictures and tables. Default: docs/figures for a whole figure of kept data, else figures/ beside the runs."""

    name: ClassVar[str]
    of_training: ClassVar[tuple[str, ...]] = ("dump_path",)  # flags that have no effect beside --plot_only

    def unused(self) -> set[str]:
        """Return the flags that have no effect beside the others."""
        return set(self.of_training) if self.plot_only else {"results"}

    def require_effect(self) -> None:
        """Raise ConfigError for a flag that would have no effect."""
        default = type(self)()
        for name in self.unused():
            if getattr(self, name) != getattr(default, name):
                mode = " --plot_only" if self.plot_only else ""
                raise ConfigError(f"--{name} has no effect on {self.name}{mode}; leave it out")

    @property
    def root(self) -> Path:
        """The directory of the data that is drawn."""
        is_smoke = getattr(self, "budget", None) == "smoke"
        return self.results if self.plot_only else self.dump_path / ("smoke" if is_smoke else "")

    def default_out(self) -> Path:
        """Return the documentation's folder for the documentation's pictures, and otherwise one beside the runs."""
        documented = dataclasses.replace(self, out=None) == type(self)(plot_only=True)
        return FIGURES if documented else self.root / "figures"

    def train(self) -> int:
        """Compute what the figure needs and there isn't yet; return the exit code."""
        return 0

    def draw(self, out: Path) -> list[Path]:
        """Draw the figure; return the files."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Computed(Figure):
    """A figure behind which there is a computation of a size, which can be kept."""

    budget: Budget = "quick"
    """paper: the paper's iterations and seeds; quick: what a laptop can do; smoke: to see that everything works."""
    seeds: tuple[int, ...] = ()
    """Instead of the budget's."""
    collect: bool = False
    """Also copy logs, last policies and newest checkpoints to --results, where --plot_only and --from_results find them."""
    from_results: bool = False
    """Begin with what is in --results: compute nothing anew that is finished there, and go on with what was cut off."""

    of_training = ("dump_path", "budget", "seeds", "collect", "from_results")

    def unused(self) -> set[str]:
        if self.budget == "smoke" and self.collect:
            raise ConfigError("--collect keeps no runs of --budget smoke; they are no results")
        return super().unused() - ({"results"} if self.collect or self.from_results else set())

    def train(self) -> int:
        """Compute, and with --collect keep what there is also if that is stopped."""
        try:
            return self.compute()
        finally:
            if self.collect:
                self.keep()

    def compute(self) -> int:
        """Compute what there isn't yet; return the exit code."""
        raise NotImplementedError

    def keep(self) -> None:
        """Copy the data behind the figure to the same folders below --results."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trained(Computed):
    """A figure of training runs."""

    n_itr: Count | None = None
    """Iterations of each run, instead of the budget's."""
    jobs: Count = 1
    """Runs at a time. One run already simulates on all cores."""
    backend: str = STARTED_HERE
    """Pool of joblib's that the runs start on: loky, threading or multiprocessing."""
    cluster: str | None = None
    """A Ray cluster to run on instead: auto, or ray://host:port; --dump_path must be a folder that its machines share."""
    cpus_per_run: Count = 1
    """Cores of the cluster that each run reserves."""

    of_training = (*Computed.of_training, "n_itr", "jobs", "backend", "cluster", "cpus_per_run")
    beside: ClassVar[tuple[str, ...]] = ()  # files of a run that are kept with it

    def unused(self) -> set[str]:
        return super().unused() | ({"cpus_per_run"} if self.cluster is None else {"backend"})

    def planned(self) -> list[Run]:
        """Return the runs behind the figure, as long as the budget says."""
        raise NotImplementedError

    def after(self) -> Callable[[Run], object] | None:
        """Return what is to be done with each run when it is trained; None for nothing."""
        return None

    def runs(self) -> list[Run]:
        """Return the runs behind the figure."""
        if self.n_itr is None:
            return self.planned()
        return [dataclasses.replace(run, settings={**run.settings, "n_itr": self.n_itr}) for run in self.planned()]

    def kept(self, run: Run) -> Path:
        """Return where a run is kept."""
        return self.results / run.folder.relative_to(self.root)

    def compute(self) -> int:
        """Run what the folders don't have; return the exit code of the sweep."""
        runs, after = self.runs(), self.after()
        for run in runs if self.from_results else ():
            _warn(fetch(run, self.kept(run)))
        print(f"{len(runs)} runs below {self.root}; what each prints goes to run.log in its folder", flush=True)
        code = report(run_sweep(runs, self.jobs, self.backend, self.cluster, self.cpus_per_run))
        for run in runs if after else ():
            try:
                after(run)
            except (InvalidRunError, ConfigError, RuntimeError) as error:
                _warn(f"{error}; not in the picture")
        return code

    def keep(self) -> None:
        for run in self.runs():
            if run.state() != "new":
                _warn(keep(run.folder, self.kept(run), also=self.beside))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure1(Figure):
    """The stochastic computation graphs of the two formulations."""

    name = "figure1"

    def draw(self, out: Path) -> list[Path]:
        return figure1.draw(out)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure2(Trained):
    """Learning curves of five algorithms in six task families."""

    env: tuple[str, ...] = ()
    """Only these panels, e.g. half_cheetah ant hopper_params walker humanoid walker_params."""

    name = "figure2"

    def planned(self) -> list[Run]:
        return figure2.runs(self.root, self.budget, self.seeds, self.env)

    def draw(self, out: Path) -> list[Path]:
        return figure2.draw(self.root, out, self.env, self.budget)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure3(Trained):
    """How much the meta-gradients of LVC and DiCE vary."""

    round_tasks: RoundTasks = "same"
    """Tasks of an iteration's additional sampling rounds: the same, or, as in the original, the previous ones."""

    name = "figure3"
    of_training = tuple(flag for flag in Trained.of_training if flag != "budget")
    beside = (same_theta.TABLE,)

    @property
    def variant(self) -> figure3.Variant:
        """Which experiment it is."""
        return figure3.Variant(self.budget, self.round_tasks, self.name)

    def planned(self) -> list[Run]:
        return figure3.runs(self.root, self.variant, self.seeds)

    def draw(self, out: Path) -> list[Path]:
        return figure3.draw(self.root, out, self.variant)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure3Point(Figure3):
    """Figure 3 on a point mass."""

    name = "figure3_point"

    def after(self) -> Callable[[Run], object]:
        return same_theta.measure


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure4(Trained):
    """Exploration before and exploitation after adaptation."""

    name = "figure4"
    beside = (figure4.EXPLORATION,)

    def planned(self) -> list[Run]:
        return figure4.runs(self.root, self.budget, self.seeds)

    def after(self) -> Callable[[Run], object]:
        return figure4.explore

    def draw(self, out: Path) -> list[Path]:
        return figure4.draw(self.root, out, self.budget)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Formulations(Computed):
    """The poster's picture: meta-updates under the two formulations."""

    name = "formulations"

    def compute(self) -> int:
        from experiment_utils.tensorflow_setup import configure_tensorflow

        configure_tensorflow()
        if self.from_results:
            copy_thetas(self.results, self.root)
        for seed, clipped in itertools.product(self.seeds or (0,), (True, False)):
            settings = dataclasses.replace(formulations.BUDGETS[self.budget], seed=seed, clipped=clipped)
            formulations.compute(self.root, settings, formulations.LEARNING_RATES[self.budget])
        return 0

    def keep(self) -> None:
        copy_thetas(self.root, self.results)

    def draw(self, out: Path) -> list[Path]:
        return formulations_plot.draw(self.root, out, *self.seeds[:1])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimators(Figure):
    """Exact bias and variance of the estimators."""

    budget: Budget = "quick"
    """smoke: to see that everything works; the others are the same."""

    name = "estimators"
    of_training = ("dump_path", "budget")

    def draw(self, out: Path) -> list[Path]:
        print("summing over all trajectories of the processes; takes half a minute", flush=True)
        return estimators_plot.draw(out, estimators.SMOKE if self.budget == "smoke" else estimators.Settings())


COMMANDS = (
    Annotated[Figure1, subcommand("figure1")]
    | Annotated[Figure2, subcommand("figure2")]
    | Annotated[Figure3, subcommand("figure3")]
    | Annotated[Figure3Point, subcommand("figure3_point")]
    | Annotated[Figure4, subcommand("figure4")]
    | Annotated[Formulations, subcommand("formulations")]
    | Annotated[Estimators, subcommand("estimators")]
)


def main(description: str, argv: list[str] | None = None) -> int:
    """Make the figure that the arguments ask for; return the exit code."""
    plain_warnings()
    return run_script(lambda: _main(description, argv), interrupted="Stopped. The same command goes on where it was.")


def _main(description: str, argv: list[str] | None) -> int:
    figure = parse_arguments(COMMANDS, description, argv)
    figure.require_effect()
    code = 0 if figure.plot_only else figure.train()
    say(figure.draw(figure.out or figure.default_out()))
    return code


def copy_thetas(source: Path, target: Path) -> None:
    """Copy the table of formulations, if there is one. A table in the way must be a beginning of it."""
    names = [formulations.folder(root) / formulations.TABLE for root in (source, target)]
    if not names[0].exists():
        return
    new, old = names[0].read_bytes(), names[1].read_bytes() if names[1].exists() else b""
    if not new.startswith(old):
        _warn(f"{names[1]} has other rows than {names[0]}; not replaced")
        return
    names[1].parent.mkdir(parents=True, exist_ok=True)
    names[1].write_bytes(new)


def _warn(message: str | None) -> None:
    if message:
        warnings.warn(message, RunDataWarning, stacklevel=3)
