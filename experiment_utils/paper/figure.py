"""What the commands of all figures have in common: flags, training, keeping."""

import dataclasses
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from typing_extensions import override

from experiment_utils.paper.experiments import Budget
from experiment_utils.places import FIGURES, RESULTS
from experiment_utils.progress import tracked
from experiment_utils.run_sweep import report, run_sweep
from experiment_utils.runs.archive import copy_table, fetch, keep
from experiment_utils.runs.results import RunDataWarning
from experiment_utils.runs.run_dir import InvalidRunError
from experiment_utils.runs.run_spec import Run
from experiment_utils.sweep_plan import STARTED_HERE
from experiment_utils.validation import ConfigError, Count, Validated


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

    of_training: ClassVar[tuple[str, ...]] = ("dump_path", "budget", "seeds", "collect", "from_results")

    @override
    def unused(self) -> set[str]:
        if self.budget == "smoke" and self.collect:
            raise ConfigError("--collect keeps no runs of --budget smoke; they are no results")
        return super().unused() - ({"results"} if self.collect or self.from_results else set())

    @override
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
class Tabled(Computed):
    """A figure of a table that grows, <root>/<name>/<table>."""

    table: ClassVar[str]

    def complete(self) -> None:
        """Add the rows that the table doesn't have yet."""
        raise NotImplementedError

    @override
    def compute(self) -> int:
        from experiment_utils.tensorflow_setup import configure_tensorflow

        configure_tensorflow()
        if self.from_results:
            warn(copy_table(self._below(self.results), self._below(self.root)))
        self.complete()
        return 0

    @override
    def keep(self) -> None:
        warn(copy_table(self._below(self.root), self._below(self.results)))

    def _below(self, root: Path) -> Path:
        return root / self.name / self.table


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

    of_training: ClassVar[tuple[str, ...]] = (*Computed.of_training, "n_itr", "jobs", "backend", "cluster", "cpus_per_run")
    beside: ClassVar[tuple[str, ...]] = ()  # files of a run that are kept with it

    @override
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

    @override
    def compute(self) -> int:
        """Run what the folders don't have; return the exit code of the sweep."""
        runs = self.runs()
        for run in runs if self.from_results else ():
            warn(fetch(run, self.kept(run)))
        print(f"{len(runs)} runs below {self.root}; what each prints goes to run.log in its folder", flush=True)
        code = report(run_sweep(runs, self.jobs, self.backend, self.cluster, self.cpus_per_run))
        after = self.after()
        if after is None:
            return code
        for run in tracked(runs, "measuring the runs", len(runs)):
            try:
                after(run)
            except (InvalidRunError, ConfigError, RuntimeError) as error:
                warn(f"{error}; not in the picture")
        return code

    @override
    def keep(self) -> None:
        for run in self.runs():
            if run.state() != "new":
                warn(keep(run.folder, self.kept(run), also=self.beside))


def warn(message: str | None) -> None:
    """Warn of what is left out, if there is anything."""
    if message:
        warnings.warn(message, RunDataWarning, stacklevel=3)
