"""PPO in each task alone is plain PPO, by hand and by the package's own with K = 0."""

import numpy as np
import pytest
import tensorflow as tf

from meta_policy_search.meta_algos.per_task_ppo import PerTaskPPO
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.types import Samples
from tests.meta_algos.problem import make_batches, make_policy, nearly_on_policy

SETTINGS = {"learning_rate": 0.01, "clip_eps": 0.2}


def plain() -> ProMP:
    return ProMP(make_policy(), num_inner_grad_steps=0)


def problem() -> tuple[dict[str, np.ndarray], Samples]:
    """Different parameters of two tasks, and samples that policies near them drew."""
    algo, rng = plain(), np.random.default_rng(3)
    theta = algo.policy.stacked_theta(2)
    params = {name: value.numpy() + 0.1 * rng.normal(size=value.shape) for name, value in theta.items()}
    return params, nearly_on_policy(algo, make_batches(algo.policy, steps=0))[0]


def clipped_loss(params: dict[str, np.ndarray], samples: Samples, task: int) -> float:
    """-sum_t weight_t min(w_t A_t, clip(w_t) A_t) of one task with parameters [...], in numpy."""
    x = samples.observations.numpy()[task]
    hidden = np.tanh(x @ params["mean_network/hidden_0/kernel"] + params["mean_network/hidden_0/bias"])
    mean = hidden @ params["mean_network/output/kernel"] + params["mean_network/output/bias"]
    old = {name: value.numpy()[task] for name, value in samples.agent_infos.items()}
    log_std = params["log_std_network/log_std_var"]

    def log_prob(mean, log_std):
        z = (samples.actions.numpy()[task] - mean) / np.exp(log_std)
        return (-0.5 * z**2 - log_std).sum(axis=-1)

    ratio = np.exp(log_prob(mean, log_std) - log_prob(old["mean"], old["log_std"]))
    advantages, weights = samples.advantages.numpy()[task], samples.weights.numpy()[task]
    return -np.sum(weights * np.minimum(ratio * advantages, np.clip(ratio, 0.8, 1.2) * advantages))


@pytest.mark.usefixtures("eagerly")
def test_one_step_is_adams_first_along_the_gradient_by_finite_differences():
    params, samples = problem()
    learner = PerTaskPPO(plain(), params, epochs=1, **SETTINGS)
    learner.optimize(samples)
    for task in range(2):
        own = {name: value[task].copy() for name, value in params.items()}
        for name, value in own.items():
            for index in np.ndindex(value.shape):
                ends = []
                for step in (1e-6, -1e-6):
                    moved = {**own, name: value.copy()}
                    moved[name][index] += step
                    ends.append(clipped_loss(moved, samples, task))
                gradient = (ends[0] - ends[1]) / 2e-6
                root = np.sqrt(1 - 0.999)  # of Adam's second moment after one step
                expected = value[index] - 0.01 * root * gradient / (root * abs(gradient) + 1e-8)
                found = learner.params[name].numpy()[task][index]
                np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6 if abs(gradient) > 1e-5 else 0.011)


@pytest.mark.usefixtures("eagerly")
def test_each_task_is_trained_as_by_plain_ppo_on_it_alone():
    params, samples = problem()
    together = PerTaskPPO(plain(), params, epochs=3, **SETTINGS)
    for _ in range(2):
        together.optimize(samples)
    for task in range(2):
        policy = make_policy()
        for name, variable in policy.theta.items():
            variable.assign(params[name][task])
        alone = ProMP(policy, num_inner_grad_steps=0, num_promp_steps=3, **SETTINGS)
        batch = tf.nest.map_structure(lambda x, n=task: x[n : n + 1], samples)
        for _ in range(2):
            alone.optimize_policy([batch])
        for name, value in policy.theta.items():
            np.testing.assert_allclose(together.params[name].numpy()[task], value, rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.usefixtures("eagerly")
def test_what_becomes_infinite_is_named():
    params, samples = problem()
    learner = PerTaskPPO(plain(), params, epochs=30, learning_rate=1e308)
    with pytest.raises(FloatingPointError, match=r"PPO made .* NaN or infinite"):
        learner.optimize(samples)
