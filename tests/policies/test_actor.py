import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from meta_policy_search.policies.actor import Actor
from meta_policy_search.policies.meta_categorical_mlp_policy import MetaCategoricalMLPPolicy
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy

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
