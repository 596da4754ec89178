"""The checks pass what is right, and say of what is wrong what it is."""

import numpy as np
import pytest
import tensorflow as tf

from meta_policy_search.meta_algos.dice_maml import DICEMAML
from meta_policy_search.meta_algos.objectives import likelihood_ratio_loss
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.meta_algos.vpg_maml import VPGMAML
from meta_policy_search.policies.context_policy import ContextPolicy
from meta_policy_search.policies.meta_categorical_mlp_policy import MetaCategoricalMLPPolicy
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from meta_policy_search.testing import check_algorithm, check_masks, check_meta_gradient, check_resume, check_task_axis
from tests.meta_algos.test_meta_gradient import Expansion, ImportanceWeighted


def judged_by_importance_weights(policy, **inner):
    algo = DICEMAML(policy, **inner)
    algo.inner_loss = ImportanceWeighted(algo).loss
    algo.outer_loss = lambda distributions, batches: algo.inner_loss(distributions[-1], batches[-1])
    return algo


def loaded_dice(policy, **inner):
    return VPGMAML(policy, inner_type="loaded_dice", loaded_dice_lambda=0.5, **inner)


def judged_by_the_expansion(policy, **inner):
    algo = loaded_dice(policy, **inner)
    algo.inner_loss = Expansion(algo, 0.5).loss
    return algo


def context_policy(rng):
    return ContextPolicy(3, 2, context_dim=2, hidden_sizes=(4,), rng=rng, dtype=tf.float64)


def categorical_policy(rng):
    return MetaCategoricalMLPPolicy(3, 4, (4,), rng=rng, dtype=tf.float64)


@pytest.mark.parametrize(
    ("make", "judge"),
    [(ProMP, None), (VPGMAML, None), (DICEMAML, judged_by_importance_weights), (loaded_dice, judged_by_the_expansion)],
)
def test_algorithms_of_the_package_pass(make, judge):
    check_algorithm(make, judge=judge)


@pytest.mark.parametrize("check", [check_meta_gradient, check_task_axis, check_masks])
def test_a_trust_region_passes(check):
    check(TRPOMAML)


@pytest.mark.parametrize("make_policy", [context_policy, categorical_policy])
def test_other_policies_pass(make_policy):
    check_meta_gradient(ProMP, steps=(1,), make_policy=lambda: make_policy(np.random.default_rng(0)))


class WithoutSecondOrder(ProMP):
    """Its adaptation has no derivative."""

    def inner_update(self, params, gradients, theta):
        return super().inner_update(params, {name: tf.stop_gradient(value) for name, value in gradients.items()}, theta)


class AcrossTasks(ProMP):
    """Its adaptation compares tasks."""

    def inner_loss(self, distribution, samples):
        losses = super().inner_loss(distribution, samples)
        return losses * (1 + tf.reduce_mean(losses))


class AcrossTasksAfterwards(ProMP):
    """Its outer loss does."""

    def outer_loss(self, distributions, batches):
        return super().outer_loss(distributions, batches) ** 2 / tf.reduce_mean(super().outer_loss(distributions, batches))


class WithoutMask(VPGMAML):
    """Gives the masked steps a weight."""

    def inner_loss(self, distribution, samples):
        weights = tf.ones_like(samples.weights) / 12
        log_prob = distribution.log_prob(samples.actions)
        return likelihood_ratio_loss(log_prob, tf.stop_gradient(log_prob), 1 + samples.advantages, weights)


class Counting(ProMP):
    """Remembers in a number how often it was called."""

    calls = 0

    def penalty(self, inner_kl):
        return (1 + self.calls) * super().penalty(inner_kl)

    def optimize_policy(self, batches):
        self.calls += 1
        return super().optimize_policy(batches)


@pytest.mark.parametrize(
    ("check", "wrong", "message"),
    [
        (
            check_meta_gradient,
            WithoutSecondOrder,
            "the meta-gradient of WithoutSecondOrder with K = 1 differs from that of its",
        ),
        (check_meta_gradient, DICEMAML, r"of its size; for a loss whose value doesn't show its derivative, .* give a judge"),
        (check_task_axis, AcrossTasks, "AcrossTasks adapts a task differently where there are others: mean_network"),
        (
            check_task_axis,
            AcrossTasksAfterwards,
            "the meta-gradient of AcrossTasksAfterwards is not the mean of the tasks' own",
        ),
        (check_masks, WithoutMask, "what stands in masked steps changes the adaptation of WithoutMask"),
        (check_resume, Counting, r"Counting goes on differently after a checkpoint: .* keep what changes in a tf.Variable"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(check, wrong, message):
    with pytest.raises(AssertionError, match=message):
        check(wrong)


def test_a_policy_of_single_precision_is_told_what_the_checks_take():
    def single():
        return MetaGaussianMLPPolicy(3, 2, (4,), rng=np.random.default_rng(0))

    with pytest.raises(AssertionError, match="differences take float64; the policy of ProMP has dtype float32"):
        check_algorithm(ProMP, make_policy=single)
