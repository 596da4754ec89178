"""Learning curves of any run folders: a PDF, a PNG, and a table of final returns and areas under the curves beside them.

python run_scripts/plot_curves.py data/ --group_by algorithm inner_lr --panel_by env --out curves
"""

import dataclasses
import sys
import warnings
from pathlib import Path

import tyro

from experiment_utils.cli import fail, parse_arguments, say
from experiment_utils.config import ConfigError
from experiment_utils.plot_utils import curves_figure, plain_warnings, save_figure, save_table
from experiment_utils.runs.curves import Spread, group_runs, mean_curve, require_alike, require_settings, results_table
from experiment_utils.runs.results import (
    LAST_RETURN,
    InvalidRunError,
    RunDataWarning,
    find_run_folders,
    load_runs,
    with_columns,
)


@dataclasses.dataclass(frozen=True)
class Args:
    """What to draw."""

    directories: tyro.conf.Positional[tuple[Path, ...]]
    """Run folders, or folders above them."""
    group_by: tuple[str, ...] = ("algorithm",)
    """A curve for each value of these settings; "algorithm" is the paper's name."""
    panel_by: tuple[str, ...] = ("env",)
    """A panel for each value of these settings."""
    x: str = "n_timesteps"
    """Column of progress.csv: n_timesteps, Itr or Time."""
    y: str = LAST_RETURN
    """Column of progress.csv; "return" is the return after the last adaptation step."""
    spread: Spread = "std"
    """Band over seeds: standard deviation, 95 % bootstrap interval of the mean, or none."""
    smooth: int = 1
    """Window of a moving mean, in iterations; 1 is none."""
    last: int = 10
    """Iterations at the end that the final return is the mean of."""
    out: Path = Path("curves")
    """Where to: this with .pdf, .png, .csv and .md."""


def main(argv: list[str] | None = None) -> int:
    """Draws what the arguments ask for; returns the exit code."""
    plain_warnings()
    try:
        args = parse_arguments(Args, __doc__, argv)
        for name in ("smooth", "last"):
            if getattr(args, name) < 1:
                raise ConfigError(f"--{name} must be at least 1")
        runs = load_runs(args.directories)
        if not runs:
            where = ", ".join(map(str, args.directories))
            return fail(f"there is no run below {where}" if where else "name a folder of runs, or several")
        for directory in args.directories:
            if not find_run_folders([directory]):
                warnings.warn(f"there is no run below {directory}", RunDataWarning, stacklevel=2)
        runs = with_columns(runs, (args.x, args.y))
        require_settings(runs, (*args.group_by, *args.panel_by))
        groups = group_runs(runs, (*args.panel_by, *args.group_by))
        require_alike(groups)
        panels = {
            title: {
                name: mean_curve(members, args.y, args.x, args.spread, args.smooth)
                for name, members in group_runs(group, args.group_by).items()
            }
            for title, group in group_runs(runs, args.panel_by).items()
        }
        table = results_table(groups, args.y, args.last)
        written = save_figure(curves_figure(panels, args.x, args.y), args.out) + save_table(table, args.out)
    except (InvalidRunError, ConfigError) as error:
        return fail(str(error))
    except OSError as error:
        return fail(f"can't write {error.filename or args.out} ({error.strerror or error})")
    say(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
