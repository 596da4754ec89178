"""The settings that experiments share, under the original's names. Importing it loads neither TensorFlow nor MuJoCo."""

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
from meta_policy_search.choices import Backend, InnerType, Physics, StepSizeShape
from meta_policy_search.utils.lazy import lazy_names

# what this module defined once
_OF_ALGORITHMS = (
    "ProMPConfig",
    "TRPOMAMLConfig",
    "VPGMAMLConfig",
    "ReptileConfig",
    "SGMRLConfig",
    "RL2Config",
    "DICEMAMLConfig",
)
_MOVED = {"ConfigError": "validation"} | dict.fromkeys(("load_config", "config_from_dict", "config_to_dict"), "config_files")
_MOVED |= dict.fromkeys(_OF_ALGORITHMS, "algorithm_configs")
__getattr__, *_ = lazy_names(__name__, {name: f"experiment_utils.{place}" for name, place in _MOVED.items()})

# metadata of a field that says how or where to compute, not what: it may differ when a run is resumed
CHANGES_NO_NUMBER = {"changes_numbers": False}

BaselineName = Literal["LinearFeatureBaseline", "LinearTimeBaseline", "ZeroBaseline"]
MetaUpdateDevice = Literal["auto", "cpu", "gpu"]
SamplerName = Literal["local", "ray"]
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

    inner_type: InnerType = "likelihood_ratio"
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
