"""The former name of `experiment_utils.evaluation.trained_policy`."""

from experiment_utils.evaluation.trained_policy import TrainedPolicy, load_trained

__all__ = ["TrainedPolicy", "load_trained"]
