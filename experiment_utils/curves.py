"""The former name of `experiment_utils.runs.curves`."""

from experiment_utils.runs.curves import Curve, mean_curve, results_table, timing_table

__all__ = ["Curve", "mean_curve", "results_table", "timing_table"]
