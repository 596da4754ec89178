"""This package as an adapter; it made the cases."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from meta_policy_search.conformance.cases import Arrays, Case
from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.meta_algos.dice_maml import DICEMAML
from meta_policy_search.meta_algos.inner_loop import InnerLoop
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.meta_algos.vpg_maml import VPGMAML
from meta_policy_search.optimizers.conjugate_gradient_optimizer import flatten, unflatten
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from meta_policy_search.samplers.returns import normalize_advantages
from meta_policy_search.types import Params, Samples


def adapter(case: Case) -> Arrays:
    """All quantities of a case, in float64."""
    return quantities(build(case), samples(case))


def build(case: Case) -> MAMLAlgo:
    """The algorithm of a case, at its theta."""
    s = case.settings
    inner = InnerLoop(s["inner_lr"], s["num_inner_grad_steps"], first_order=s["first_order"])
    loaded_dice_lambda = s["loaded_dice_lambda"] if s["inner_objective"] == "loaded_dice" else 1.0
    policy = _policy(case.params)
    builders: dict[str, Callable[[], MAMLAlgo]] = {
        "clipped_ratio": lambda: ProMP(
            policy,
            learning_rate=s["learning_rate"],
            num_promp_steps=s["adam_steps"],
            clip_eps=s["clip_eps"],
            init_inner_kl_penalty=s["kl_coeff"],
            adaptive_inner_kl_penalty=False,
            inner_type=s["inner_objective"],
            loaded_dice_lambda=loaded_dice_lambda,
            inner=inner,
        ),
        "likelihood_ratio": lambda: TRPOMAML(
            policy,
            exploration=s["exploration"],
            inner_type=s["inner_objective"],
            loaded_dice_lambda=loaded_dice_lambda,
            inner=inner,
        ),
        "log_likelihood": lambda: VPGMAML(
            policy,
            learning_rate=s["learning_rate"],
            exploration=s["exploration"],
            inner_type=s["inner_objective"],
            loaded_dice_lambda=loaded_dice_lambda,
            inner=inner,
        ),
        "dice": lambda: DICEMAML(policy, learning_rate=s["learning_rate"], inner=inner),
    }
    return builders[s["outer_objective"]]()


def samples(case: Case) -> tuple[Samples, ...]:
    """The batches as the package takes them: advantages are normalised, each task by itself."""
    return tuple(_samples(batch) for batch in case.batches)


def quantities(algo: MAMLAlgo, batches: tuple[Samples, ...]) -> Arrays:
    """What the algorithm computes, in the order in which it does."""
    eagerly = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)  # to trace graphs would take longer
    try:
        batches = tf.nest.map_structure(tf.convert_to_tensor, batches)
        return {
            **_adaptation(algo, batches),
            **_meta_objective(algo, batches),
            **(_fisher_product(algo, batches) if isinstance(algo, TRPOMAML) else {}),
            **(_after_update(algo, batches) if not isinstance(algo, TRPOMAML) else {}),
        }
    finally:
        tf.config.run_functions_eagerly(eagerly)


def _policy(params: Arrays) -> MetaGaussianMLPPolicy:
    kernels = [value for name, value in params.items() if name.endswith("kernel")]
    hidden_sizes = tuple(kernel.shape[1] for kernel in kernels[:-1])
    sizes = kernels[0].shape[0], kernels[-1].shape[1]
    policy = MetaGaussianMLPPolicy(*sizes, hidden_sizes, rng=np.random.default_rng(0), dtype=tf.float64)
    for name, variable in policy.theta.items():
        variable.assign(params[name])
    return policy


def _samples(batch: Arrays) -> Samples:
    advantages = np.zeros(batch["weights"].shape)
    for task, kept in enumerate(batch["weights"] > 0):
        advantages[task][kept] = normalize_advantages(batch["advantages"][task][kept])
    infos = {"mean": batch["mean"], "log_std": batch["log_std"]}
    return Samples(
        observations=batch["observations"],
        actions=batch["actions"],
        start=batch["start"],
        weights=batch["weights"],
        agent_infos=infos,
        adj_avg_rewards=batch["adj_avg_rewards"],
        advantages=advantages,
        adjusted_rewards=batch["adjusted_rewards"],
    )


def _adaptation(algo: MAMLAlgo, batches: tuple[Samples, ...]) -> Arrays:
    params, found = algo.policy.stacked_theta(len(batches[0].weights)), {}
    for k, batch in enumerate(batches[:-1]):
        found[f"inner_loss/{k}"] = algo.inner_loss(algo.policy.distribution(params, batch.observations), batch).numpy()
        params = algo.adapt(params, batch, k)
        found |= _named(f"adapted/{k + 1}", params)
    return found


def _meta_objective(algo: MAMLAlgo, batches: tuple[Samples, ...]) -> Arrays:
    meta_loss, gradient = algo.meta_gradient(batches)
    values = {"inner_kl": meta_loss.inner_kl, "outer_kl": meta_loss.outer_kl, "meta_loss": meta_loss.loss}
    return {name: value.numpy() for name, value in values.items()} | _named("meta_gradient", gradient)


def _fisher_product(algo: TRPOMAML, batches: tuple[Samples, ...]) -> Arrays:
    _, gradient = algo.meta_gradient(batches)
    return _named("fisher_product", unflatten(algo.optimizer.product(flatten(gradient), batches), algo.theta))


def _after_update(algo: MAMLAlgo, batches: tuple[Samples, ...]) -> Arrays:
    algo.optimize_policy(batches)
    return _named("after_update", algo.theta)


def _named(group: str, values: Params) -> Arrays:
    return {f"{group}/{name}": np.asarray(value) for name, value in values.items()}
