"""Policies whose KL has no closed form: it is estimated from the actions."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from meta_policy_search.meta_algos.objectives import sampled_kl
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from meta_policy_search.testing import check_masks, check_meta_gradient
from tests.meta_algos.problem import make_batches, on_policy

tfd = tfp.distributions
pytestmark = pytest.mark.usefixtures("eagerly")


class MixturePolicy(MetaGaussianMLPPolicy):
    """Half the Gaussian, half one beside it: there is no formula for the KL of two such mixtures."""

    closed_form_kl = False

    def distribution(self, params, observations):
        return self.mixture(super().agent_infos(super().distribution(params, observations)))

    def agent_infos(self, distribution):
        return {"mean": distribution.center, "log_std": distribution.log_std}

    def distribution_of(self, agent_infos):
        return self.mixture(agent_infos)

    @staticmethod
    def mixture(infos):
        mean, scale = infos["mean"], tf.exp(infos["log_std"])
        parts = tfd.Independent(tfd.Normal(tf.stack([mean, mean + 1], axis=-2), tf.stack([scale, scale], axis=-2)), 1)
        mixture = tfd.MixtureSameFamily(tfd.Categorical(logits=tf.zeros_like(mean)), parts)
        mixture.center, mixture.log_std = mean, infos["log_std"]
        return mixture


def make_policy() -> MixturePolicy:
    return MixturePolicy(3, 2, (4,), rng=np.random.default_rng(0), dtype=tf.float64)


def test_the_estimate_is_the_kl_of_gaussians_and_never_negative():
    rng = np.random.default_rng(0)
    old, new = tfd.Normal(tf.constant(0.0, tf.float64), 1.0), tfd.Normal(tf.constant(0.3, tf.float64), 1.2)
    actions = rng.normal(size=(1, 1000, 1000))
    weights = np.full(actions.shape, 1 / actions.size)
    found = sampled_kl(new.log_prob(actions), old.log_prob(actions), weights)
    assert float(found[0]) == pytest.approx(float(old.kl_divergence(new)), rel=0.01)
    each = sampled_kl(new.log_prob(actions[:, :1, :1]), old.log_prob(actions[:, :1, :1]), np.ones((1, 1, 1)))
    assert float(each[0]) > 0


def test_its_second_derivative_where_the_policies_agree_is_the_outer_product_of_the_scores():
    mean = tf.constant(0.2, tf.float64)
    actions = tf.constant([[[0.5, -1.0]]], tf.float64)
    old = tfd.Normal(mean, 1.0).log_prob(actions)
    with tf.GradientTape() as outer:
        outer.watch(mean)
        with tf.GradientTape() as inner:
            inner.watch(mean)
            value = sampled_kl(
                tfd.Normal(mean, 1.0).log_prob(actions), old, tf.fill([1, 1, 2], tf.constant(0.5, tf.float64))
            )
        slope = inner.gradient(value, mean)
    assert float(slope) == pytest.approx(0.0, abs=1e-15)
    assert float(outer.gradient(slope, mean)) == pytest.approx(((0.5 - 0.2) ** 2 + (-1.0 - 0.2) ** 2) / 2)


@pytest.mark.parametrize("check", [check_meta_gradient, check_masks])
def test_an_algorithm_with_such_a_policy_is_right(check):
    check(lambda policy, **inner: ProMP(policy, init_inner_kl_penalty=0.1, **inner), make_policy=make_policy)


@pytest.mark.parametrize("algorithm", [ProMP, TRPOMAML])
def test_algorithms_train_a_policy_without_a_closed_form(algorithm):
    algo = algorithm(make_policy())
    metrics = algo.optimize_policy(on_policy(algo, make_batches(algo.policy)))
    assert np.isfinite(list(metrics.values())).all()
    assert metrics["KLInner"] >= 0


def test_without_the_declaration_tensorflow_probability_says_that_there_is_none(monkeypatch):
    monkeypatch.setattr(MixturePolicy, "closed_form_kl", True)
    algo = ProMP(make_policy())
    with pytest.raises(NotImplementedError):
        algo.meta_loss(make_batches(algo.policy))
