"""What a run imports, imported once by the fork server. Nothing has been computed when a child begins."""

import importlib
import os

from experiment_utils.tensorflow_setup import quiet_stderr

IMPORTED = (
    "pytest",  # the main module of the tests, which children import too
    "experiment_utils.builders",
    "experiment_utils.display",
    "experiment_utils.environments",
    "experiment_utils.runs.learning_curve",
    "meta_policy_search.envs.point_envs.point_env_2d",
    "meta_policy_search.meta_algos.dice_maml",
    "meta_policy_search.meta_algos.pro_mp",
    "meta_policy_search.meta_trainer",
    "meta_policy_search.utils.logger",
    "tests.faults.cheap",
    "tests.faults.forkserver",
)

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
with quiet_stderr():
    import tensorflow as tf
for name in IMPORTED:
    importlib.import_module(name)
tf.config.run_functions_eagerly(True)  # tracing would take longer than the run
