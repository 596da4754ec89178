"""The settings of an experiment, under the original's names. Importing this module is quick: no TensorFlow, no MuJoCo."""

import dataclasses
from typing import Literal

from typing_extensions import override

from experiment_utils.validation import (
    Count,
    Fraction,
    InvalidSetting,
    Natural,
    NotNegative,
    Positive,
    Sizes,
    Validated,
)
from meta_policy_search.choices import Backend, HvpType, Physics, StepSizeShape
from meta_policy_search.utils.lazy import lazy_names

# what this module defined once
_MOVED = {"ConfigError": "validation"} | dict.fromkeys(("load_config", "config_from_dict", "config_to_dict"), "config_files")
__getattr__, *_ = lazy_names(__name__, {name: f"experiment_utils.{place}" for name, place in _MOVED.items()})

# metadata of a field that says how or where to compute, not what: it may differ when a run is resumed
CHANGES_NO_NUMBER = {"changes_numbers": False}

BaselineName = Literal["LinearFeatureBaseline", "LinearTimeBaseline", "ZeroBaseline"]
MetaUpdateDevice = Literal["auto", "cpu", "gpu"]
SamplerName = Literal["local", "ray"]
InnerType = Literal["likelihood_ratio", "log_likelihood", "loaded_dice", "second_order"]
DiceInnerType = Literal["dice", "tmaml", "likelihood_ratio", "log_likelihood", "loaded_dice", "second_order"]
Adapted = Literal["all", "head", "context"]
OuterType = Literal["dice", "vpg", "trpo"]
Spread = Literal["std", "bootstrap", "none"]
Tracker = Literal["none", "wandb", "mlflow", "trackio"]
Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


@dataclasses.dataclass(frozen=True)
class Config(Validated):
    """Settings that all algorithms share. The defaults are the original's."""

    seed: Natural = 1
    """Seed of all random draws; the same seed gives the same numbers, bit for bit on the same kind of processor."""
    env: str = "HalfCheetahRandDirecEnv"
    """Task family: a name of the package's, a gymnasium id, or module:Class."""
    physics: Physics = "paper"
    """MuJoCo families only: the engine's rules of the paper's time (MuJoCo 2.1.0), or today's."""
    backend: Backend = "mujoco"
    """MuJoCo families only: the simulator. mujoco-py is MuJoCo 2.1.0 through gym, slow, for checking (`make legacy`)."""
    env_options: dict[str, Json] = dataclasses.field(default_factory=dict)
    """Further settings of the environment, such as '{"reward_type": "dense"}'."""
    observe_task: bool = False
    """Show the policy its task, behind the observation: the oracle, which has nothing to find out."""
    parallel: bool = dataclasses.field(default=True, metadata=CHANGES_NO_NUMBER)
    """Simulate on all cores; otherwise on one. The numbers are the same."""
    sampler: SamplerName = dataclasses.field(default="local", metadata=CHANGES_NO_NUMBER)
    """Where to simulate: in this process, or on workers of a Ray cluster. The numbers are the same."""
    num_workers: Count = dataclasses.field(default=2, metadata=CHANGES_NO_NUMBER)
    """Sampler ray: workers that share the tasks."""
    cpus_per_worker: Count = dataclasses.field(default=1, metadata=CHANGES_NO_NUMBER)
    """Sampler ray: cores that each worker reserves and simulates on."""
    meta_update_device: MetaUpdateDevice = dataclasses.field(default="auto", metadata=CHANGES_NO_NUMBER)
    """Where to adapt and to meta-optimise: auto is a GPU if TensorFlow finds one, otherwise all cores."""
    baseline: BaselineName = "LinearFeatureBaseline"
    """Baseline of the return, fitted to each task's samples."""
    rollouts_per_meta_task: Count = 20
    """Rollouts per task and sampling round."""
    max_path_length: Count = 100
    """Time limit of an episode, in steps."""
    discount: Fraction = 0.99
    """Discount factor gamma."""
    gae_lambda: Fraction = 1.0
    """Lambda of generalised advantage estimation."""
    normalize_adv: bool = True
    """Normalise the advantages of each task to mean 0 and standard deviation 1."""
    hidden_sizes: Sizes = (64, 64)
    """Units of the policy's hidden layers."""
    learn_std: bool = True
    """Learn and adapt the policy's standard deviation; otherwise it stays 1."""
    inner_lr: NotNegative = 0.1
    """Step size alpha of the adaptation."""
    trainable_inner_step_size: bool = False
    """Learn step sizes (Meta-SGD), starting from inner_lr."""
    step_size_shape: StepSizeShape = "entry"
    """One learned step size for each entry of theta, each kernel and bias (parameter), or each of them and step (MAML++)."""
    num_inner_grad_steps: Natural = 1
    """Adaptation steps K; 0 is plain policy search on all tasks, without adaptation."""
    first_order: bool = False
    """Leave the derivative of the adaptation out of the meta-gradient (FOMAML)."""
    adapted: Adapted = "all"
    """Adapt all parameters, the output layer (head, ANIL), or a context that the policy gets beside observations (CAVIA)."""
    context_dim: Count = 5
    """Size of the context, for adapted context."""
    meta_batch_size: Count = 40
    """Tasks per meta-iteration."""
    train_tasks: Natural = 0
    """Train on so many different tasks, drawn once, and hold all others out; 0 draws new ones in every iteration."""
    n_itr: Count = 1001
    """Meta-iterations."""
    eval_every: Natural = 0
    """Evaluate on held-out tasks every so many iterations, and choose the best policy by that; 0 never does."""
    eval_tasks: Count = 40
    """Held-out tasks."""
    early_stopping: Natural = 0
    """End training after so many iterations without a better return (of the evaluation, if there is one); 0 never does."""
    task_log: bool = dataclasses.field(default=False, metadata=CHANGES_NO_NUMBER)
    """Write the returns of each task to tasks.jsonl."""
    snapshot_every: Count = dataclasses.field(default=50, metadata=CHANGES_NO_NUMBER)
    """Keep the policy of every so many iterations, besides the best and the last one."""
    checkpoint_every: Count = dataclasses.field(default=1, metadata=CHANGES_NO_NUMBER)
    """Iterations between two checkpoints, to which a killed run goes back."""
    track: Tracker = dataclasses.field(default="none", metadata=CHANGES_NO_NUMBER)
    """Also log to Weights & Biases, MLflow or Trackio; their own environment variables say where and whether offline."""

    @property
    def algo(self) -> str:
        """The algorithm's name, as params.json records it."""
        return type(self).__name__.removesuffix("Config")

    @property
    def rollouts_per_row(self) -> int:
        """Rollouts that one environment makes one after the other in a sampling round, and a memory sees together."""
        return 1

    @property
    def observe_previous_step(self) -> bool:
        """Whether the policy sees its last action and reward, and where episodes end."""
        return False

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        learned = self.trainable_inner_step_size
        self._require("trainable_inner_step_size", not learned or self.num_inner_grad_steps > 0, "off without inner steps")
        fits = learned or self.step_size_shape == "entry"
        self._require("step_size_shape", fits, "left out without trainable_inner_step_size")

    def _require(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise InvalidSetting(name, getattr(self, name), expected)


@dataclasses.dataclass(frozen=True)
class GradientConfig(Config):
    """Settings of algorithms with an optimiser of Keras."""

    learning_rate: Positive = 1e-3
    """Step size beta of Adam."""
    optimizer: dict[str, Json] = dataclasses.field(default_factory=dict)
    """Optimiser of Keras instead of Adam: '{"name": "AdamW", "clipnorm": 1.0}'; its learning_rate can be a schedule."""


@dataclasses.dataclass(frozen=True)
class InnerObjectiveConfig(Config):
    """Settings of algorithms whose adaptation follows one of several objectives."""

    inner_type: DiceInnerType = "likelihood_ratio"
    """Objective of the adaptation; see docs/algorithms."""
    loaded_dice_lambda: Fraction = 1.0
    """Lambda of inner_type loaded_dice: 0 is LVC, 1 is DiCE with a baseline."""

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        fits = self.loaded_dice_lambda == 1 or self.inner_type == "loaded_dice"
        self._require("loaded_dice_lambda", fits, "left out without loaded_dice")


@dataclasses.dataclass(frozen=True)
class ExplorationConfig(InnerObjectiveConfig):
    """Settings of algorithms that can credit the behaviour before adaptation."""

    exploration: bool = False
    """Add E-MAML's credit for the pre-update behaviour."""
    exploration_weight: Positive = 1.0
    """Factor of that credit: 1 is the original's mean over rollouts; rollouts_per_meta_task is the sum of them."""

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("exploration", not self.exploration or self.num_inner_grad_steps > 0, "off without inner steps")


@dataclasses.dataclass(frozen=True)
class ProMPConfig(GradientConfig, InnerObjectiveConfig):
    """Settings of ProMP."""

    num_promp_steps: Count = 5
    """Meta-gradient steps per iteration."""
    clip_eps: Positive = 0.3
    """Clipping range epsilon of the likelihood ratio."""
    init_inner_kl_penalty: NotNegative = 5e-4
    """Coefficient eta of the KL penalty."""
    adaptive_inner_kl_penalty: bool = False
    """Halve or double eta where the KL misses target_inner_step by more than a factor of 1.5."""
    target_inner_step: Positive = 0.01
    """Target of the KL for adaptive_inner_kl_penalty, in nats."""
    anneal_factor: Positive = 1.0
    """Factor on clip_eps after every iteration."""
    num_minibatches: Count = 1
    """Meta-gradient steps per pass over the tasks; must divide meta_batch_size."""
    inner_type: InnerType = "likelihood_ratio"
    """Objective of the adaptation: likelihood_ratio is the paper's; see docs/algorithms."""

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        adaptable = not self.adaptive_inner_kl_penalty or self.init_inner_kl_penalty > 0
        self._require("init_inner_kl_penalty", adaptable, "positive to be adapted: no factor changes 0")
        divides = self.meta_batch_size % self.num_minibatches == 0
        self._require("num_minibatches", divides, f"a divisor of meta_batch_size ({self.meta_batch_size})")


@dataclasses.dataclass(frozen=True)
class TRPOMAMLConfig(ExplorationConfig):
    """Settings of TRPO-MAML, E-MAML-TRPO and LVC-TRPO."""

    step_size: Positive = 0.01
    """Trust region delta: the largest KL after adaptation, in nats."""
    inner_type: InnerType = "log_likelihood"
    """Objective of the adaptation: log_likelihood is MAML's, likelihood_ratio is LVC's; see docs/algorithms."""
    hvp: HvpType = "fisher"
    """Curvature of the trust region: fisher and hessian are exact, finite_difference is the original's."""


@dataclasses.dataclass(frozen=True)
class VPGMAMLConfig(GradientConfig, ExplorationConfig):
    """Settings of MAML-VPG, E-MAML-VPG and LVC-VPG."""

    inner_type: InnerType = "log_likelihood"
    """Objective of the adaptation: log_likelihood is MAML's, likelihood_ratio is LVC's; see docs/algorithms."""


@dataclasses.dataclass(frozen=True)
class ReptileConfig(InnerObjectiveConfig):
    """Settings of Reptile."""

    learning_rate: Positive = 1e-3
    """Step size beta of Adam."""
    inner_type: InnerType = "likelihood_ratio"
    """Objective of the adaptation; all have the same gradient, and Reptile needs nothing else of it."""
    loaded_dice_lambda: Fraction = 1.0
    """Lambda of inner_type loaded_dice."""

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("trainable_inner_step_size", not self.trainable_inner_step_size, "off: Reptile has no gradient of it")


@dataclasses.dataclass(frozen=True)
class SGMRLConfig(GradientConfig, InnerObjectiveConfig):
    """Settings of SG-MRL."""

    inner_type: InnerType = "log_likelihood"
    """Objective of the adaptation: log_likelihood is the paper's; see docs/algorithms."""

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("num_inner_grad_steps", self.num_inner_grad_steps > 0, "1 or more: SG-MRL credits what is before them")


@dataclasses.dataclass(frozen=True)
class RL2Config(GradientConfig):
    """Settings of RL2."""

    num_inner_grad_steps: Natural = 0
    """0: the memory adapts, and no gradient."""
    num_ppo_steps: Count = 5
    """Gradient steps per iteration."""
    clip_eps: Positive = 0.3
    """Clipping range epsilon of the likelihood ratio."""
    rollouts_per_trial: Count = 5
    """Rollouts through which the memory is kept; must divide rollouts_per_meta_task."""
    memory_size: Count = 64
    """Units of the gated recurrent unit, below the hidden layers."""

    @property
    @override
    def rollouts_per_row(self) -> int:
        return self.rollouts_per_trial

    @property
    @override
    def observe_previous_step(self) -> bool:
        return True

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("num_inner_grad_steps", self.num_inner_grad_steps == 0, "0: RL2 adapts by its memory")
        self._require("adapted", self.adapted == "all", "left out: RL2 adapts by its memory")
        rollouts = self.rollouts_per_meta_task
        divides = rollouts % self.rollouts_per_trial == 0
        self._require("rollouts_per_trial", divides, f"a divisor of rollouts_per_meta_task ({rollouts})")


@dataclasses.dataclass(frozen=True)
class DICEMAMLConfig(GradientConfig, InnerObjectiveConfig):
    """Settings of DiCE."""

    baseline: BaselineName = "LinearTimeBaseline"
    """Baseline of the discounted reward of a step, fitted to each task's samples."""
    return_baseline: BaselineName = "LinearFeatureBaseline"
    """Baseline of the return, for advantages (outer_type vpg and trpo, most values of inner_type) and for tmaml."""
    inner_type: DiceInnerType = "dice"
    """Objective of the adaptation; see docs/algorithms."""
    outer_type: OuterType = "dice"
    """Objective after adaptation: dice (DiCE), vpg (VPG-DiCE) or trpo (TRPO-DiCE)."""
    learning_rate: Positive = 1e-3
    """Step size beta of Adam, for outer_type dice and vpg."""
    step_size: Positive = 0.01
    """Trust region delta for outer_type trpo, in nats."""

    @property
    def takes_advantages(self) -> bool:
        """Whether the samples need a baseline of the return."""
        return self.outer_type != "dice" or self.inner_type not in ("dice", "tmaml")
