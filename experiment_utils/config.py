"""The settings of an experiment, under the original's names. Importing this module is quick: no TensorFlow, no MuJoCo."""

import dataclasses
import difflib
import json
import math
import shlex
import typing
from pathlib import Path
from typing import Any, Literal, TypeVar

BaselineName = Literal["LinearFeatureBaseline", "LinearTimeBaseline", "ZeroBaseline"]
Physics = Literal["paper", "modern"]
Backend = Literal["mujoco", "mujoco-py"]
SamplerName = Literal["local", "ray"]
InnerType = Literal["likelihood_ratio", "log_likelihood", "loaded_dice", "second_order"]
StepSizeShape = Literal["entry", "parameter", "parameter_and_step"]
Adapted = Literal["all", "head", "context"]
HvpType = Literal["fisher", "hessian", "finite_difference"]
OuterType = Literal["dice", "vpg", "trpo"]
Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]

C = TypeVar("C", bound="Config")

# Keys that params.json files of the original have and that it never reads.
UNREAD_BY_THE_ORIGINAL = {"scope", "exp_tag", "learning_rate", "positive_adv", "entropy_bonus"}


class ConfigError(ValueError):
    """A setting that can't be: one sentence that says which and what would be right."""


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings that all algorithms share. The defaults are the original's."""

    seed: int = 1
    """Of everything random; the same seed gives the same numbers, bit for bit on the same kind of processor."""
    env: str = "HalfCheetahRandDirecEnv"
    """Task family: a name of the package's, a gymnasium id, or module:Class."""
    physics: Physics = "paper"
    """MuJoCo families only: the engine's rules of the paper's time (MuJoCo 2.1.0), or today's."""
    backend: Backend = "mujoco"
    """MuJoCo families only: the simulator. mujoco-py is MuJoCo 2.1.0 through gym, slow, for checking (`make legacy`)."""
    env_options: dict[str, Json] = dataclasses.field(default_factory=dict)
    """Further settings of the environment, such as '{"reward_type": "dense"}'."""
    parallel: bool = True
    """Simulate on all cores; otherwise on one. The numbers are the same."""
    sampler: SamplerName = "local"
    """Where to simulate: in this process, or on workers of a Ray cluster. The numbers are the same."""
    num_workers: int = 2
    """Sampler ray: workers that share the tasks."""
    cpus_per_worker: int = 1
    """Sampler ray: cores that each worker reserves and simulates on."""
    baseline: BaselineName = "LinearFeatureBaseline"
    """Baseline of the return, fitted to each task's samples."""
    rollouts_per_meta_task: int = 20
    """Rollouts per task and sampling round."""
    max_path_length: int = 100
    """Time limit of an episode, in steps."""
    discount: float = 0.99
    """Discount factor gamma."""
    gae_lambda: float = 1.0
    """Lambda of generalised advantage estimation."""
    normalize_adv: bool = True
    """Normalise the advantages of each task to mean 0 and standard deviation 1."""
    hidden_sizes: tuple[int, ...] = (64, 64)
    """Units of the policy's hidden layers."""
    learn_std: bool = True
    """Learn and adapt the policy's standard deviation; otherwise it stays 1."""
    inner_lr: float = 0.1
    """Step size alpha of the adaptation."""
    trainable_inner_step_size: bool = False
    """Learn step sizes (Meta-SGD), starting from inner_lr."""
    step_size_shape: StepSizeShape = "entry"
    """One learned step size for each entry of theta, each kernel and bias (parameter), or each of them and step (MAML++)."""
    num_inner_grad_steps: int = 1
    """Adaptation steps K; 0 is plain policy search on all tasks, without adaptation."""
    first_order: bool = False
    """Leave the derivative of the adaptation out of the meta-gradient (FOMAML)."""
    adapted: Adapted = "all"
    """Adapt all parameters, the output layer (head, ANIL), or a context that the policy gets beside observations (CAVIA)."""
    context_dim: int = 5
    """Size of the context, for adapted context."""
    meta_batch_size: int = 40
    """Tasks per meta-iteration."""
    n_itr: int = 1001
    """Meta-iterations."""

    @property
    def algo(self) -> str:
        """The algorithm's name, as params.json records it."""
        return type(self).__name__.removesuffix("Config")

    def __post_init__(self):
        for field in dataclasses.fields(self):
            _check_type(field.name, getattr(self, field.name), _type_of(type(self), field.name))
        counts = ("rollouts_per_meta_task", "max_path_length", "meta_batch_size", "n_itr", "context_dim")
        for name in (*counts, "num_workers", "cpus_per_worker"):
            self._require(name, getattr(self, name) > 0, "a positive number")
        self._require("num_inner_grad_steps", self.num_inner_grad_steps >= 0, "0 or a positive number")
        learned = self.trainable_inner_step_size
        self._require("trainable_inner_step_size", not learned or self.num_inner_grad_steps > 0, "off without inner steps")
        fits = learned or self.step_size_shape == "entry"
        self._require("step_size_shape", fits, "left out without trainable_inner_step_size")
        self._require("seed", self.seed >= 0, "0 or a positive number")
        self._require("hidden_sizes", all(size > 0 for size in self.hidden_sizes), "positive numbers")
        for name in ("discount", "gae_lambda"):
            self._require(name, 0 <= getattr(self, name) <= 1, "between 0 and 1")
        self._require("inner_lr", math.isfinite(self.inner_lr) and self.inner_lr >= 0, "0 or a positive, finite number")

    def _require(self, name: str, holds: bool, what: str) -> None:
        if not holds:
            raise ConfigError(f"{name} is {getattr(self, name)!r}; it must be {what}")

    def _require_inner_objective(self) -> None:
        decay = self.loaded_dice_lambda
        self._require("loaded_dice_lambda", 0 <= decay <= 1, "between 0 and 1")
        self._require("loaded_dice_lambda", decay == 1 or self.inner_type == "loaded_dice", "left out without loaded_dice")
        if getattr(self, "exploration", False):
            self._require("exploration", self.num_inner_grad_steps > 0, "off without inner steps")

    def _require_positive(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            self._require(name, math.isfinite(value) and value > 0, "a positive, finite number")


@dataclasses.dataclass(frozen=True)
class ProMPConfig(Config):
    """Settings of ProMP."""

    learning_rate: float = 1e-3
    """Step size beta of Adam."""
    num_promp_steps: int = 5
    """Meta-gradient steps per iteration."""
    clip_eps: float = 0.3
    """Clipping range epsilon of the likelihood ratio."""
    init_inner_kl_penalty: float = 5e-4
    """Coefficient eta of the KL penalty."""
    adaptive_inner_kl_penalty: bool = False
    """Halve or double eta where the KL misses target_inner_step by more than a factor of 1.5."""
    target_inner_step: float = 0.01
    """Target of the KL for adaptive_inner_kl_penalty, in nats."""
    anneal_factor: float = 1.0
    """Factor on clip_eps after every iteration."""
    num_minibatches: int = 1
    """Meta-gradient steps per pass over the tasks; must divide meta_batch_size."""
    inner_type: InnerType = "likelihood_ratio"
    """Objective of the adaptation: likelihood_ratio is the paper's; see docs/algorithms."""
    loaded_dice_lambda: float = 1.0
    """Lambda of inner_type loaded_dice: 0 is LVC, 1 is DiCE with a baseline."""

    def __post_init__(self):
        super().__post_init__()
        self._require_inner_objective()
        self._require_positive("learning_rate", "clip_eps", "anneal_factor", "target_inner_step")
        penalty = self.init_inner_kl_penalty
        self._require("init_inner_kl_penalty", math.isfinite(penalty) and penalty >= 0, "0 or a positive number")
        if self.adaptive_inner_kl_penalty:
            self._require("init_inner_kl_penalty", penalty > 0, "positive to be adapted: no factor changes 0")
        for name in ("num_promp_steps", "num_minibatches"):
            self._require(name, getattr(self, name) > 0, "a positive number")
        divides = self.meta_batch_size % self.num_minibatches == 0
        self._require("num_minibatches", divides, f"a divisor of meta_batch_size ({self.meta_batch_size})")


@dataclasses.dataclass(frozen=True)
class TRPOMAMLConfig(Config):
    """Settings of TRPO-MAML, E-MAML-TRPO and LVC-TRPO."""

    step_size: float = 0.01
    """Trust region delta: the largest KL after adaptation, in nats."""
    inner_type: InnerType = "log_likelihood"
    """Objective of the adaptation: log_likelihood is MAML's, likelihood_ratio is LVC's; see docs/algorithms."""
    loaded_dice_lambda: float = 1.0
    """Lambda of inner_type loaded_dice: 0 is LVC, 1 is DiCE with a baseline."""
    exploration: bool = False
    """Add E-MAML's credit for the pre-update behaviour."""
    exploration_weight: float = 1.0
    """Factor of that credit: 1 is the original's mean over rollouts; rollouts_per_meta_task is the sum of them."""
    hvp: HvpType = "fisher"
    """Curvature of the trust region: fisher and hessian are exact, finite_difference is the original's."""

    def __post_init__(self):
        super().__post_init__()
        self._require_positive("step_size", "exploration_weight")
        self._require_inner_objective()


@dataclasses.dataclass(frozen=True)
class VPGMAMLConfig(Config):
    """Settings of MAML-VPG, E-MAML-VPG and LVC-VPG."""

    learning_rate: float = 1e-3
    """Step size beta of Adam."""
    inner_type: InnerType = "log_likelihood"
    """Objective of the adaptation: log_likelihood is MAML's, likelihood_ratio is LVC's; see docs/algorithms."""
    loaded_dice_lambda: float = 1.0
    """Lambda of inner_type loaded_dice: 0 is LVC, 1 is DiCE with a baseline."""
    exploration: bool = False
    """Add E-MAML's credit for the pre-update behaviour."""
    exploration_weight: float = 1.0
    """Factor of that credit: 1 is the original's mean over rollouts; rollouts_per_meta_task is the sum of them."""

    def __post_init__(self):
        super().__post_init__()
        self._require_positive("learning_rate", "exploration_weight")
        self._require_inner_objective()


@dataclasses.dataclass(frozen=True)
class DICEMAMLConfig(Config):
    """Settings of DiCE."""

    baseline: BaselineName = "LinearTimeBaseline"
    """Baseline of the discounted reward of a step, fitted to each task's samples."""
    return_baseline: BaselineName = "LinearFeatureBaseline"
    """Baseline of the return, for the advantages of outer_type vpg and trpo."""
    outer_type: OuterType = "dice"
    """Objective after adaptation: dice (DICEMAML), vpg (VPG_DICEMAML) or trpo (TRPO_DICEMAML)."""
    learning_rate: float = 1e-3
    """Step size beta of Adam, for outer_type dice and vpg."""
    step_size: float = 0.01
    """Trust region delta for outer_type trpo, in nats."""

    def __post_init__(self):
        super().__post_init__()
        self._require_positive("learning_rate", "step_size")


def load_config(path: Path, defaults: C, *, env_is_named: bool = False) -> C:
    """`defaults` with the values of a JSON file: one of ours, or a params.json of the original.

    Args:
      env_is_named: see `config_from_dict`.

    Raises:
      ConfigError: the file is missing or not JSON, or has an unknown key or a value of the wrong kind.
    """
    return config_from_dict(read_config_file(path), defaults, f"the config file {path}", env_is_named=env_is_named)


def read_config_file(path: Path) -> dict[str, Json]:
    """The settings in a JSON file, unchecked.

    Raises:
      ConfigError: the file is missing, or not JSON, or no object.
    """
    try:
        values = json.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"can't read the config file {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"the config file {path} is not JSON: {error}") from error
    values = values.get("config", values) if isinstance(values, dict) else values
    if not isinstance(values, dict):
        raise ConfigError(f"the config file {path} holds no JSON object with settings")
    return values


def config_from_dict(values: Json, defaults: C, source: str, *, env_is_named: bool = False) -> C:
    """`defaults` with other values; class names of the original ({"$class": "module.Class"}) become plain names.

    Args:
      values: from a file, which may be untrusted.
      source: what to call the file in messages.
      env_is_named: the user named the environment too. Otherwise module:Class is refused: to import it runs its code.

    Raises:
      ConfigError: an unknown key, a value of the wrong kind, or module:Class.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"{source} holds no JSON object with settings")
    known = [field.name for field in dataclasses.fields(defaults)]
    algo = values.get("algo", defaults.algo)
    if algo != defaults.algo:
        raise ConfigError(f"{source} is for {algo}, this script trains {defaults.algo}")
    changes = {}
    for name, value in values.items():
        if name in known:
            changes[name] = _from_json(value, _type_of(type(defaults), name))
        elif name != "algo" and name not in UNREAD_BY_THE_ORIGINAL:
            raise ConfigError(f"{source} has the unknown key {name!r}; {nearest(name, known)}")
    env = changes.get("env")
    if isinstance(env, str) and ":" in env and not env_is_named:
        raise ConfigError(f"{source} has code of its own as environment; if you trust it, add --env {shlex.quote(env)}")
    return dataclasses.replace(defaults, **changes)


def config_to_dict(config: Config) -> dict[str, Any]:
    """What params.json holds of a config."""
    return {"algo": config.algo, **dataclasses.asdict(config)}


def nearest(name: str, known: list[str]) -> str:
    """A hint at the right name."""
    matches = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {matches[0]!r}?" if matches else f"known are {', '.join(sorted(known))}"


def _type_of(config_type: type, name: str) -> Any:
    return typing.get_type_hints(config_type)[name]


def _from_json(value: Any, expected: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("$class"), str):
        return value["$class"].rpartition(".")[2]
    if isinstance(value, list):
        return tuple(value)
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _check_type(name: str, value: Any, expected: Any) -> None:
    if typing.get_origin(expected) is Literal:
        if value not in typing.get_args(expected):
            raise ConfigError(f"{name} is {value!r}; it can be one of {', '.join(map(repr, typing.get_args(expected)))}")
    elif typing.get_origin(expected) is tuple:
        if not isinstance(value, tuple) or not value or not all(type(item) is int for item in value):
            raise ConfigError(f"{name} is {value!r}; it must be a list of whole numbers")
    elif typing.get_origin(expected) is dict:
        if not isinstance(value, dict):
            raise ConfigError(f'{name} is {value!r}; it must be a JSON object, such as {{"reward_type": "dense"}}')
    elif type(value) is not expected:
        words = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}
        raise ConfigError(f"{name} is {value!r}; it must be {words[expected]}")
