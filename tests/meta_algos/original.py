"""A file of the original's numbers for one algorithm: its configuration, the batches, and the algorithm that it is about.

Keys are paths: `config/<setting>`, `params/<name>`, `in/step<k>/task<i>/<array>` and
`out64/<quantity>[/step<k>][/task<i>][/<name>]`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.meta_algos.dice_maml import DICEMAML, TRPO_DICEMAML, VPG_DICEMAML
from meta_policy_search.meta_algos.objectives import task_mean
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.meta_algos.vpg_maml import VPGMAML
from meta_policy_search.optimizers.maml_first_order_optimizer import MAMLFirstOrderOptimizer
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from meta_policy_search.types import Params, Samples

tfd = tfp.distributions

Quantity = tuple[str, object, np.ndarray]  # name, the package's value, the original's

HESSIAN = {"optimizer": {"hvp": "hessian"}}  # what the original differentiates, also away from the old policy
SETTINGS = {  # of each algorithm: the class, the settings that are read from config/, other settings
    "ProMP": (ProMP, ["learning_rate", "clip_eps", "init_inner_kl_penalty", "target_inner_step"], {}),
    "TRPOMAML": (TRPOMAML, ["inner_type", "exploration", "step_size"], HESSIAN),
    "VPGMAML": (VPGMAML, ["inner_type", "exploration", "learning_rate"], {}),
    "DICEMAML": (DICEMAML, ["learning_rate"], {}),
    "VPG_DICEMAML": (VPG_DICEMAML, ["learning_rate"], {}),
    "TRPO_DICEMAML": (TRPO_DICEMAML, ["step_size"], HESSIAN),
}


class Original:
    """Reads a file, and remembers which recorded results were asked for."""

    def __init__(self, path: Path):
        with np.load(path, allow_pickle=False) as data:
            self._data = dict(data)
        self.used: set[str] = set()
        self.param_names = [str(name) for name in self._data["config/param_names"]]
        self.n_tasks = self.config("meta_batch_size")

    def __contains__(self, name: str) -> bool:
        return f"out64/{name}" in self._data

    def __getitem__(self, name: str) -> np.ndarray:
        """A recorded float64 result."""
        self.used.add(f"out64/{name}")
        return self._data[f"out64/{name}"]

    def config(self, name: str) -> str | int | float | bool | list:
        return self._data[f"config/{name}"].tolist()

    def initial_params(self) -> dict[str, np.ndarray]:
        return {name: self._data[f"params/{name}"] for name in self.param_names}

    def params(self, group: str) -> dict[str, np.ndarray]:
        """A result by parameter name: `grad`, `after_epoch1`, ..."""
        return {name: self[f"{group}/{name}"] for name in self.param_names}

    def tasks(self, group: str, name: str = "") -> np.ndarray:
        """A result of all tasks, [N, ...]."""
        return np.stack([self[f"{group}/task{i}{name}"] for i in range(self.n_tasks)])

    def numbered(self, prefix: str) -> list[int]:
        """The numbers n of the groups `<prefix><n>` in the file, in order."""
        found = (re.match(rf"out64/{prefix}(\d+)/", key) for key in self._data)
        return sorted({int(match[1]) for match in found if match})

    def unused(self) -> set[str]:
        """The recorded float64 results that nobody asked for."""
        return {key for key in self._data if key.startswith("out64/")} - self.used

    def match(self, group: str, values: Params) -> Iterator[Quantity]:
        """Values by parameter name beside the recorded group."""
        for name, expected in self.params(group).items():
            yield group, values[name], expected

    def match_vector(self, group: str, values: Params) -> Iterator[Quantity]:
        """The same as one vector: the parts of a gradient have one scale in common."""
        parts = list(self.match(group, values))
        yield group, np.concatenate([np.ravel(p[1]) for p in parts]), np.concatenate([np.ravel(p[2]) for p in parts])

    def match_tasks(self, group: str, step: int, values: Params) -> Iterator[Quantity]:
        """Values [N, ...] by parameter name beside the recorded ones of every task."""
        for name in self.param_names:
            yield group, values[name], self.tasks(f"{group}/step{step}", f"/{name}")

    def batches(self, dtype: np.dtype) -> tuple[Samples, ...]:
        """The data of the steps 0..K."""
        return tuple(self._samples(step, dtype) for step in range(self.config("num_inner_grad_steps") + 1))

    def _samples(self, step: int, dtype: np.dtype) -> Samples:
        first = f"in/step{step}/task0/"
        names = [key.removeprefix(first) for key in self._data if key.startswith(first)]
        data = {name: self._stack(step, name).astype(dtype) for name in names}
        weights, start = self._episodes(data)
        zeros = np.zeros_like(weights)
        per_step = data.get("adj_avg_rewards", zeros)
        return Samples(
            observations=data["observations"],
            actions=data["actions"],
            start=start,
            weights=weights,
            agent_infos={name: data[f"agent_infos/{name}"] for name in ("mean", "log_std")},
            adj_avg_rewards=per_step.mean(axis=(1, 2)),
            advantages=data.get("advantages", zeros),
            adjusted_rewards=data.get("adjusted_rewards", zeros),
        )

    def _stack(self, step: int, name: str) -> np.ndarray:
        """[N, paths, T, ...] of DiCE, and [N, 1, steps, ...] of the others, which put their paths one after the other."""
        values = np.stack([self._data[f"in/step{step}/task{i}/{name}"] for i in range(self.n_tasks)])
        return values if f"in/step{step}/task0/mask" in self._data else values[:, np.newaxis]

    def _episodes(self, data: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Weights and start of the steps, [N, R, T]: a mean over paths and time, under DiCE's mask."""
        advantages = data["observations"][..., 0]
        n_steps = advantages.shape[1] * advantages.shape[2]
        weights = data.get("mask", np.ones_like(advantages)) / n_steps
        length = self.config("path_length")
        start = np.arange(advantages.shape[2], dtype=np.int32) // length * length
        return weights.astype(advantages.dtype), np.broadcast_to(start, advantages.shape)


def build(original: Original, dtype: tf.DType) -> MAMLAlgo:
    """The algorithm of a file at its initial parameters; in float64 with the constants of the original's float64 run."""
    sizes = original.config("obs_dim"), original.config("action_dim"), tuple(original.config("hidden_sizes"))
    policy = MetaGaussianMLPPolicy(*sizes, rng=np.random.default_rng(0), dtype=dtype)
    assert list(policy.theta) == original.param_names, "the parameters have the original's names and order"
    for name, value in original.initial_params().items():
        policy.theta[name].assign(tf.cast(value, dtype))
    algorithm, names, others = SETTINGS[original.config("algo")]
    inner_lr = original.config("inner_lr")
    algo = algorithm(
        policy,
        inner_lr=_float32(inner_lr) if dtype == tf.float64 else inner_lr,
        num_inner_grad_steps=original.config("num_inner_grad_steps"),
        **{name: original.config(name) for name in names},
        **others,
    )
    if dtype == tf.float64 and isinstance(algo.optimizer, MAMLFirstOrderOptimizer):
        use_original_adam(algo.optimizer, original.config("learning_rate"))
    return algo


def use_original_adam(optimizer: MAMLFirstOrderOptimizer, learning_rate: float, steps: int = 1000) -> None:
    """Gives an optimiser the Adam of the original's float64 run.

    There the learning rate, both betas and epsilon are float32 numbers, and so are the running powers beta^t, which
    TensorFlow 1 multiplies up in float32; everything else is float64. Keras computes the powers exactly, so the ratio of
    the bias corrections goes into the learning rate. With it the parameters agree to 1e-13, without it to 1e-7.
    """
    beta_1, beta_2, t = np.float32(0.9), np.float32(0.999), np.arange(1, steps + 1)
    power_1, power_2 = (np.cumprod(np.full(steps, beta)).astype(np.float64) for beta in (beta_1, beta_2))
    recorded = np.sqrt(1 - power_2) / (1 - power_1)
    exact = np.sqrt(1 - float(beta_2) ** t) / (1 - float(beta_1) ** t)
    rates = tf.constant(_float32(learning_rate) * recorded / exact, tf.float64)
    optimizer.adam = keras.optimizers.Adam(_Schedule(rates), float(beta_1), float(beta_2), epsilon=_float32(1e-8))
    optimizer.adam.build(optimizer._variables)


def use_original_kl(algo: MAMLAlgo) -> None:
    """Gives an algorithm the original's KL divergence, which adds 1e-8 to the denominator 2 sigma^2."""

    def kl(old: tfd.Independent, new: tfd.Independent, samples: Samples) -> tf.Tensor:
        old, new = old.distribution, new.distribution
        numerator = (old.loc - new.loc) ** 2 + old.scale**2 - new.scale**2
        per_dimension = numerator / (2 * new.scale**2 + 1e-8) + tf.math.log(new.scale) - tf.math.log(old.scale)
        return tf.reduce_mean(task_mean(tf.reduce_sum(per_dimension, axis=-1), samples.weights))

    algo.kl = kl


class _Schedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, rates: tf.Tensor):
        self.rates = rates

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        return tf.gather(self.rates, step)


def _float32(value: float) -> float:
    return float(np.float32(value))
