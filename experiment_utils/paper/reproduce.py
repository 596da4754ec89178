"""The figures of the paper and the poster: trains what is missing, goes on with what was cut off, draws.

python run_scripts/reproduce.py figure2 --env half_cheetah --budget quick
python run_scripts/reproduce.py figure2 --plot-only

Runs lie below --dump_path, and the pictures in its folder figures/. --plot-only trains nothing: it draws what is committed
in results/ into docs/figures/. Budgets and the time they take: docs/reproduce.md.
"""

import dataclasses
import functools
import itertools
import operator
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, cast

from typing_extensions import override
from tyro.conf import subcommand

from experiment_utils.cli import parse_arguments
from experiment_utils.paper.experiments import ADAPTATION, EXPLORATION, SAME_THETA, THETAS, TIMES, Budget
from experiment_utils.paper.figure import Figure, Tabled, Trained
from experiment_utils.paper.variance_config import Experiment, RoundTasks
from experiment_utils.progress import announce
from experiment_utils.runs.run_spec import Run
from experiment_utils.script import plain_warnings, run_script, say

if TYPE_CHECKING:
    from experiment_utils.paper import figure3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure1(Figure):
    """The stochastic computation graphs of the two formulations."""

    name = "figure1"

    @override
    def draw(self, out: Path) -> list[Path]:
        from experiment_utils.paper import figure1

        return figure1.draw(out)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure2(Trained):
    """Learning curves of five algorithms in six task families."""

    env: tuple[str, ...] = ()
    """Only these panels, e.g. half_cheetah ant hopper_params walker humanoid walker_params."""

    name = "figure2"

    @override
    def planned(self) -> list[Run]:
        from experiment_utils.paper import figure2

        return figure2.runs(self.root, self.budget, self.seeds, self.env)

    @override
    def draw(self, out: Path) -> list[Path]:
        from experiment_utils.paper import figure2

        return figure2.draw(self.root, out, self.env, self.budget)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure3(Trained):
    """How much the meta-gradients of LVC and DiCE vary."""

    round_tasks: RoundTasks = "same"
    """Tasks of an iteration's additional sampling rounds: the same, or, as in the original, the previous ones."""

    name = "figure3"
    experiment: ClassVar[Experiment] = "figure3"
    of_training = tuple(flag for flag in Trained.of_training if flag != "budget")
    beside = (SAME_THETA,)

    @property
    def variant(self) -> "figure3.Variant":
        """Which experiment it is."""
        from experiment_utils.paper import figure3

        return figure3.Variant(self.budget, self.round_tasks, self.experiment)

    @override
    def planned(self) -> list[Run]:
        from experiment_utils.paper import figure3

        return figure3.runs(self.root, self.variant, self.seeds)

    @override
    def draw(self, out: Path) -> list[Path]:
        from experiment_utils.paper import figure3

        return figure3.draw(self.root, out, self.variant)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure3Point(Figure3):
    """Figure 3 on a point mass."""

    name = "figure3_point"
    experiment: ClassVar[Experiment] = "figure3_point"

    @override
    def after(self) -> Callable[[Run], object]:
        from experiment_utils.paper import same_theta

        return same_theta.measure


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure4(Trained):
    """Exploration before and exploitation after adaptation."""

    name = "figure4"
    beside = (EXPLORATION,)

    @override
    def planned(self) -> list[Run]:
        from experiment_utils.paper import figure4

        return figure4.runs(self.root, self.budget, self.seeds)

    @override
    def after(self) -> Callable[[Run], object]:
        from experiment_utils.paper import figure4

        return figure4.explore

    @override
    def draw(self, out: Path) -> list[Path]:
        from experiment_utils.paper import figure4

        return figure4.draw(self.root, out, self.budget)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Baselines(Trained):
    """Meta-learning beside its baselines, at equal environment steps."""

    env: tuple[str, ...] = ()
    """Only these families: corner, momentum, half_cheetah_vel."""
    methods: tuple[str, ...] = ()
    """Train only these: ProMP, 'all tasks', oracle, RL2."""

    name = "baselines"
    of_training = (*Trained.of_training, "methods")
    beside = (ADAPTATION,)

    @override
    def runs(self) -> list[Run]:
        """The runs behind the figure; n_itr counts iterations of ProMP, and all are as long as those are in env steps."""
        from experiment_utils.paper import baselines

        return baselines.runs(self.root, self.budget, self.seeds, self.env, self.methods, self.n_itr)

    @override
    def after(self) -> Callable[[Run], object]:
        from experiment_utils.paper import baselines

        return baselines.measure

    @override
    def draw(self, out: Path) -> list[Path]:
        from experiment_utils.paper import baselines_plot

        return baselines_plot.draw(self.root, out, self.budget, self.env)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Formulations(Tabled):
    """The poster's picture: meta-updates under the two formulations."""

    name = "formulations"
    table = THETAS

    @override
    def complete(self) -> None:
        from experiment_utils.paper import formulations

        for seed, clipped in itertools.product(self.seeds or (0,), (True, False)):
            settings = dataclasses.replace(formulations.BUDGETS[self.budget], seed=seed, clipped=clipped)
            formulations.compute(self.root, settings, formulations.LEARNING_RATES[self.budget])

    @override
    def draw(self, out: Path) -> list[Path]:
        from experiment_utils.paper import formulations_plot

        return formulations_plot.draw(self.root, out, *self.seeds[:1])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimators(Figure):
    """Exact bias and variance of the estimators."""

    budget: Budget = "quick"
    """smoke: to see that everything works; the others are the same."""

    name = "estimators"
    of_training = ("dump_path", "budget")

    @override
    def draw(self, out: Path) -> list[Path]:
        from experiment_utils.paper import estimators, estimators_plot

        print("summing over all trajectories of the processes; takes half a minute", flush=True)
        return estimators_plot.draw(out, estimators.SMOKE if self.budget == "smoke" else estimators.Settings())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Times(Tabled):
    """How long an iteration takes, and its stages."""

    name = "times"
    table = TIMES

    @override
    def complete(self) -> None:
        from experiment_utils.paper import times

        for seed in self.seeds or (1,):
            times.compute(self.root, seed, self.budget)

    @override
    def draw(self, out: Path) -> list[Path]:
        from experiment_utils.paper import times

        return times.draw(self.root, out)


FIGURES = (Figure1, Figure2, Figure3, Figure3Point, Figure4, Baselines, Formulations, Estimators, Times)
COMMANDS = functools.reduce(operator.or_, [Annotated[kind, subcommand(kind.name)] for kind in FIGURES])


def main(argv: list[str] | None = None) -> int:
    """Make the figure that the arguments ask for; return the exit code."""
    plain_warnings()
    return run_script(lambda: _main(argv), interrupted="Stopped. The same command goes on where it was.")


def _main(argv: list[str] | None) -> int:
    figure = parse_arguments(cast("type[Figure]", COMMANDS), __doc__, argv)  # a union, for which there is no type
    figure.require_effect()
    code = 0 if figure.plot_only else figure.train()
    announce(f"drawing {figure.name}")
    say(figure.draw(figure.out or figure.default_out()))
    return code
