"""Policies of which only the network's outputs and their meaning are written down."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from meta_policy_search.testing import check_algorithm
from tests.policies.own_policies import BetaPolicy, MixturePolicy, SoftmaxPolicy

KINDS = {"Beta": BetaPolicy, "softmax": SoftmaxPolicy, "mixture": MixturePolicy}


def make(kind, dtype=tf.float64, obs_dim=3, **settings):
    return kind(obs_dim, 2, hidden_sizes=(4,), rng=np.random.default_rng(0), dtype=dtype, **settings)


def varied(policy, n_tasks, seed=1):
    """Parameters [N, ...], other ones for each task."""
    rng = np.random.default_rng(seed)
    dtype = policy.dtype.as_numpy_dtype
    return {name: (x.numpy() + rng.normal(size=x.shape)).astype(dtype) for name, x in policy.stacked_theta(n_tasks).items()}


def drawn(policy, params, observations, seed=0):
    noise = policy.noise(np.random.default_rng(seed), observations.shape[:2])
    return policy.act(params, observations, noise)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_acted_is_recorded_so_that_its_distribution_comes_back(kind):
    policy, observations = make(kind), np.random.default_rng(2).normal(size=(3, 4, 3))
    params = varied(policy, 3)
    actions, infos = drawn(policy, params, observations)
    expected = policy.distribution({name: tf.constant(x) for name, x in params.items()}, tf.constant(observations))
    again = policy.distribution_of({name: tf.constant(value) for name, value in infos.items()})
    np.testing.assert_allclose(again.log_prob(actions), expected.log_prob(actions), rtol=1e-12)


def test_draws_of_the_default_act_have_the_distribution():
    policy = make(BetaPolicy, tf.float32)
    params = varied(policy, 2)
    observation = np.random.default_rng(2).normal(size=(2, 1, 3)).astype(np.float32)
    actions, _ = drawn(policy, params, np.repeat(observation, 4000, axis=1))
    outputs = policy.network({name: tf.constant(x) for name, x in params.items()}, tf.constant(observation)).numpy()
    a, b = np.split(1 + np.log1p(np.exp(outputs[:, 0])), 2, axis=-1)  # [N, A]
    for task, action in np.ndindex(2, 2):
        beta = stats.beta(a[task, action], b[task, action], loc=-10, scale=20)
        assert stats.kstest(actions[task, :, action], beta.cdf).pvalue > 1e-3


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_tasks_draws_depend_on_no_other_task(kind):
    policy = make(kind, tf.float32)
    params, observations = varied(policy, 3), np.random.default_rng(2).normal(size=(3, 4, 3)).astype(np.float32)
    noise = policy.noise(np.random.default_rng(3), (3, 4))
    together, _ = policy.act(params, observations, noise)
    alone, _ = policy.act({name: x[1:2] for name, x in params.items()}, observations[1:2], noise[1:2])
    np.testing.assert_array_equal(together[1:2], alone)
    assert len(np.unique(noise)) > 20
    assert not np.array_equal(together, policy.act(params, observations, noise[::-1])[0])


def test_the_mode_of_a_beta_policy_is_that_of_its_density():
    policy, observations = make(BetaPolicy), np.random.default_rng(2).normal(size=(2, 3, 3))
    params = varied(policy, 2)
    outputs = policy.network({name: tf.constant(x) for name, x in params.items()}, tf.constant(observations)).numpy()
    a, b = np.split(1 + np.log1p(np.exp(outputs)), 2, axis=-1)
    np.testing.assert_allclose(policy.mode(params, observations), 20 * (a - 1) / (a + b - 2) - 10, rtol=1e-10)


def test_the_mode_of_a_softmax_is_its_largest_output():
    policy, observations = make(SoftmaxPolicy), np.random.default_rng(2).normal(size=(2, 30, 3))
    params = varied(policy, 2)
    outputs = policy.network({name: tf.constant(x) for name, x in params.items()}, tf.constant(observations))
    np.testing.assert_array_equal(policy.mode(params, observations), np.argmax(outputs, axis=-1))


def test_a_mixture_says_itself_what_its_most_probable_action_is():
    policy, observations = make(MixturePolicy), np.random.default_rng(2).normal(size=(2, 30, 3))
    params = varied(policy, 2)
    outputs = policy.network({name: tf.constant(x) for name, x in params.items()}, tf.constant(observations)).numpy()
    first = outputs[..., :1] >= outputs[..., 1:2]
    np.testing.assert_allclose(policy.mode(params, observations), np.where(first, outputs[..., 2:4], outputs[..., 4:]))


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_algorithms_differentiate_through_the_head(kind):
    check_algorithm(lambda policy, **inner: ProMP(policy, **inner), make_policy=lambda: make(kind))


@pytest.mark.parametrize("learn_std", [True, False])
def test_acting_in_numpy_and_by_default_have_the_same_distributions_and_modes(learn_std):
    policy = MetaGaussianMLPPolicy(3, 2, (4,), learn_std=learn_std, rng=np.random.default_rng(0))
    params, observations = varied(policy, 2), np.random.default_rng(2).normal(size=(2, 5, 3)).astype(np.float32)
    _, infos = policy.act(params, observations, policy.noise(np.random.default_rng(0), (2, 5)))
    seeds = super(MetaGaussianMLPPolicy, policy).noise(np.random.default_rng(0), (2, 5))
    _, by_default = super(MetaGaussianMLPPolicy, policy).act(params, observations, seeds)
    for name, value in by_default.items():
        np.testing.assert_allclose(infos[name], value, rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(policy.mode(params, observations), infos["mean"], rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("kind", [BetaPolicy, MetaGaussianMLPPolicy])
def test_the_perceptron_takes_an_observation_of_any_shape_as_one_vector(kind):
    image, flat = make(kind, obs_dim=(2, 3)), make(kind, obs_dim=6)
    params, observations = varied(flat, 2), np.random.default_rng(2).normal(size=(2, 5, 2, 3))
    vectors = observations.reshape(2, 5, 6)
    for ours, theirs in zip(drawn(image, params, observations), drawn(flat, params, vectors), strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, ours, theirs)
    np.testing.assert_array_equal(image.mode(params, observations), flat.mode(params, vectors))
