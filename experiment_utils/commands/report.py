"""A page about each run that a browser shows: RUN/report.html, one file with everything in it.

python run_scripts/report.py data/promp/run_1
"""

import dataclasses
from pathlib import Path

import tyro

from experiment_utils.cli import parse_arguments
from experiment_utils.own_algorithms import import_algorithms
from experiment_utils.runs.run_dir import RunDir
from experiment_utils.script import run_script, say
from experiment_utils.validation import ConfigError, Validated


@dataclasses.dataclass(frozen=True)
class Args(Validated):
    """Whose pages to write."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run directories."""
    algorithm: str | None = None
    """A module or .py file that registers the runs' algorithm, for its name: its code will be executed."""
    out: Path | None = None
    """Where to write the page of a single run. Default: report.html in its folder."""


def main(argv: list[str] | None = None) -> int:
    """Write what the arguments ask for; return the exit code."""
    return run_script(lambda: _main(argv))


def _main(argv: list[str] | None) -> None:
    args = parse_arguments(Args, __doc__, argv)
    if not args.runs:
        raise ConfigError("name one run directory or several")
    if args.out and len(args.runs) > 1:
        raise ConfigError("--out goes with one run; there are several")
    if args.algorithm is not None:
        import_algorithms(args.algorithm)
    for folder in args.runs:
        RunDir(folder).require_config()
    from experiment_utils.evaluation.report import write_report
    from experiment_utils.script import plain_warnings

    plain_warnings()
    for folder in args.runs:
        target = args.out or folder / "report.html"
        write_report(folder, target)
        say([target])
