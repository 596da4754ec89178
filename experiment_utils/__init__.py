"""What turns the package into experiments: configs, training, command line, runs, sweeps, plots.

Public names are imported when they are first used, so that importing this module stays quick and loads no TensorFlow.
"""

from experiment_utils.plain_matplotlib import require_usable_backend
from meta_policy_search.utils.lazy import lazy_names

require_usable_backend()

_MODULES = {
    "Config": "config",
    "ConfigError": "validation",
    "DICEMAMLConfig": "algorithm_configs",
    "ProMPConfig": "algorithm_configs",
    "ReptileConfig": "algorithm_configs",
    "RL2Config": "algorithm_configs",
    "SGMRLConfig": "algorithm_configs",
    "TRPOMAMLConfig": "algorithm_configs",
    "VPGMAMLConfig": "algorithm_configs",
    "load_config": "config_files",
    "configure_tensorflow": "tensorflow_setup",
    "train": "training",
    "TrainedPolicy": "evaluation.trained_policy",
    "load_trained": "evaluation.trained_policy",
    "RunData": "runs.results",
    "load_run": "runs.results",
    "load_runs": "runs.results",
    "Algorithm": "algorithms",
    "algorithm": "algorithms",
    "register_algorithm": "algorithms",
    "Components": "builders",
    "assemble": "builders",
    "inner_settings": "builders",
    "make_dice_sample_processor": "builders",
    "make_env": "builders",
    "make_policy": "builders",
    "make_sample_processor": "builders",
    "make_sampler": "builders",
}

__getattr__, __dir__, __all__ = lazy_names(__name__, {name: f"{__name__}.{place}" for name, place in _MODULES.items()})
