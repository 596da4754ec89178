"""The meta-gradient of every algorithm is the derivative of its meta-loss, through all inner steps."""

import numpy as np
import pytest
import tensorflow as tf

from meta_policy_search.meta_algos.base import Distribution, MAMLAlgo
from meta_policy_search.meta_algos.dice_maml import DICEMAML, TRPO_DICEMAML, VPG_DICEMAML
from meta_policy_search.meta_algos.objectives import dice_loss
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.meta_algos.vpg_maml import VPGMAML
from meta_policy_search.testing.algorithms import gradient_error
from meta_policy_search.types import Samples
from tests.meta_algos.problem import make_batches, make_policy, nearly_on_policy, on_policy

pytestmark = pytest.mark.usefixtures("eagerly")

ALGORITHMS = {  # one line per algorithm
    "ProMP": lambda policy, **inner: ProMP(policy, clip_eps=0.3, init_inner_kl_penalty=0.1, **inner),
    "TRPO-MAML": lambda policy, **inner: TRPOMAML(policy, inner_type="log_likelihood", **inner),
    "E-MAML-TRPO": lambda policy, **inner: TRPOMAML(policy, inner_type="log_likelihood", exploration=True, **inner),
    "LVC-TRPO": lambda policy, **inner: TRPOMAML(policy, inner_type="likelihood_ratio", **inner),
    "MAML-VPG": lambda policy, **inner: VPGMAML(policy, inner_type="log_likelihood", **inner),
    "E-MAML-VPG": lambda policy, **inner: VPGMAML(policy, inner_type="log_likelihood", exploration=True, **inner),
    "LVC-VPG": lambda policy, **inner: VPGMAML(policy, inner_type="likelihood_ratio", **inner),
}
DICE_ALGORITHMS = {"DiCE": DICEMAML, "VPG-DiCE": VPG_DICEMAML, "TRPO-DiCE": TRPO_DICEMAML}


@pytest.mark.parametrize(("steps", "learned"), [(1, False), (2, True)], ids=["1 step", "2 steps, learned step sizes"])
@pytest.mark.parametrize("make", ALGORITHMS.values(), ids=list(ALGORITHMS))
def test_meta_gradient_is_the_derivative_of_the_meta_loss(make, steps, learned):
    algo = make(make_policy(), num_inner_grad_steps=steps, trainable_inner_step_size=learned, inner_lr=0.1)
    batches = nearly_on_policy(algo, make_batches(algo.policy, steps=steps))
    assert gradient_error(algo, batches) < 1e-8


def scale_second_order(algo: MAMLAlgo, factor: float) -> None:
    """Spoils an algorithm: what the adaptation contributes to the derivative is multiplied by a factor."""
    inner_update = algo.inner_update

    def spoiled(params: dict, gradients: dict, theta: dict) -> dict:
        gradients = {name: factor * value + tf.stop_gradient((1 - factor) * value) for name, value in gradients.items()}
        return inner_update(params, gradients, theta)

    algo.inner_update = spoiled


@pytest.mark.parametrize("factor", [0.0, 0.5], ids=["first order only", "halved"])
@pytest.mark.parametrize("make", [ALGORITHMS[name] for name in ("ProMP", "TRPO-MAML", "LVC-VPG")])
def test_a_meta_gradient_with_a_wrong_second_order_part_does_not_pass(make, factor):
    algo = make(make_policy(), inner_lr=0.1)
    batches = nearly_on_policy(algo, make_batches(algo.policy))
    scale_second_order(algo, factor)
    assert gradient_error(algo, batches) > 1e-4


class ImportanceWeighted:
    """DiCE's losses replaced by -E_t[ P(tau_<=t | theta) / P(tau_<=t | theta_old) rho_t ], an ordinary function of theta.

    Where the data is on-policy DiCE's loss must have all derivatives of it.
    """

    def __init__(self, algo: MAMLAlgo):
        self.algo = algo

    def loss(self, distribution: Distribution, samples: Samples) -> tf.Tensor:
        log_ratio = distribution.log_prob(samples.actions) - self.algo.old_log_prob(samples)
        terms, running = [], tf.zeros_like(log_ratio[..., 0])
        for t in range(log_ratio.shape[-1]):
            running = log_ratio[..., t] + tf.where(samples.start[..., t] == t, 0.0, running)
            terms.append(samples.weights[..., t] * tf.exp(running) * samples.adjusted_rewards[..., t])
        return -tf.reduce_sum(tf.stack(terms, axis=-1), axis=(1, 2))


@pytest.mark.parametrize("make", DICE_ALGORITHMS.values(), ids=list(DICE_ALGORITHMS))
def test_meta_gradient_through_dice_is_that_of_the_importance_weighted_return(make):
    steps = 2
    algo, judge = (make(make_policy(), num_inner_grad_steps=steps, inner_lr=0.1) for _ in range(2))
    judge.inner_loss = ImportanceWeighted(judge).loss
    if isinstance(judge, DICEMAML):
        judge.outer_loss = lambda distributions, batches: judge.inner_loss(distributions[-1], batches[-1])
    batches = on_policy(algo, make_batches(algo.policy, steps=steps))
    assert gradient_error(algo, batches, judge) < 1e-8
    assert gradient_error(algo, batches) > 1e-4  # the value of DiCE's own loss does not show its derivative


class Expansion:
    """-E_t[ (w_t - 1) A_t (1 + sum_{l < t} lambda^(t - l) (w_l - 1)) ], w = pi / pi_old: an ordinary function of theta.

    Where the data is on-policy Loaded DiCE's loss must have the first and second derivatives of it.
    """

    def __init__(self, algo: MAMLAlgo, decay: float):
        self.algo, self.decay = algo, decay

    def loss(self, distribution: Distribution, samples: Samples) -> tf.Tensor:
        surplus = tf.exp(distribution.log_prob(samples.actions) - self.algo.old_log_prob(samples)) - 1
        terms, before = [], tf.zeros_like(surplus[..., 0])
        for t in range(surplus.shape[-1]):
            before = tf.where(samples.start[..., t] == t, 0.0, before)
            terms.append(samples.weights[..., t] * samples.advantages[..., t] * surplus[..., t] * (1 + before))
            before = self.decay * (before + surplus[..., t])
        return -tf.reduce_sum(tf.stack(terms, axis=-1), axis=(1, 2))


@pytest.mark.parametrize(
    ("inner_type", "decay"), [("loaded_dice", 0.0), ("loaded_dice", 0.4), ("loaded_dice", 1.0), ("second_order", 1.0)]
)
@pytest.mark.parametrize("algorithm", [ProMP, TRPOMAML, VPGMAML])
def test_meta_gradient_through_loaded_dice_is_that_of_the_weighted_expansion(algorithm, inner_type, decay):
    objective = {"inner_type": inner_type} | ({"loaded_dice_lambda": decay} if inner_type == "loaded_dice" else {})
    algo, judge = (algorithm(make_policy(), num_inner_grad_steps=2, **objective) for _ in range(2))
    judge.inner_loss = Expansion(judge, decay).loss
    batches = on_policy(algo, make_batches(algo.policy, steps=2))
    assert gradient_error(algo, batches, judge) < 1e-8
    judge.inner_loss = Expansion(judge, decay + 0.1).loss
    assert gradient_error(algo, batches, judge) > 1e-6


def test_dice_loss_has_the_first_and_second_derivatives_of_the_importance_weighted_return():
    algo = DICEMAML(make_policy())
    samples = on_policy(algo, make_batches(algo.policy))[0]
    params = algo.policy.stacked_theta(2)
    derivatives = []
    for loss in (algo.inner_loss, ImportanceWeighted(algo).loss):
        with tf.GradientTape() as outer:
            outer.watch(params)
            with tf.GradientTape() as inner:
                inner.watch(params)
                value = tf.reduce_sum(loss(algo.policy.distribution(params, samples.observations), samples))
            first = inner.gradient(value, params)
            along = sum(tf.reduce_sum(tf.sin(10.0 * params[name]) * first[name]) for name in first)
        derivatives.append((first, outer.gradient(along, params)))
    for ours, truth in zip(*derivatives, strict=True):
        for name in ours:
            np.testing.assert_allclose(ours[name], truth[name], rtol=0, atol=1e-12)


def test_dice_treats_episodes_in_one_row_like_episodes_in_rows_of_their_own():
    rng = np.random.default_rng(0)
    log_prob, rewards, weights = (tf.constant(rng.normal(size=(2, 2, 6))) for _ in range(3))
    weights = tf.abs(weights)
    start = tf.constant(np.broadcast_to(np.arange(6) // 3 * 3, (2, 2, 6)), tf.int32)

    def apart(values: tf.Tensor) -> tf.Tensor:
        return tf.reshape(values, (2, 4, 3))

    with tf.GradientTape(persistent=True) as tape:
        tape.watch(log_prob)
        together = dice_loss(log_prob, rewards, start, weights)
        separate = dice_loss(apart(log_prob), apart(rewards), tf.zeros((2, 4, 3), tf.int32), apart(weights))
        joined = dice_loss(log_prob, rewards, tf.zeros_like(start), weights)
        stacked = tf.reduce_sum(tf.stack([together, separate, joined]), axis=1)
    gradients = tape.jacobian(stacked, log_prob, experimental_use_pfor=False)  # [3, N, R, T]
    np.testing.assert_allclose(together, separate, rtol=1e-14)
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-12)
    assert np.abs(gradients[0] - gradients[2]).max() > 1e-2
