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
class Request:
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
        request = parse_arguments(Request, __doc__, argv)
        for name in ("smooth", "last"):
            if getattr(request, name) < 1:
                raise ConfigError(f"--{name} must be at least 1")
        runs = load_runs(request.directories)
        if not runs:
            where = ", ".join(map(str, request.directories))
            return fail(f"there is no run below {where}" if where else "name a folder of runs, or several")
        for directory in request.directories:
            if not find_run_folders([directory]):
                warnings.warn(f"there is no run below {directory}", RunDataWarning, stacklevel=2)
        runs = with_columns(runs, (request.x, request.y))
        require_settings(runs, (*request.group_by, *request.panel_by))
        groups = group_runs(runs, (*request.panel_by, *request.group_by))
        require_alike(groups)
        panels = {
            title: {
                name: mean_curve(members, request.y, request.x, request.spread, request.smooth)
                for name, members in group_runs(group, request.group_by).items()
            }
            for title, group in group_runs(runs, request.panel_by).items()
        }
        table = results_table(groups, request.y, request.last)
        written = save_figure(curves_figure(panels, request.x, request.y), request.out) + save_table(table, request.out)
    except (InvalidRunError, ConfigError) as error:
        return fail(str(error))
    except OSError as error:
        return fail(f"can't write {error.filename or request.out} ({error.strerror or error})")
    say(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
