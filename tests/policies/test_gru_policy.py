"""The memory is Keras's gated recurrent unit, acting and learning see the same, and its gradient goes through time."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from meta_policy_search.policies.gru_policy import BIAS, KERNEL, RECURRENT, MetaGRUPolicy

N, R, T, O, A, M = 2, 3, 5, 4, 2, 6  # noqa: E741


def make_policy(**settings) -> MetaGRUPolicy:
    rng = np.random.default_rng(0)
    policy = MetaGRUPolicy(O, A, memory_size=M, hidden_sizes=(3,), rng=rng, dtype=tf.float64, **settings)
    for value in policy.theta.values():  # biases too
        value.assign_add(0.3 * rng.standard_normal(value.shape))
    return policy


def of_tasks(policy: MetaGRUPolicy, seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: value.numpy() + 0.1 * rng.standard_normal((N, *value.shape)) for name, value in policy.theta.items()}


def observations(seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((N, R, T, O))


def rolled_out(policy: MetaGRUPolicy, params: dict[str, np.ndarray], seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The means of the actions [N, R, T, A] and the states [N, R, T, M] of acting step by step."""
    state, means, states = policy.initial_state((N, R)), [], []
    for time in range(seen.shape[2]):
        actions, infos, state = policy.act_from_state(params, seen[:, :, time], np.ones((N, R, A)), state)
        np.testing.assert_allclose(actions, infos["mean"] + np.exp(infos["log_std"]))
        still, _, _ = policy.act_from_state(params, seen[:, :, time], None, states[-1] if states else 0.0 * state)
        np.testing.assert_array_equal(still, infos["mean"])
        means.append(infos["mean"])
        states.append(state)
    return np.stack(means, axis=2), np.stack(states, axis=2)


def test_the_memory_is_that_of_kerass_cell():
    policy, seen = make_policy(), observations()
    params = of_tasks(policy)
    _, states = rolled_out(policy, params, seen)
    for task in range(N):
        cell = keras.layers.GRUCell(M, reset_after=True, dtype="float64")
        cell.build((R, O))
        cell.set_weights([params[name][task] for name in (KERNEL, RECURRENT, BIAS)])
        state = np.zeros((R, M))
        for time in range(T):
            _, (state,) = cell(seen[task, :, time], [state])
            np.testing.assert_allclose(states[task, :, time], state, rtol=0, atol=1e-12)


@pytest.mark.parametrize("learn_std", [True, False])
def test_what_acts_step_by_step_is_what_learns_from_whole_rows(learn_std):
    policy, seen = make_policy(learn_std=learn_std), observations()
    params = of_tasks(policy)
    means, _ = rolled_out(policy, params, seen)
    distribution = policy.distribution({name: tf.constant(value) for name, value in params.items()}, seen)
    np.testing.assert_allclose(policy.agent_infos(distribution)["mean"], means, rtol=0, atol=1e-12)


def test_parameters_of_all_tasks_are_those_of_each():
    policy, seen = make_policy(), observations()
    alone = policy.distribution(policy.theta, seen).mean()
    np.testing.assert_allclose(alone, policy.distribution(policy.stacked_theta(N), seen).mean(), rtol=0, atol=1e-13)


def test_an_action_depends_on_what_was_seen_before_and_not_after_it():
    policy, seen = make_policy(), observations()
    changed = seen.copy()
    changed[:, :, 2] += 1.0
    difference = np.abs(policy.distribution(policy.theta, seen).mean() - policy.distribution(policy.theta, changed).mean())
    assert (difference[:, :, :2] == 0).all()
    assert (difference[:, :, 2:].max(axis=-1) > 1e-4).all()


@pytest.mark.parametrize("name", [KERNEL, RECURRENT, BIAS, "mean_network/output/kernel"])
def test_the_gradient_through_time_is_that_of_finite_differences(name):
    policy, seen = make_policy(), observations()
    actions = np.random.default_rng(3).standard_normal((N, R, T, A))

    def loss() -> tf.Tensor:
        return tf.reduce_mean(tf.reduce_sum(policy.distribution(policy.theta, seen).log_prob(actions), axis=-1) ** 2)

    with tf.GradientTape() as tape:
        value = loss()
    gradient, variable = tape.gradient(value, policy.theta[name]).numpy(), policy.theta[name]
    start = variable.numpy()
    for index in list(np.ndindex(start.shape))[::7]:
        ends = []
        for step in (1e-5, -1e-5):
            moved = start.copy()
            moved[index] += step
            variable.assign(moved)
            ends.append(loss().numpy())
        variable.assign(start)
        np.testing.assert_allclose(gradient[index], (ends[0] - ends[1]) / 2e-5, rtol=1e-5, atol=1e-7)


def test_the_recurrent_kernels_begin_orthogonal_and_the_biases_at_zero():
    params = MetaGRUPolicy(O, A, memory_size=M, rng=np.random.default_rng(0)).init_params(np.random.default_rng(5))
    for part in np.split(params[RECURRENT], 3, axis=1):
        np.testing.assert_allclose(part @ part.T, np.eye(M), atol=1e-12)
    assert params[KERNEL].shape == (O, 3 * M)
    assert not params[BIAS].any()
    assert params["mean_network/hidden_0/kernel"].shape[0] == M
