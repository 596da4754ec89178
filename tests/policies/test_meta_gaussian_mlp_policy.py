"""The Gaussian policy against scipy, closed forms and the original's numbers."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from meta_policy_search.policies.meta_gaussian_mlp_policy import LOG_STD, MetaGaussianMLPPolicy
from meta_policy_search.policies.networks import NONLINEARITIES

pytestmark = pytest.mark.usefixtures("eagerly")

MISC = Path(__file__).parents[1] / "data" / "misc.npz"


def make_policy(dtype: tf.DType = tf.float64, **settings) -> MetaGaussianMLPPolicy:
    return MetaGaussianMLPPolicy(3, 2, **{"hidden_sizes": (5, 4), **settings}, rng=np.random.default_rng(0), dtype=dtype)


@pytest.fixture
def gaussians() -> tuple:
    """Two random batches of Gaussians, by the policy and by their mean and standard deviation, and points."""
    rng, policy = np.random.default_rng(1), make_policy()
    infos = [{"mean": rng.normal(size=(6, 2)), "log_std": rng.normal(size=(6, 2))} for _ in range(2)]
    infos = [{name: tf.constant(value) for name, value in info.items()} for info in infos]
    return policy, infos, [policy.distribution_of(info) for info in infos], rng.normal(size=(6, 2))


def _scipy(info: dict[str, tf.Tensor], index: int):
    return stats.multivariate_normal(info["mean"][index].numpy(), np.diag(np.exp(2 * info["log_std"][index].numpy())))


def test_log_density_and_entropy_are_those_of_scipy(gaussians):
    _, (info, _), (distribution, _), points = gaussians
    for i, point in enumerate(points):
        assert float(distribution.log_prob(points)[i]) == pytest.approx(_scipy(info, i).logpdf(point), rel=1e-12)
        assert float(distribution.entropy()[i]) == pytest.approx(_scipy(info, i).entropy(), rel=1e-12)


def test_kl_divergence_is_the_closed_form(gaussians):
    _, (old, new), (old_distribution, new_distribution), _ = gaussians
    variances = [np.exp(2 * info["log_std"].numpy()) for info in (old, new)]
    squares = (old["mean"].numpy() - new["mean"].numpy()) ** 2
    expected = (0.5 * (np.log(variances[1] / variances[0]) + (variances[0] + squares) / variances[1] - 1)).sum(axis=1)
    np.testing.assert_allclose(old_distribution.kl_divergence(new_distribution), expected, rtol=1e-12)
    np.testing.assert_allclose(old_distribution.kl_divergence(old_distribution), 0, atol=1e-15)


def test_log_density_kl_and_entropy_are_those_of_the_original():
    policy = make_policy()
    with np.load(MISC) as data:
        old, new = (
            policy.distribution_of({name: tf.constant(data[f"gauss/{which}/{name}"]) for name in ("mean", "log_std")})
            for which in ("old", "new")
        )
        np.testing.assert_allclose(new.log_prob(data["gauss/x"]), data["gauss/loglik_new"], rtol=1e-9)
        np.testing.assert_allclose(new.entropy(), data["gauss/entropy_new"], rtol=1e-9)
        np.testing.assert_allclose(old.kl_divergence(new), data["gauss/kl_old_new"], rtol=1e-7)  # adds 1e-8


def test_distribution_is_a_tanh_network_and_a_state_independent_deviation():
    policy, observations = make_policy(init_std=0.7), np.random.default_rng(2).normal(size=(4, 3))
    theta = {name: value.numpy() for name, value in policy.theta.items()}
    x = observations
    for layer in ("hidden_0", "hidden_1"):
        x = np.tanh(x @ theta[f"mean_network/{layer}/kernel"] + theta[f"mean_network/{layer}/bias"])
    infos = policy.agent_infos(policy.distribution(policy.theta, tf.constant(observations)))
    mean = x @ theta["mean_network/output/kernel"] + theta["mean_network/output/bias"]
    np.testing.assert_allclose(infos["mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(infos["log_std"], np.full((4, 2), np.log(0.7)), rtol=1e-12)


def test_every_task_acts_with_its_own_parameters():
    policy, rng = make_policy(), np.random.default_rng(3)
    params = {name: value + rng.normal(size=value.shape) for name, value in policy.stacked_theta(3).items()}
    observations = tf.constant(rng.normal(size=(3, 2, 5, 3)))
    together = policy.agent_infos(policy.distribution(params, observations))
    for task in range(3):
        own = {name: value[task] for name, value in params.items()}
        alone = policy.agent_infos(policy.distribution(own, observations[task]))
        for name in alone:
            np.testing.assert_allclose(together[name][task], alone[name], rtol=1e-12)


@pytest.mark.parametrize("settings", [{}, {"learn_std": False, "init_std": 0.5}, {"min_std": 2.0}, {"hidden_sizes": ()}])
@pytest.mark.parametrize("nonlinearity", NONLINEARITIES)
def test_acting_in_numpy_samples_the_distribution(nonlinearity, settings):
    policy, rng = make_policy(hidden_nonlinearity=nonlinearity, **settings), np.random.default_rng(4)
    params = {name: value + rng.normal(size=value.shape) for name, value in policy.stacked_theta(2).items()}
    observations, noise = rng.normal(size=(2, 3, 3)), rng.normal(size=(2, 3, 2))
    arrays = {name: value.numpy() for name, value in params.items()}
    actions, infos = policy.act(arrays, observations, noise)
    expected = policy.agent_infos(policy.distribution(params, tf.constant(observations)))
    assert infos.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(infos[name], expected[name], rtol=1e-12)
    np.testing.assert_allclose(actions, expected["mean"] + np.exp(expected["log_std"]) * noise, rtol=1e-12)


def test_acting_keeps_float32():
    policy, rng = make_policy(dtype=tf.float32, learn_std=False), np.random.default_rng(4)
    arrays = {name: value.numpy() for name, value in policy.stacked_theta(2).items()}
    actions, infos = policy.act(arrays, rng.normal(size=(2, 3, 3)).astype(np.float32), policy.noise(rng, (2, 3)))
    assert {actions.dtype, infos["mean"].dtype, infos["log_std"].dtype} == {np.dtype(np.float32)}


def test_noise_is_standard_normal_and_determined_by_the_seed():
    policy = make_policy()
    first, second = (policy.noise(np.random.default_rng(5), (100, 100)) for _ in range(2))
    assert np.array_equal(first, second)
    assert first.shape == (100, 100, 2)
    assert stats.kstest(first.ravel(), "norm").pvalue > 1e-3


def test_behaviour_distribution_is_data():
    policy = make_policy()
    infos = {"mean": tf.Variable(np.zeros((4, 2))), "log_std": tf.Variable(np.zeros((4, 2)))}
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(policy.behaviour_distribution(infos).log_prob(np.ones((4, 2))))
    assert tape.gradient(value, list(infos.values())) == [None, None]


def test_deviation_has_a_floor_in_the_meta_parameters_and_in_adapted_ones():
    policy = make_policy(min_std=0.01)
    for params, observations in ((policy.theta, np.zeros((4, 3))), (policy.stacked_theta(2), np.zeros((2, 1, 4, 3)))):
        low = {**params, LOG_STD: tf.fill(params[LOG_STD].shape, tf.constant(-50.0, tf.float64))}
        infos = policy.agent_infos(policy.distribution(low, tf.constant(observations)))
        np.testing.assert_allclose(np.exp(infos["log_std"]), 0.01, rtol=1e-12)


def test_a_deviation_that_is_not_learned_is_no_parameter():
    policy = make_policy(learn_std=False, init_std=0.3)
    assert LOG_STD not in policy.theta
    infos = policy.agent_infos(policy.distribution(policy.theta, tf.zeros((4, 3), tf.float64)))
    np.testing.assert_allclose(np.exp(infos["log_std"]), 0.3, rtol=1e-12)


def test_initial_weights_are_glorot_uniform_with_zero_biases():
    policy = make_policy(hidden_sizes=(64, 64), init_std=1.0)
    assert not any(value.numpy().any() for name, value in policy.theta.items() if name.endswith("bias"))
    kernels = {name: value.numpy() for name, value in policy.theta.items() if name.endswith("kernel")}
    for kernel in kernels.values():
        limit = np.sqrt(6 / sum(kernel.shape))
        assert 0.9 * limit < np.abs(kernel).max() <= limit
        assert stats.kstest(kernel.ravel(), stats.uniform(-limit, 2 * limit).cdf).pvalue > 1e-3


def test_diagnostics_average_the_deviation_over_unmasked_steps():
    policy = make_policy()
    log_std = np.log(np.array([[[0.5, 1.5], [9.0, 9.0]]]))
    diagnostics = policy.diagnostics({"mean": log_std, "log_std": log_std}, np.array([[True, False]]))
    assert diagnostics == {"AveragePolicyStd": pytest.approx(1.0)}


@pytest.mark.parametrize(
    ("nonlinearity", "function"),
    [("tanh", np.tanh), ("relu", lambda x: np.maximum(x, 0)), ("elu", lambda x: np.where(x > 0, x, np.expm1(x)))],
)
def test_hidden_nonlinearity_is_used(nonlinearity, function):
    policy = make_policy(hidden_sizes=(4,), hidden_nonlinearity=nonlinearity)
    observations = np.random.default_rng(6).normal(size=(5, 3))
    hidden = function(observations @ policy.theta["mean_network/hidden_0/kernel"].numpy())
    mean = policy.agent_infos(policy.distribution(policy.theta, tf.constant(observations)))["mean"]
    np.testing.assert_allclose(mean, hidden @ policy.theta["mean_network/output/kernel"].numpy(), rtol=1e-12)


def test_an_unknown_nonlinearity_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="hidden_nonlinearity is 'sigmoid'; it can be one of tanh, relu, elu"):
        make_policy(hidden_nonlinearity="sigmoid")
