import numpy as np
import pytest
import tensorflow as tf
from gymnasium.spaces import Box, Discrete

from meta_policy_search.policies.actor import Actor
from meta_policy_search.policies.export import export_policy
from meta_policy_search.policies.meta_categorical_mlp_policy import MetaCategoricalMLPPolicy
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from tests.policies.own_policies import BetaPolicy, CountingPolicy, MixturePolicy

RNG = np.random.default_rng(0)
SPACE = Box(np.array([-1.0, 0.0], np.float32), np.array([1.0, 4.0], np.float32))


def gaussian(mean: tuple[float, float]) -> Actor:
    """A policy with the same mean everywhere, and standard deviation 1."""
    policy = MetaGaussianMLPPolicy(obs_dim=3, action_dim=2, hidden_sizes=(4,), rng=RNG)
    params = {name: np.zeros(value.shape, np.float32) for name, value in policy.theta.items()}
    return Actor(policy, {**params, "mean_network/output/bias": np.array(mean, np.float32)}, SPACE)


def categorical() -> Actor:
    """A policy that prefers its second action by 2 nats."""
    policy = MetaCategoricalMLPPolicy(obs_dim=3, n_actions=3, hidden_sizes=(4,), rng=RNG)
    params = {name: np.zeros(value.shape, np.float32) for name, value in policy.theta.items()}
    return Actor(policy, {**params, "logits_network/output/bias": np.array([0, 2, 0], np.float32)}, Discrete(3, start=5))


def test_the_mode_is_the_mean_in_the_environments_units_and_clipped():
    np.testing.assert_allclose(gaussian((5.0, 0.0)).act(np.zeros(3)), [0.5, 2.0])
    np.testing.assert_allclose(gaussian((50.0, -50.0)).act(np.zeros(3)), [1.0, 0.0])


def test_draws_have_the_policys_deviation_in_the_environments_units():
    draws = gaussian((0.0, 0.0)).act(np.zeros((20_000, 3)), np.random.default_rng(0))
    np.testing.assert_allclose(draws.mean(axis=0), [0.0, 2.0], atol=0.01)
    np.testing.assert_allclose(draws.std(axis=0), [0.1, 0.2], rtol=0.03)


def test_discrete_actions_have_the_environments_numbers_and_the_softmaxs_frequencies():
    assert categorical().act(np.zeros(3)) == 6
    draws = categorical().act(np.zeros((20_000, 3)), np.random.default_rng(0))
    softmax = np.exp([0, 2, 0]) / np.exp([0, 2, 0]).sum()
    np.testing.assert_allclose([(draws == action).mean() for action in (5, 6, 7)], softmax, atol=0.01)


@pytest.mark.parametrize("actor", [gaussian((0.0, 0.0)), categorical()], ids=["gaussian", "categorical"])
@pytest.mark.parametrize("rng", [None, 0])
def test_an_action_has_the_shape_of_the_space_and_a_batch_one_more_axis(actor, rng):
    one, four = (actor.act(np.zeros(shape), None if rng is None else np.random.default_rng(rng)) for shape in (3, (4, 3)))
    assert one.shape == actor.action_space.shape
    assert four.shape == (4, *actor.action_space.shape)
    assert actor.action_space.contains(one.astype(actor.action_space.dtype))


def test_observations_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"the observations have the shape \[4\]; it must be \[3\] or \[B, 3\]"):
        gaussian((0.0, 0.0)).act(np.zeros(4))


def test_the_most_probable_action_of_a_beta_policy_is_its_densitys_mode():
    policy = BetaPolicy(3, 2, hidden_sizes=(4,), rng=np.random.default_rng(0))
    params = {name: np.zeros(value.shape, np.float32) for name, value in policy.theta.items()}
    params["network/output/bias"] = np.array([0.0, 1.0, 1.0, 1.0], np.float32)
    a, b = 1 + np.log1p(np.exp(0.0)), 1 + np.log1p(np.exp(1.0))
    mode = (a - 1) / (a + b - 2)  # of the first action, in [0, 1]; that of the second is 1/2
    np.testing.assert_allclose(Actor(policy, params, SPACE).act(np.zeros(3)), [2 * mode - 1, 2.0], rtol=1e-5)


def test_a_policy_with_a_memory_takes_its_state_from_step_to_step():
    actor = Actor(CountingPolicy(), {"first": np.full(1, 3.0, np.float32)}, Box(-10, 10, (1,), np.float32))
    state, actions = actor.initial_state(), []
    for _ in range(3):
        action, state = actor.act_from_state(np.zeros(2), state)
        actions.append(float(action[0]))
    assert actions == [3.0, 4.0, 5.0]
    with pytest.raises(ValueError, match="this policy has a memory; act_from_state takes and returns its state"):
        actor.act(np.zeros(2))


def test_an_observation_with_axes_of_its_own_stays_in_shape():
    policy = MetaGaussianMLPPolicy((2, 3), 2, (4,), rng=np.random.default_rng(0))
    actor = Actor(policy, {name: value.numpy() for name, value in policy.theta.items()}, SPACE)
    observations = np.random.default_rng(0).normal(size=(5, 2, 3))
    assert actor.act(observations[0]).shape == (2,)
    np.testing.assert_allclose(actor.act(observations)[0], actor.act(observations[0]), rtol=1e-6)
    with pytest.raises(ValueError, match=r"the shape \[2, 2, 3, 1\]; it must be \[2, 3\] or \[B, 2, 3\]"):
        actor.act(np.zeros((2, 2, 3, 1)))


def test_a_policy_of_double_precision_acts_in_its_own_type(tmp_path):
    policy = BetaPolicy(2, 1, rng=np.random.default_rng(0), dtype=tf.float64)
    actor = Actor(policy, {name: value.numpy() for name, value in policy.theta.items()}, Box(-2, 2, (1,), np.float32))
    observation = np.array([[0.1, 0.2]])
    found = actor.act(observation, np.random.default_rng(0))
    assert (found.shape, found.dtype) == ((1, 1), np.float32)
    mixture = MixturePolicy(2, 1, rng=np.random.default_rng(0), dtype=tf.float64)
    theta = {name: value.numpy() for name, value in mixture.theta.items()}
    export_policy(Actor(mixture, theta, Box(-2, 2, (1,), np.float32)), tmp_path / "model")
    model = tf.saved_model.load(str(tmp_path / "model"))
    drawn = model.signatures["sample"](observations=tf.constant(observation), seed=tf.constant([1, 2]))
    assert drawn["actions"].shape == (1, 1)
