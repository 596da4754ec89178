"""The former name of `experiment_utils.runs.results`."""

from experiment_utils.runs.results import InvalidRunError, RunData, RunDataWarning, load_run, load_runs, read_progress

__all__ = ["InvalidRunError", "RunData", "RunDataWarning", "load_run", "load_runs", "read_progress"]
