"""Build the components of an experiment from a config."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

import keras
import numpy as np
from gymnasium.spaces import Discrete

from experiment_utils.algorithm_configs import DICEMAMLConfig, RL2Config
from experiment_utils.config import Config
from experiment_utils.environments import make_env
from experiment_utils.memory import require_memory
from experiment_utils.validation import ConfigError, nearest
from meta_policy_search.adaptation import SampleProcessor
from meta_policy_search.baselines.linear_baseline import LinearFeatureBaseline, LinearTimeBaseline
from meta_policy_search.baselines.zero_baseline import ZeroBaseline
from meta_policy_search.envs.base import SimulationError
from meta_policy_search.envs.environment_errors import environment_code
from meta_policy_search.envs.normalized_env import NormalizedEnv
from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.meta_algos.inner_loop import InnerLoop
from meta_policy_search.policies.base import MetaPolicy
from meta_policy_search.policies.context_policy import CONTEXT, ContextPolicy
from meta_policy_search.policies.gru_policy import MetaGRUPolicy
from meta_policy_search.policies.meta_categorical_mlp_policy import MetaCategoricalMLPPolicy
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from meta_policy_search.samplers.dice_sample_processor import DiceSampleProcessor
from meta_policy_search.samplers.meta_sample_processor import MetaSampleProcessor
from meta_policy_search.samplers.meta_sampler import MetaSampler
from meta_policy_search.samplers.task_source import FixedTasks, TaskSource

BASELINES = {
    "LinearFeatureBaseline": LinearFeatureBaseline,
    "LinearTimeBaseline": LinearTimeBaseline,
    "ZeroBaseline": ZeroBaseline,
}

TRAIN_TASKS_STREAM = 3  # beside the run's seed, like those of the meta-test and of held-out tasks


class Components(NamedTuple):
    """The parts of an experiment that depend on its algorithm and settings."""

    algo: MAMLAlgo
    sampler: MetaSampler
    sample_processor: SampleProcessor


def make_policy(config: Config, env: NormalizedEnv, rng: np.random.Generator) -> MetaPolicy:
    """The policy for the family's spaces: categorical where actions are discrete (learn_std means nothing then).

    Raises:
      ConfigError: actions are discrete, and a context is to be adapted.
    """
    if isinstance(env.action_space, Discrete):
        if config.adapted == "context":
            raise ConfigError(
                f"adapted is 'context', which takes a Gaussian policy; the actions of {config.env} are discrete"
            )
        return MetaCategoricalMLPPolicy(
            obs_dim=env.observation_space.shape,
            n_actions=int(env.action_space.n),
            hidden_sizes=config.hidden_sizes,
            rng=rng,
        )
    make = functools.partial(ContextPolicy, context_dim=config.context_dim)
    return (make if config.adapted == "context" else MetaGaussianMLPPolicy)(
        obs_dim=env.observation_space.shape,
        action_dim=env.action_space.shape[0],
        hidden_sizes=config.hidden_sizes,
        learn_std=config.learn_std,
        rng=rng,
    )


MakePolicy = Callable[[Any, NormalizedEnv, np.random.Generator], MetaPolicy]


def assemble(
    config: Any,
    rng: np.random.Generator,
    make_algo: Callable[[MetaPolicy], MAMLAlgo],
    make_processor: Callable[[Any], SampleProcessor] | None = None,
    make_policy: MakePolicy = make_policy,
    task_source: TaskSource | None = None,
) -> Components:
    """Return environment, policy, algorithm, sampler and processor.

    Args:
      make_processor: by default that of all algorithms but DiCE and RL2.
      make_policy: for a policy of your own.
      task_source: draws the tasks of training; None is what the config says.

    Raises:
      ConfigError: the config asks for more different tasks than the family has, or for more than memory holds.
    """
    env = make_env(config)
    policy = make_policy(config, env, rng)
    algo = make_algo(policy)
    sampler = make_sampler(config, env, policy, task_source or make_task_source(config, env))
    return Components(algo, sampler, (make_processor or make_sample_processor)(config))


def make_memory_policy(config: RL2Config, env: NormalizedEnv, rng: np.random.Generator) -> MetaGRUPolicy:
    """RL2's policy.

    Raises:
      ConfigError: actions are discrete.
    """
    if isinstance(env.action_space, Discrete):
        raise ConfigError(f"the policy with a memory is Gaussian; the actions of {config.env} are discrete")
    return MetaGRUPolicy(
        obs_dim=env.observation_space.shape[0],
        action_dim=env.action_space.shape[0],
        memory_size=config.memory_size,
        hidden_sizes=config.hidden_sizes,
        learn_std=config.learn_std,
        rng=rng,
    )


def make_task_source(config: Config, env: NormalizedEnv) -> TaskSource:
    """The family's distribution, or a fixed set of tasks that is the same for every algorithm with this seed.

    Raises:
      ConfigError: the family has fewer different tasks.
    """
    if not config.train_tasks:
        return TaskSource()
    try:
        with environment_code:
            return FixedTasks.drawn(env, config.train_tasks, np.random.default_rng((config.seed, TRAIN_TASKS_STREAM)))
    except SimulationError as error:
        raise ConfigError(f"train_tasks is {config.train_tasks}: {error}") from error


def make_sampler(
    config: Config, env: NormalizedEnv, policy: MetaPolicy, task_source: TaskSource | None = None
) -> MetaSampler:
    """The sampler with its batch of environments, here or on a Ray cluster.

    Raises:
      ConfigError: what it samples can't fit into memory.
    """
    require_memory(config, env)
    names = ("rollouts_per_meta_task", "meta_batch_size", "max_path_length", "rollouts_per_row")
    sizes = {name: getattr(config, name) for name in names}
    if config.sampler == "local":
        return MetaSampler(env, policy, task_source=task_source, **sizes)
    from meta_policy_search.samplers.ray_sampler import RaySampler  # ray is an optional package

    workers = {"num_workers": config.num_workers, "cpus_per_worker": config.cpus_per_worker}
    return RaySampler(env, policy, make_env=functools.partial(make_env, config), task_source=task_source, **workers, **sizes)


def make_sample_processor(config: Config, kind: type[MetaSampleProcessor] = MetaSampleProcessor) -> MetaSampleProcessor:
    """The processor of all algorithms but DiCE's; RL2's is the kind `TrialSampleProcessor`."""
    return kind(
        baseline=BASELINES[config.baseline](),
        discount=config.discount,
        gae_lambda=config.gae_lambda,
        normalize_adv=config.normalize_adv,
    )


def make_dice_sample_processor(config: DICEMAMLConfig) -> DiceSampleProcessor:
    """DiCE's processor; with advantages where the meta-objective needs them."""
    return DiceSampleProcessor(
        baseline=BASELINES[config.baseline](),
        max_path_length=config.max_path_length,
        discount=config.discount,
        gae_lambda=config.gae_lambda,
        normalize_adv=config.normalize_adv,
        return_baseline=BASELINES[config.return_baseline]() if config.takes_advantages else None,
        hessian_baseline=BASELINES[config.return_baseline]() if config.inner_type == "tmaml" else None,
    )


def inner_settings(config: Config) -> dict[str, InnerLoop]:
    """What every algorithm takes for its adaptation."""
    inner = InnerLoop(
        inner_lr=config.inner_lr,
        num_inner_grad_steps=config.num_inner_grad_steps,
        trainable_inner_step_size=config.trainable_inner_step_size,
        step_size_shape=config.step_size_shape,
        first_order=config.first_order,
        adapted={"all": None, "head": ("/output/",), "context": (CONTEXT,)}[config.adapted],
        not_meta_learned=(CONTEXT,) if config.adapted == "context" else (),
    )
    return {"inner": inner}


def make_optimizer(settings: Mapping[str, object], learning_rate: float) -> keras.optimizers.Optimizer | None:
    """The optimiser of Keras that a setting names, such as {"name": "AdamW", "clipnorm": 1.0}; None for the default, Adam.

    Its learning rate can be a schedule: {"name": "CosineDecay", "initial_learning_rate": 1e-3, "decay_steps": 5000}. Only
    the classes of keras.optimizers and keras.optimizers.schedules are made: the settings may be from an untrusted file.

    Args:
      learning_rate: where the settings have none.

    Raises:
      ConfigError: there is no such class, or it doesn't take the settings.
    """
    if not settings:
        return None
    rate = settings.get("learning_rate", learning_rate)
    if isinstance(rate, dict):
        schedules = keras.optimizers.schedules
        rate = _made(rate, schedules, schedules.LearningRateSchedule, "learning_rate of optimizer")
    return _made({**settings, "learning_rate": rate}, keras.optimizers, keras.optimizers.Optimizer, "optimizer")


def _made(settings: Mapping[str, Any], module: ModuleType, kind: type, what: str) -> Any:
    """An object of one of the module's classes, by "name", with the other settings as arguments."""
    known = [
        name for name, made in vars(module).items() if isinstance(made, type) and issubclass(made, kind) and made is not kind
    ]
    name = settings.get("name")
    if name not in known:
        hint = nearest(str(name), known)
        raise ConfigError(f"{what} has the name {name!r}, which is no {kind.__name__} of Keras; {hint}")
    try:
        return getattr(module, name)(**{key: value for key, value in settings.items() if key != "name"})
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{what} can't be made: {error}") from error


def own_settings(config: Config, kind: type[Config]) -> dict[str, Any]:
    """Return what `kind` adds to the settings that all algorithms share, as the algorithm's own arguments.

    Raises:
      ConfigError: there is no such optimiser of Keras.
    """
    shared = {field.name for field in dataclasses.fields(Config)}
    own = {field.name: getattr(config, field.name) for field in dataclasses.fields(kind) if field.name not in shared}
    if "optimizer" in own:
        own["optimizer"] = make_optimizer(own["optimizer"], own["learning_rate"])
    return own
