"""Gradient-based meta-reinforcement learning in TensorFlow 2.

The components of the package and the types between them are described in docs/architecture.md. Importing this module imports
neither TensorFlow nor MuJoCo: the names of `__all__` are imported from the submodules when they are first used.
"""

from meta_policy_search.utils.lazy import lazy_names

__version__ = "0.1.0"

_MODULES = {
    "LinearFeatureBaseline": "baselines.linear_baseline",
    "LinearTimeBaseline": "baselines.linear_baseline",
    "ZeroBaseline": "baselines.zero_baseline",
    "Callback": "callbacks",
    "BatchMetaEnv": "envs.base",
    "BatchStep": "envs.base",
    "MetaEnv": "envs.base",
    "SimulationError": "envs.base",
    "GymnasiumVectorEnv": "envs.gymnasium_vector_env",
    "NormalizedEnv": "envs.normalized_env",
    "normalize": "envs.normalized_env",
    "MAMLAlgo": "meta_algos.base",
    "DICEMAML": "meta_algos.dice_maml",
    "TRPO_DICEMAML": "meta_algos.dice_maml",
    "VPG_DICEMAML": "meta_algos.dice_maml",
    "InnerLoop": "meta_algos.inner_loop",
    "PerTaskPPO": "meta_algos.per_task_ppo",
    "PerTaskTRPO": "meta_algos.per_task_trpo",
    "ProMP": "meta_algos.pro_mp",
    "Reptile": "meta_algos.reptile",
    "RL2": "meta_algos.rl2",
    "SGMRL": "meta_algos.sg_mrl",
    "TRPOMAML": "meta_algos.trpo_maml",
    "VPGMAML": "meta_algos.vpg_maml",
    "MetaTester": "meta_tester",
    "AdaptationError": "meta_trainer",
    "MetaTrainer": "meta_trainer",
    "TrainingError": "meta_trainer",
    "ConjugateGradientOptimizer": "optimizers.conjugate_gradient_optimizer",
    "MAMLFirstOrderOptimizer": "optimizers.maml_first_order_optimizer",
    "Actor": "policies.actor",
    "MetaPolicy": "policies.base",
    "export_policy": "policies.export",
    "ContextPolicy": "policies.context_policy",
    "MLPPolicy": "policies.mlp_policy",
    "MetaCategoricalMLPPolicy": "policies.meta_categorical_mlp_policy",
    "MetaGaussianMLPPolicy": "policies.meta_gaussian_mlp_policy",
    "MetaGRUPolicy": "policies.gru_policy",
    "DiceSampleProcessor": "samplers.dice_sample_processor",
    "MetaSampleProcessor": "samplers.meta_sample_processor",
    "MetaSampler": "samplers.meta_sampler",
    "SamplingError": "samplers.meta_sampler",
    "Curriculum": "samplers.task_source",
    "FixedTasks": "samplers.task_source",
    "TaskSource": "samplers.task_source",
    "MetaLoss": "types",
    "Samples": "types",
    "Trajectories": "types",
}

__getattr__, __dir__, __all__ = lazy_names(__name__, {name: f"{__name__}.{place}" for name, place in _MODULES.items()})
