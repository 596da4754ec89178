"""TRPO in each task alone is TRPOMAML without inner steps on that task alone."""

import numpy as np
import pytest
import tensorflow as tf

from meta_policy_search.meta_algos.per_task_trpo import PerTaskTRPO
from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.types import Samples
from tests.meta_algos.problem import make_batches, make_policy


def problem() -> tuple[dict[str, tf.Tensor], Samples]:
    """Different parameters of two tasks, and samples that they drew."""
    policy, rng = make_policy(), np.random.default_rng(3)
    params = {name: value + 0.1 * rng.normal(size=(2, *value.shape)) for name, value in policy.theta.items()}
    samples = make_batches(policy, steps=0)[0]
    infos = policy.agent_infos(policy.distribution(params, samples.observations))
    infos = {name: tf.broadcast_to(value, samples.agent_infos[name].shape) for name, value in infos.items()}
    return params, samples._replace(agent_infos=infos)


def of_task(samples: Samples, task: int) -> Samples:
    return tf.nest.map_structure(lambda x: x[task : task + 1], samples)


@pytest.mark.usefixtures("eagerly")
def test_each_task_takes_the_step_of_trpo_on_it_alone_and_theta_stays():
    params, samples = problem()
    policy = make_policy()
    theta = {name: value.numpy() for name, value in policy.theta.items()}
    together = PerTaskTRPO(policy, params, step_size=0.01)
    for _ in range(2):
        together.optimize(samples)
    for task in range(2):
        alone = TRPOMAML(make_policy(), num_inner_grad_steps=0, step_size=0.01)
        for name, variable in alone.policy.theta.items():
            variable.assign(params[name][task])
        for _ in range(2):
            alone.optimize_policy([of_task(samples, task)])
        for name, value in alone.policy.theta.items():
            np.testing.assert_allclose(together.params[name].numpy()[task], value, rtol=0, atol=1e-12, err_msg=name)
    for name, value in theta.items():
        np.testing.assert_array_equal(policy.theta[name], value)


@pytest.mark.usefixtures("eagerly")
def test_each_task_has_its_own_trust_region_and_one_without_credit_stays():
    params, samples = problem()
    credit = samples.advantages.numpy()
    credit[1] = 0
    learner = PerTaskTRPO(make_policy(), params, step_size=0.01)
    learner.optimize(samples._replace(advantages=credit))
    policy = make_policy()
    old, new = (policy.distribution(values, samples.observations) for values in (params, learner.params))
    kl = tf.reduce_sum(samples.weights * old.kl_divergence(new), axis=(1, 2)).numpy()
    assert 0.005 < kl[0] <= 0.01  # the mean over both tasks would allow twice as much
    for name, value in params.items():
        np.testing.assert_array_equal(learner.params[name].numpy()[1], value[1])
