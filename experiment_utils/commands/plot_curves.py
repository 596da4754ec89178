"""Learning curves of any runs: a PDF, a PNG, and a table of final returns and areas under the curves beside them.

python run_scripts/plot_curves.py data/ --group_by algorithm inner_lr --panel_by env --out curves
"""

import dataclasses
from pathlib import Path

import tyro
from typing_extensions import override

from experiment_utils.cli import parse_arguments
from experiment_utils.config import Spread
from experiment_utils.progress import announce
from experiment_utils.script import plain_warnings, run_script, say
from experiment_utils.validation import Count, InvalidSetting, Validated


@dataclasses.dataclass(frozen=True)
class Args(Validated):
    """What to draw."""

    directories: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories, or directories above them."""
    group_by: tuple[str, ...] = ("algorithm",)
    """A curve for each value of these settings; "algorithm" is the paper's name, "folder" the directory above a run's."""
    panel_by: tuple[str, ...] = ("env",)
    """A panel for each value of these settings."""
    x: str = "n_timesteps"
    """Column of progress.csv: n_timesteps, Itr or Time."""
    y: str = "return"
    """Column of progress.csv; "return" is the return after the last adaptation step."""
    spread: Spread = "std"
    """Band over seeds: standard deviation, 95 % bootstrap interval of the mean, or none."""
    smooth: Count = 1
    """Window of a moving mean, in iterations; 1 is none."""
    last: Count = 10
    """Iterations at the end that the final return is the mean of."""
    compare: bool = False
    """Also compare the groups over the seeds that they share: paired differences, blocked analysis of variance with Tukey's
    intervals; from 8 seeds on, interquartile means, probabilities of improvement and performance profiles."""
    algorithm: str | None = None
    """A module or .py file that registers algorithms of your own, for their names and colours: its code will be executed."""
    out: Path = Path("curves")
    """Where to: this with .pdf, .png, .csv and .md; the comparisons to <out>_comparisons and so on."""

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        if self.out.name in ("", ".."):
            raise InvalidSetting("out", str(self.out), "a name, to which endings are added, such as curves")


def main(argv: list[str] | None = None) -> int:
    """Draw what the arguments ask for; return the exit code."""
    return run_script(lambda: _main(argv))


def _main(argv: list[str] | None) -> None:
    plain_warnings()
    args = parse_arguments(Args, __doc__, argv)
    announce("drawing")
    from experiment_utils.commands.curves_of_runs import compare, draw, load

    runs = load(args)
    say(draw(runs, args) + (compare(runs, args) if args.compare else []))
