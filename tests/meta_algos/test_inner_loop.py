"""The settings of the adaptation: K = 0, first order, which parameters move, what is learned of the step size."""

import re

import numpy as np
import pytest
import tensorflow as tf

from meta_policy_search.meta_algos.inner_loop import InnerLoop
from meta_policy_search.meta_algos.inner_objective import InnerObjective
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.meta_algos.reptile import Reptile
from meta_policy_search.meta_algos.sg_mrl import SGMRL
from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.meta_algos.vpg_maml import VPGMAML
from meta_policy_search.policies.context_policy import ContextPolicy
from meta_policy_search.testing.algorithms import gradient_error
from tests.meta_algos.problem import make_batches, make_policy, nearly_on_policy, on_policy
from tests.meta_algos.test_meta_gradient import ALGORITHMS, DICE_ALGORITHMS

pytestmark = pytest.mark.usefixtures("eagerly")

HEAD = ("/output/",)
WITHOUT_EXPLORATION = {name: make for name, make in ALGORITHMS.items() if not name.startswith("E-MAML")}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_inner_grad_steps": -1}, "num_inner_grad_steps is -1; it must be a whole number, 0 or more"),
        ({"num_inner_grad_steps": 1.0}, "num_inner_grad_steps is 1.0; it must be a whole number, 0 or more"),
        ({"num_inner_grad_steps": True}, "num_inner_grad_steps is True; it must be a whole number, 0 or more"),
        ({"num_inner_grad_steps": "1"}, "num_inner_grad_steps is '1'; it must be a whole number, 0 or more"),
        ({"inner_lr": -0.1}, "inner_lr is -0.1; it must be 0 or a positive, finite number"),
        ({"inner_lr": float("nan")}, "inner_lr is nan; it must be 0 or a positive, finite number"),
        ({"inner_lr": True}, "inner_lr is True; it must be 0 or a positive, finite number"),
        ({"inner_lr": "0.1"}, "inner_lr is '0.1'; it must be 0 or a positive, finite number"),
        ({"first_order": 1}, "first_order is 1; it must be True or False"),
        ({"trainable_inner_step_size": None}, "trainable_inner_step_size is None; it must be True or False"),
        ({"adapted": "mean_network"}, "adapted is 'mean_network'; it must be a tuple of parts of names"),
        ({"adapted": ("",)}, "adapted is ('',); it must be a tuple of parts of names"),
        ({"not_meta_learned": None}, "not_meta_learned is None; it must be a tuple of parts of names"),
        ({"trainable_inner_step_size": True, "step_size_shape": "layer"}, "step_size_shape is 'layer'; it must be one of"),
        ({"step_size_shape": "parameter"}, "it must be left out where trainable_inner_step_size is False"),
        ({"trainable_inner_step_size": True, "num_inner_grad_steps": 0}, "it must be False where there are no inner steps"),
    ],
)
def test_a_wrong_setting_is_answered_with_what_it_must_be(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        InnerLoop(**settings)
    with pytest.raises(ValueError, match=re.escape(message)):
        ProMP(make_policy(), **settings)


@pytest.mark.parametrize("steps", [np.int64(2), 0])
def test_whole_numbers_of_numpy_and_0_are_numbers_of_steps(steps):
    assert InnerLoop(num_inner_grad_steps=steps).num_inner_grad_steps == steps


def test_a_dataclass_and_its_fields_by_name_are_the_same():
    policy = make_policy()
    whole, part = ProMP(policy, inner=InnerLoop(0.3, 2)), ProMP(policy, inner=InnerLoop(0.3), num_inner_grad_steps=2)
    assert whole.inner == part.inner == InnerLoop(0.3, 2)
    with pytest.raises(TypeError, match="inner_rate"):
        ProMP(policy, inner_rate=0.1)


@pytest.mark.parametrize(("setting", "value"), [("adapted", ("mean_net", "logits")), ("not_meta_learned", ("context",))])
def test_names_that_fit_no_parameter_are_answered_with_those_that_are(setting, value):
    with pytest.raises(
        ValueError, match=rf"{setting} is .*parts of names of the policy's parameters: mean_network/hidden_0"
    ):
        ProMP(make_policy(), **{setting: value})


@pytest.mark.parametrize("make", WITHOUT_EXPLORATION.values(), ids=list(WITHOUT_EXPLORATION))
def test_without_inner_steps_the_meta_gradient_is_that_of_the_outer_loss_at_theta(make):
    algo = make(make_policy(), num_inner_grad_steps=0)
    batches = nearly_on_policy(algo, make_batches(algo.policy, steps=0))
    loss, gradient = algo.meta_gradient(batches)
    assert loss.inner_kl.shape == (0,)
    theta = {name: tf.identity(value) for name, value in algo.theta.items()}
    with tf.GradientTape() as tape:
        tape.watch(theta)
        outer = tf.reduce_mean(algo.outer_loss([algo.policy.distribution(theta, batches[0].observations)], batches))
    assert float(loss.loss) == pytest.approx(float(outer), abs=1e-15)
    for name, value in tape.gradient(outer, theta).items():
        np.testing.assert_allclose(gradient[name], value, rtol=0, atol=1e-14)
    assert gradient_error(algo, batches) < 1e-8


@pytest.mark.parametrize("make", {**WITHOUT_EXPLORATION, **DICE_ALGORITHMS}.values())
def test_without_inner_steps_all_algorithms_move_theta_and_log_finite_numbers(make):
    algo = make(make_policy(), num_inner_grad_steps=0)
    batches = on_policy(algo, make_batches(algo.policy, steps=0))
    before = {name: value.numpy() for name, value in algo.theta.items()}
    metrics = algo.optimize_policy(batches)
    assert "KLInner" not in metrics
    assert np.isfinite(list(metrics.values())).all()
    assert all((algo.theta[name] != before[name]).numpy().any() for name in before)


@pytest.mark.parametrize("algorithm", [VPGMAML, TRPOMAML])
def test_without_inner_steps_nothing_is_asked_of_the_inner_objective_and_there_is_no_exploration(algorithm):
    assert algorithm(make_policy(), inner_type="dice", num_inner_grad_steps=0).reads == ("advantages",)
    assert algorithm(make_policy(), inner_type="dice").reads == ("advantages", "adjusted_rewards")
    with pytest.raises(ValueError, match="exploration credits the behaviour before adaptation; with num_inner_grad_steps 0"):
        algorithm(make_policy(), exploration=True, num_inner_grad_steps=0)


@pytest.mark.parametrize("steps", [1, 2])
def test_the_first_order_meta_gradient_is_the_outer_gradient_at_the_adapted_parameters(steps):
    algo = ProMP(make_policy(), first_order=True, num_inner_grad_steps=steps, init_inner_kl_penalty=0.0)
    batches = nearly_on_policy(algo, make_batches(algo.policy, steps=steps))
    params = algo.policy.stacked_theta(2)
    for samples in batches[:-1]:
        params = algo.adapt(params, samples)
    with tf.GradientTape() as tape:
        tape.watch(params)
        distributions = [None] * steps + [algo.policy.distribution(params, batches[-1].observations)]
        loss = tf.reduce_mean(algo.outer_loss(distributions, batches))
    expected = {name: tf.reduce_sum(value, axis=0) for name, value in tape.gradient(loss, params).items()}
    _, gradient = algo.meta_gradient(batches)
    second_order = ProMP(algo.policy, num_inner_grad_steps=steps, init_inner_kl_penalty=0.0).meta_gradient(batches)[1]
    for name in expected:
        np.testing.assert_allclose(gradient[name], expected[name], rtol=0, atol=1e-14)
    assert max(np.abs(second_order[name] - expected[name]).max() for name in expected) > 1e-3


@pytest.mark.parametrize("make", [ALGORITHMS[name] for name in ("ProMP", "TRPO-MAML", "LVC-VPG")])
def test_of_anil_only_the_head_adapts_and_all_of_theta_is_learned(make):
    algo = make(make_policy(), adapted=HEAD)
    batches = nearly_on_policy(algo, make_batches(algo.policy))
    params = algo.policy.stacked_theta(2)
    for name, value in algo.adapt(params, batches[0]).items():
        assert (value.numpy() != params[name].numpy()).any() == (HEAD[0] in name)
    assert gradient_error(algo, batches) < 1e-8
    _, gradient = algo.meta_gradient(batches)
    assert all(np.abs(value).max() > 0 for value in gradient.values())


@pytest.mark.parametrize(("shape", "expected"), [("entry", (4, 2)), ("parameter", ()), ("parameter_and_step", (2,))])
def test_learned_step_sizes_have_the_shape_that_is_asked_for_and_their_gradient(shape, expected):
    policy = make_policy()
    algo = ProMP(policy, trainable_inner_step_size=True, step_size_shape=shape, num_inner_grad_steps=2)
    assert algo.theta["inner_lr/mean_network/output/kernel"].shape == expected
    assert all((algo.theta[name].numpy() == 0.1).all() for name in algo.theta if name.startswith("inner_lr/"))
    batches = nearly_on_policy(algo, make_batches(policy, steps=2))
    assert gradient_error(algo, batches) < 1e-8
    _, gradient = algo.meta_gradient(batches)
    assert all(np.abs(gradient[name]).min() > 0 for name in gradient if name.startswith("inner_lr/mean_network/output/bias"))


def test_only_parameters_that_adapt_have_learned_step_sizes():
    algo = ProMP(make_policy(), trainable_inner_step_size=True, adapted=HEAD)
    sizes = [name for name in algo.theta if name.startswith("inner_lr/")]
    assert sizes == ["inner_lr/mean_network/output/kernel", "inner_lr/mean_network/output/bias"]


def make_context_policy() -> ContextPolicy:
    return ContextPolicy(3, 2, context_dim=2, hidden_sizes=(4,), rng=np.random.default_rng(0), dtype=tf.float64)


def test_of_cavia_only_the_context_adapts_and_only_the_rest_is_learned():
    policy = make_context_policy()
    algo = ProMP(policy, adapted=("context",), not_meta_learned=("context",), num_promp_steps=2)
    assert set(algo.theta) == set(policy.theta) - {"context"}
    batches = nearly_on_policy(algo, make_batches(policy))
    params = policy.stacked_theta(2)
    for name, value in algo.adapt(params, batches[0]).items():
        assert (value.numpy() != params[name].numpy()).any() == (name == "context")
    assert gradient_error(algo, batches) < 1e-8
    algo.optimize_policy(batches)
    assert not policy.theta["context"].numpy().any()


def test_a_context_acts_as_its_distribution_says():
    policy, rng = make_context_policy(), np.random.default_rng(1)
    params = {name: value.numpy() for name, value in policy.stacked_theta(2).items()}
    params["context"] = rng.normal(size=(2, 2))
    observations = rng.normal(size=(2, 5, 3))
    actions, infos = policy.act(params, observations, np.zeros((2, 5, 2)))
    tensors = {name: tf.constant(value) for name, value in params.items()}
    np.testing.assert_allclose(policy.distribution(tensors, tf.constant(observations)).mean(), actions, atol=1e-14)
    np.testing.assert_allclose(infos["mean"], actions, atol=1e-14)
    without = {**params, "context": np.zeros((2, 2))}
    assert np.abs(policy.act(without, observations, np.zeros((2, 5, 2)))[0] - actions).max() > 1e-2
    alone = {name: tf.constant(value[1]) for name, value in params.items()}
    np.testing.assert_allclose(policy.distribution(alone, tf.constant(observations[1])).mean(), actions[1], atol=1e-14)


def test_reptile_moves_theta_towards_the_parameters_after_one_more_step():
    policy = make_policy()
    algo = Reptile(policy, inner_lr=0.1, num_inner_grad_steps=1)
    batches = on_policy(algo, make_batches(policy))
    once = algo.adapt(policy.stacked_theta(2), batches[0])
    twice = algo.adapt(once, batches[1])
    _, direction = algo.direction(batches)
    for name, value in policy.theta.items():
        np.testing.assert_allclose(direction[name], value - np.mean(twice[name], axis=0), rtol=0, atol=1e-15)
    before = {name: value.numpy() for name, value in policy.theta.items()}
    algo.optimize_policy(batches)
    for name, value in policy.theta.items():
        np.testing.assert_array_equal(np.sign(before[name] - value.numpy()), np.sign(direction[name]))


@pytest.mark.parametrize("settings", [{"exploration": True}, {"trainable_inner_step_size": True}])
def test_reptile_refuses_what_it_has_no_gradient_of(settings):
    with pytest.raises(ValueError, match="Reptile has neither"):
        Reptile(make_policy(), **settings)


class Halved(VPGMAML):
    """Overrides both hooks of the inner step."""

    def step_size(self, theta, name):
        return 0.5 * super().step_size(theta, name)

    def inner_update(self, params, gradients, theta):
        return super().inner_update(params, {name: tf.sign(value) for name, value in gradients.items()}, theta)


def test_the_hooks_of_the_inner_step_can_be_overridden():
    policy = make_policy()
    samples, params = make_batches(policy)[0], policy.stacked_theta(2)
    plain, halved = (algorithm(policy, inner_lr=0.2).adapt(params, samples) for algorithm in (VPGMAML, Halved))
    for name in params:
        step = np.sign(plain[name] - params[name])
        np.testing.assert_allclose(halved[name] - params[name], 0.1 * step, rtol=0, atol=1e-15)


@pytest.mark.parametrize("decay", [-0.1, 1.1, True, "0.5"])
def test_a_loaded_dice_lambda_out_of_its_range_is_refused(decay):
    with pytest.raises(ValueError, match=r"loaded_dice_lambda is .*; it must be between 0 and 1"):
        InnerObjective("loaded_dice", decay)


def test_a_loaded_dice_lambda_without_effect_is_refused():
    with pytest.raises(ValueError, match=r"loaded_dice_lambda is 0.5; it has an effect with inner_type loaded_dice only"):
        VPGMAML(make_policy(), inner_type="dice", loaded_dice_lambda=0.5)


def test_the_meta_gradient_of_sg_mrl_is_the_derivative_of_its_meta_loss():
    algo = SGMRL(make_policy(), num_inner_grad_steps=2)
    batches = nearly_on_policy(algo, make_batches(algo.policy, steps=2))
    assert gradient_error(algo, batches) < 1e-8


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"exploration": True}, "exploration must be False"), ({"num_inner_grad_steps": 0}, "with num_inner_grad_steps 0")],
)
def test_sg_mrl_refuses_what_has_no_meaning_for_it(settings, message):
    with pytest.raises(ValueError, match=message):
        SGMRL(make_policy(), **settings)


def test_tmaml_without_its_baselines_is_refused():
    samples = make_batches(make_policy())[0]
    with pytest.raises(ValueError, match="inner_type tmaml needs samples of DiceSampleProcessor with a hessian_baseline"):
        InnerObjective("tmaml").loss(samples.advantages, samples.advantages, samples)


def test_each_step_takes_the_step_size_of_its_own_and_further_ones_the_last():
    policy = make_policy()
    learned = {"trainable_inner_step_size": True, "step_size_shape": "parameter_and_step", "num_inner_grad_steps": 2}
    algo, plain = VPGMAML(policy, **learned), VPGMAML(policy, inner_lr=1.0)
    for name in policy.theta:
        algo.theta[f"inner_lr/{name}"].assign([0.2, 0.5])
    samples, params = make_batches(policy)[0], policy.stacked_theta(2)
    unit = plain.adapt(params, samples)
    for step, expected in ((0, 0.2), (1, 0.5), (7, 0.5)):
        for name, value in algo.adapt(params, samples, step).items():
            np.testing.assert_allclose(value - params[name], expected * (unit[name] - params[name]), rtol=0, atol=1e-15)
