"""The registry of algorithms: an entry holds all that depends on which algorithm it is. Importing it loads no TensorFlow."""

import dataclasses
import functools
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiment_utils.algorithm_configs import (
    DICEMAMLConfig,
    ProMPConfig,
    ReptileConfig,
    RL2Config,
    SGMRLConfig,
    TRPOMAMLConfig,
    VPGMAMLConfig,
)
from experiment_utils.config import Config, OuterType
from experiment_utils.places import SCRIPTS
from experiment_utils.validation import ConfigError, nearest

if TYPE_CHECKING:
    from experiment_utils.builders import Components
    from meta_policy_search.meta_algos.base import MAMLAlgo


Build = Callable[[Any, np.random.Generator], "Components"]


@dataclasses.dataclass(frozen=True)
class Algorithm:
    """An entry of the registry.

    Attributes:
      name: the paper's, in plots and tables.
      defaults: the settings of its script; their class is what params.json calls `algo`.
      build: makes the components of a run from a config and a generator. It alone loads TensorFlow.
      script: starts a run; for sweeps.
      colour: of its curves, "#rrggbb".
      variant: the settings that tell it from other entries of the same class.
    """

    name: str
    defaults: Config
    build: Build
    script: Path
    colour: str
    variant: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def matches(self, config: Mapping[str, object]) -> bool:
        """Whether a run with these settings, of this class, is one of this algorithm."""
        return all(config.get(name, getattr(self.defaults, name)) == value for name, value in self.variant.items())


_registry: dict[str, Algorithm] = {}


def register_algorithm(entry: Algorithm) -> Algorithm:
    """Make an algorithm known to loading, sweeps, reports and plots; return it. Registering a name again replaces it.

    Raises:
      ValueError: the name or the config class belongs to an algorithm of this package, the colour is not "#rrggbb", or the
        variant names what is no setting.
    """
    taken = [other for other in _registry.values() if other.name in _OWN and other.defaults.algo == entry.defaults.algo]
    if entry.name in _OWN:
        raise ValueError(f"{entry.name} is an algorithm of this package; give yours another name")
    if taken:
        kind = type(entry.defaults).__name__
        what = f"{kind} is the config class of {taken[0].name}"
        raise ValueError(f"{what}; give {entry.name} one of its own, such as class My{kind}({kind})")
    if not re.fullmatch("#[0-9a-fA-F]{6}", entry.colour):
        raise ValueError(f"the colour of {entry.name} is {entry.colour!r}; it must be like '#D55E00'")
    for name in entry.variant:
        if not hasattr(entry.defaults, name):
            raise ValueError(f"the variant of {entry.name} has {name!r}, which {type(entry.defaults).__name__} has not")
    _registry[entry.name] = entry
    return entry


def algorithms() -> list[Algorithm]:
    """Return all entries, the package's own first."""
    return list(_registry.values())


def algorithm(name: str) -> Algorithm:
    """Return the entry of the paper's name.

    Raises:
      KeyError: there is none.
    """
    if name not in _registry:
        raise KeyError(f"no algorithm {name!r} is registered; {nearest(name, list(_registry))}")
    return _registry[name]


def of_class(algo: str) -> Algorithm | None:
    """Return the first entry whose config class params.json calls `algo`: it says how to build; None if there is none."""
    return next((entry for entry in algorithms() if entry.defaults.algo == algo), None)


def find_algorithm(name: str) -> Algorithm:
    """Return the entry of a name as a user may write it: promp and trpo_maml for ProMP and TRPO-MAML.

    Raises:
      ConfigError: there is none.
    """
    by_letters = {_letters(entry.name): entry for entry in algorithms()}
    if _letters(name) not in by_letters:
        raise ConfigError(f"there is no algorithm {name!r}; {nearest(name, [entry.name for entry in algorithms()])}")
    return by_letters[_letters(name)]


def _letters(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()


def build_of(config: Config) -> Build:
    """Return what makes the components of a run with these settings.

    Raises:
      ConfigError: no algorithm with this class of settings is registered.
    """
    entry = of_class(config.algo)
    if entry is None:
        kind = type(config).__name__
        raise ConfigError(f"no algorithm with the settings {kind} is registered; register it, or give train() its build")
    return entry.build


def of_script(script: Path) -> Algorithm | None:
    """Return the first entry that a script runs; None if there is none."""
    return next((entry for entry in algorithms() if entry.script.resolve() == script.resolve()), None)


def paper_name(config: Mapping[str, object]) -> str:
    """Return the paper's name for the algorithm of a config, e.g. E-MAML-TRPO; otherwise the name of the class."""
    algo = str(config["algo"])
    named = (entry.name for entry in algorithms() if entry.defaults.algo == algo and entry.matches(config))
    return next(named, algo)


def class_name(algo: object) -> str:
    """Return module and class of the algorithm that is trained; of one that wraps it (figure 3), the wrapped one's."""
    kind = type(getattr(algo, "algo", algo))
    module = kind.__module__
    if module == "__main__":  # the same class has another module where it is imported
        main = sys.modules["__main__"]
        module = main.__spec__.name if main.__spec__ else Path(getattr(main, "__file__", "notebook")).stem
    return f"{module}.{kind.__qualname__}"


def same_class(one: str, other: str) -> bool:
    """Whether two names of `class_name` are of one class, in whatever package its module lies."""
    return one.split(".")[-2:] == other.split(".")[-2:]


def _plain(kind: type[Config], config: Config, rng: np.random.Generator) -> "Components":
    """Build an algorithm of the config's name whose arguments are its settings."""
    import meta_policy_search
    from experiment_utils import builders

    algo: type[MAMLAlgo] = getattr(meta_policy_search, kind().algo)
    settings = builders.inner_settings(config) | builders.own_settings(config, kind)
    return builders.assemble(config, rng, lambda policy: algo(policy, **settings))


def _trpo_maml(config: TRPOMAMLConfig, rng: np.random.Generator) -> "Components":
    from experiment_utils import builders
    from meta_policy_search.meta_algos.trpo_maml import TRPOMAML

    settings = builders.inner_settings(config) | builders.own_settings(config, TRPOMAMLConfig)
    del settings["hvp"]
    return builders.assemble(config, rng, lambda policy: TRPOMAML(policy, optimizer={"hvp": config.hvp}, **settings))


def _rl2(config: RL2Config, rng: np.random.Generator) -> "Components":
    from experiment_utils import builders
    from meta_policy_search.meta_algos.rl2 import RL2
    from meta_policy_search.samplers.trial_sample_processor import TrialSampleProcessor

    settings = builders.inner_settings(config) | builders.own_settings(config, RL2Config)
    of_policy_and_sampler = {"memory_size", "rollouts_per_trial"}
    settings = {name: value for name, value in settings.items() if name not in of_policy_and_sampler}
    make_processor = functools.partial(builders.make_sample_processor, kind=TrialSampleProcessor)
    return builders.assemble(
        config, rng, lambda policy: RL2(policy, **settings), make_processor, builders.make_memory_policy
    )


def _dice_maml(config: DICEMAMLConfig, rng: np.random.Generator) -> "Components":
    from experiment_utils import builders
    from meta_policy_search.meta_algos.dice_maml import DICEMAML, TRPO_DICEMAML, VPG_DICEMAML

    kinds: dict[OuterType, Callable[..., MAMLAlgo]] = {"dice": DICEMAML, "vpg": VPG_DICEMAML, "trpo": TRPO_DICEMAML}
    settings = builders.inner_settings(config) | builders.own_settings(config, DICEMAMLConfig)
    unused = ("learning_rate", "optimizer") if config.outer_type == "trpo" else ("step_size",)
    for name in ("outer_type", "return_baseline", *unused):
        del settings[name]
    make_processor = builders.make_dice_sample_processor
    return builders.assemble(config, rng, lambda policy: kinds[config.outer_type](policy, **settings), make_processor)


def _entries() -> list[Algorithm]:
    maml = {"inner_type": "log_likelihood", "exploration": False}
    e_maml, lvc = {**maml, "exploration": True}, {**maml, "inner_type": "likelihood_ratio"}
    loaded = {**maml, "inner_type": "loaded_dice"}
    trpo, vpg = TRPOMAMLConfig(), VPGMAMLConfig(meta_batch_size=20, n_itr=300)  # the originals'
    dice = DICEMAMLConfig(n_itr=300)  # the original's
    pro_mp_script, trpo_script = SCRIPTS / "pro-mp_run_mujoco.py", SCRIPTS / "maml_run_mujoco.py"
    e_maml_script, vpg_script = SCRIPTS / "e-maml_run_mujoco.py", SCRIPTS / "vpg_run_mujoco.py"
    dice_script, exploring = SCRIPTS / "dice_run_mujoco.py", TRPOMAMLConfig(exploration=True)
    pro_mp, vpg_maml, sg_mrl, reptile = (
        functools.partial(_plain, kind) for kind in (ProMPConfig, VPGMAMLConfig, SGMRLConfig, ReptileConfig)
    )
    # Okabe and Ito's palette, which colour-blind readers can tell apart.
    return [
        Algorithm("ProMP", ProMPConfig(), pro_mp, pro_mp_script, "#D55E00"),
        Algorithm("TRPO-MAML", trpo, _trpo_maml, trpo_script, "#0072B2", maml),
        Algorithm("E-MAML-TRPO", exploring, _trpo_maml, e_maml_script, "#56B4E9", e_maml),
        Algorithm("LVC-TRPO", trpo, _trpo_maml, trpo_script, "#CC79A7", lvc),
        Algorithm("LVC-VPG", vpg, vpg_maml, vpg_script, "#009E73", lvc),
        Algorithm("E-MAML-VPG", vpg, vpg_maml, vpg_script, "#E69F00", e_maml),
        Algorithm("MAML-VPG", vpg, vpg_maml, vpg_script, "#8C6D31", maml),
        Algorithm("Loaded-DiCE-TRPO", trpo, _trpo_maml, trpo_script, "#999933", loaded),
        Algorithm("Loaded-DiCE-VPG", vpg, vpg_maml, vpg_script, "#882255", loaded),
        Algorithm("SG-MRL", SGMRLConfig(), sg_mrl, SCRIPTS / "sg-mrl_run_mujoco.py", "#CC6677"),
        Algorithm("Reptile", ReptileConfig(), reptile, SCRIPTS / "reptile_run_mujoco.py", "#117733"),
        Algorithm("RL2", RL2Config(), _rl2, SCRIPTS / "rl2_run_mujoco.py", "#44AA99"),
        Algorithm("DiCE", dice, _dice_maml, dice_script, "#7F3FBF", {"outer_type": "dice", "inner_type": "dice"}),
        Algorithm("VPG-DiCE", dice, _dice_maml, dice_script, "#B5A0D6", {"outer_type": "vpg", "inner_type": "dice"}),
        Algorithm("TRPO-DiCE", dice, _dice_maml, dice_script, "#4B0082", {"outer_type": "trpo", "inner_type": "dice"}),
    ]


_registry.update({entry.name: entry for entry in _entries()})
_OWN = frozenset(_registry)
