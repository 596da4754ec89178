"""The former name of `experiment_utils.runs.results`."""

from experiment_utils.runs.results import RunData, RunDataWarning, load_run, load_runs, read_progress
from experiment_utils.runs.run_dir import InvalidRunError

__all__ = ["InvalidRunError", "RunData", "RunDataWarning", "load_run", "load_runs", "read_progress"]
