"""What `plot_curves` draws and compares."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiment_utils.commands.plot_curves import Args
from experiment_utils.own_algorithms import import_algorithms
from experiment_utils.plot_utils import BANDS, curves_figure, save_figure, save_table
from experiment_utils.runs.comparison import (
    Scores,
    comparison_table,
    interquartile_table,
    profiles,
    scores_by_stage,
    tables_of_panels,
)
from experiment_utils.runs.curves import group_runs, mean_curve, require_alike, require_settings, results_table
from experiment_utils.runs.reliability import LEAST_RUNS
from experiment_utils.runs.results import RunData, RunDataWarning, find_run_folders, load_runs, with_columns
from experiment_utils.validation import ConfigError


def load(args: Args) -> list[RunData]:
    """The runs below the directories, with the columns that are drawn and the settings that they are grouped by.

    Raises:
      ConfigError: there is none, or no such setting.
      InvalidRunError: none has the columns.
    """
    if args.algorithm is not None:
        import_algorithms(args.algorithm)
    runs = load_runs(args.directories)
    if not runs:
        where = ", ".join(map(str, args.directories))
        raise ConfigError(f"there is no run below {where}" if where else "name a directory of runs, or several")
    for directory in args.directories:
        if not find_run_folders([directory]):
            warnings.warn(f"there is no run below {directory}", RunDataWarning, stacklevel=2)
    runs = with_columns(runs, (args.x, args.y))
    require_settings(runs, (*args.group_by, *args.panel_by))
    return runs


def panels_of(runs: Sequence[RunData], args: Args) -> dict[str, dict[str, list[RunData]]]:
    """The groups of each panel."""
    return {title: group_runs(group, args.group_by) for title, group in group_runs(runs, args.panel_by).items()}


def draw(runs: Sequence[RunData], args: Args) -> list[Path]:
    """The curves, and the table of final values and areas."""
    groups = group_runs(runs, (*args.panel_by, *args.group_by))
    require_alike(groups)
    curves = {
        title: {name: mean_curve(members, args.y, args.x, args.spread, args.smooth) for name, members in named.items()}
        for title, named in panels_of(runs, args).items()
    }
    table = results_table(groups, args.y, args.last)
    return save_figure(curves_figure(curves, args.x, args.y, BANDS[args.spread]), args.out) + save_table(table, args.out)


def compare(runs: Sequence[RunData], args: Args) -> list[Path]:
    """The tables that compare the groups of each panel, and from 8 seeds on what they are worth over many.

    Raises:
      ConfigError: there is nothing to compare.
    """
    panels = {title: with_two_seeds(title, groups) for title, groups in panels_of(runs, args).items()}
    compared = [
        (title, measures) for title, groups in panels.items() for measures in scores_by_stage(groups, args.y, args.last)
    ]
    if not compared:
        raise ConfigError(
            f"--compare found no two groups below {', '.join(map(str, args.directories))} that share two seeds"
        )
    written = save_table(tables_of_panels(comparison_table, compared), beside(args.out, "comparisons"))
    many = [(title, measures) for title, measures in compared if seeds_in(measures) >= LEAST_RUNS]
    if many:
        written += save_table(tables_of_panels(interquartile_table, many), beside(args.out, "interquartile"))
        most_groups = dict(reversed(many))  # the first part of each panel
        final = {title: profiles(next(iter(measures.values()))) for title, measures in reversed(most_groups.items())}
        figure = curves_figure(final, f"final {args.y}", "share of runs above", BANDS["bootstrap"])
        written += save_figure(figure, beside(args.out, "profiles"))
    return written


def with_two_seeds(title: str, groups: Mapping[str, list[RunData]]) -> dict[str, list[RunData]]:
    """The groups that have more than one seed; the others are named in a warning."""
    single = [name for name, runs in groups.items() if len({run.field("seed") for run in runs}) < 2]
    if single:
        message = f"{title}: not compared, for they have one seed only: {', '.join(single)}"
        warnings.warn(message, RunDataWarning, stacklevel=2)
    return {name: runs for name, runs in groups.items() if name not in single}


def seeds_in(measures: Mapping[str, Scores]) -> int:
    """How many seeds the scores are of."""
    return min(len(values) for scores in measures.values() for values in scores.values())


def beside(out: Path, what: str) -> Path:
    """<out>_<what>."""
    return out.with_name(f"{out.name}_{what}")
