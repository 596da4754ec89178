"""What all algorithms share: adaptation of all tasks at once, masks, learned step sizes, compiled graphs."""

import numpy as np
import pytest
import tensorflow as tf

from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.meta_algos.dice_maml import DICEMAML
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.meta_algos.vpg_maml import VPGMAML
from meta_policy_search.utils.compiled import trace_counts
from tests.meta_algos.problem import make_batches, make_policy, nearly_on_policy, on_policy
from tests.meta_algos.test_meta_gradient import ALGORITHMS, DICE_ALGORITHMS

ALL = {**ALGORITHMS, **DICE_ALGORITHMS}
every_algorithm = pytest.mark.parametrize("make", ALL.values(), ids=list(ALL))


def assert_equal(found: dict[str, tf.Tensor], expected: dict[str, tf.Tensor], atol: float = 1e-13) -> None:
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=atol, err_msg=name)


@pytest.mark.usefixtures("eagerly")
@every_algorithm
def test_adapting_all_tasks_at_once_equals_adapting_each_alone(make):
    algo = make(make_policy())
    samples = make_batches(algo.policy, n_tasks=3)[0]
    params = {
        name: value + 0.1 * tf.random.stateless_normal(value.shape, (1, 2), dtype=value.dtype)
        for name, value in algo.policy.stacked_theta(3).items()
    }
    together = algo.adapt(params, samples)
    for n in range(3):

        def alone(x, n=n):
            return x[n : n + 1]

        adapted = algo.adapt(tf.nest.map_structure(alone, params), tf.nest.map_structure(alone, samples))
        assert_equal(adapted, {name: value[n : n + 1] for name, value in together.items()})


@pytest.mark.usefixtures("eagerly")
@every_algorithm
def test_meta_gradient_is_the_mean_of_the_tasks_own(make):
    algo = make(make_policy())
    batches = nearly_on_policy(algo, make_batches(algo.policy, n_tasks=2))
    _, together = algo.meta_gradient(batches)
    alone = [algo.meta_gradient(tf.nest.map_structure(lambda x, n=n: x[n : n + 1], batches))[1] for n in range(2)]
    assert_equal(together, {name: (alone[0][name] + alone[1][name]) / 2 for name in together})


@pytest.mark.usefixtures("eagerly")
@every_algorithm
def test_masked_steps_change_nothing_whatever_they_contain(make):
    algo, huge = make(make_policy()), 1e30
    batches = nearly_on_policy(algo, make_batches(algo.policy))
    spoiled = []
    for samples in batches:
        masked = samples.weights == 0

        def fill(values: tf.Tensor, masked: tf.Tensor = masked) -> tf.Tensor:
            where = tf.reshape(masked, [*masked.shape, *[1] * (len(values.shape) - 3)])
            return tf.where(where, tf.cast(huge, values.dtype), values)

        spoiled.append(samples._replace(observations=fill(samples.observations), actions=fill(samples.actions)))
    assert any(bool(tf.reduce_any(samples.weights == 0)) for samples in batches)
    assert_equal(algo.adapt(algo.policy.stacked_theta(2), spoiled[0]), algo.adapt(algo.policy.stacked_theta(2), batches[0]))
    (loss, gradient), (same_loss, same_gradient) = algo.meta_gradient(tuple(spoiled)), algo.meta_gradient(batches)
    assert_equal(loss._asdict(), same_loss._asdict())
    assert_equal(gradient, same_gradient)


@pytest.mark.usefixtures("eagerly")
def test_steps_with_a_weight_do_count():
    algo = VPGMAML(make_policy())
    samples = make_batches(algo.policy)[0]
    params = algo.policy.stacked_theta(2)
    moved = samples._replace(actions=samples.actions + tf.cast(samples.weights > 0, tf.float64)[..., tf.newaxis])
    difference = (
        algo.adapt(params, moved)["mean_network/output/bias"] - algo.adapt(params, samples)["mean_network/output/bias"]
    )
    assert np.abs(difference).max() > 1e-3


@pytest.mark.usefixtures("eagerly")
def test_adaptation_is_inner_lr_times_the_gradient_of_the_inner_loss():
    policy = make_policy()
    small, large = (VPGMAML(policy, inner_lr=inner_lr) for inner_lr in (0.1, 0.3))
    samples, params = make_batches(policy)[0], policy.stacked_theta(2)
    first, second = (algo.adapt(params, samples) for algo in (small, large))
    assert_equal(
        {name: 3 * (first[name] - params[name]) for name in params}, {name: second[name] - params[name] for name in params}
    )


@pytest.mark.usefixtures("eagerly")
def test_learned_step_sizes_move_and_change_the_adaptation():
    policy = make_policy()
    algo = ProMP(policy, trainable_inner_step_size=True, learning_rate=1e-2, num_promp_steps=2)
    names = [name for name in algo.theta if name.startswith("inner_lr/")]
    assert [name.removeprefix("inner_lr/") for name in names] == list(policy.theta)
    batches = nearly_on_policy(algo, make_batches(policy))
    algo.optimize_policy(batches)
    for name in names:
        assert algo.theta[name].shape == policy.theta[name.removeprefix("inner_lr/")].shape
        assert np.abs(algo.theta[name] - 0.1).max() > 1e-3
    params = policy.stacked_theta(2)
    fixed = ProMP(policy).adapt(params, batches[0])
    for name, adapted in algo.adapt(params, batches[0]).items():
        step = algo.theta[f"inner_lr/{name}"]
        np.testing.assert_allclose(adapted - params[name], step / 0.1 * (fixed[name] - params[name]), rtol=0, atol=1e-13)


@pytest.mark.usefixtures("eagerly")
def test_fixed_step_sizes_are_no_parameters():
    assert list(ProMP(make_policy()).theta) == list(make_policy().theta)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("algorithm", [ProMP, VPGMAML])
def test_log_std_is_fixed_when_it_is_not_learned(algorithm):
    policy = make_policy(learn_std=False, init_std=0.5)
    algo = algorithm(policy)
    assert not any("log_std" in name for name in algo.theta)
    batches = nearly_on_policy(algo, make_batches(policy))
    algo.optimize_policy(batches)
    adapted = algo.adapt(policy.stacked_theta(2), batches[0])
    for params in (policy.theta, adapted):
        infos = policy.agent_infos(policy.distribution(params, batches[0].observations))
        np.testing.assert_allclose(infos["log_std"], np.log(0.5), rtol=1e-15)


def _traces(algo: MAMLAlgo) -> list[int]:
    return trace_counts(algo) + trace_counts(algo.optimizer)


@pytest.mark.parametrize("algorithm", [ProMP, *(pytest.param(a, marks=pytest.mark.slow) for a in (DICEMAML, TRPOMAML))])
def test_nothing_is_traced_again_when_the_number_of_steps_changes(algorithm):
    policy = make_policy(dtype=tf.float32, hidden_sizes=())
    algo, n_functions = algorithm(policy), []
    for length in (6, 9, 3):
        batches = make_batches(policy, length=length)
        algo.adapt(policy.stacked_theta(2), batches[0])
        algo.optimize_policy(batches)
        n_functions.append(len(_traces(algo)))
        assert set(_traces(algo)) == {1}
    assert n_functions == n_functions[:1] * 3


def test_compiled_and_eager_meta_gradients_are_equal():
    policy = make_policy(hidden_sizes=())
    algo = ProMP(policy)
    batches = nearly_on_policy(algo, make_batches(policy))
    _, compiled = algo.meta_gradient(batches)
    tf.config.run_functions_eagerly(True)
    try:
        _, eager = algo.meta_gradient(batches)
    finally:
        tf.config.run_functions_eagerly(False)
    assert_equal(compiled, eager)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("algorithm", [TRPOMAML, VPGMAML])
def test_an_unknown_inner_type_is_answered_with_the_known_ones(algorithm):
    policy = make_policy()
    with pytest.raises(ValueError, match="inner_type is 'reinforce'; it can be one of dice, tmaml, likelihood_ratio"):
        algorithm(policy, inner_type="reinforce")


def test_a_setting_that_changes_has_its_effect():
    policy = make_policy(hidden_sizes=())
    algo, (samples, *_) = VPGMAML(policy, inner_lr=0.1), make_batches(policy)
    start = policy.stacked_theta(2)
    steps = {}
    for alpha in (0.1, 0.2, 0.0):
        algo.inner_lr = alpha
        adapted = algo.adapt(start, samples)
        steps[alpha] = {name: (adapted[name] - start[name]).numpy() for name in start}
    assert max(np.abs(step).max() for step in steps[0.1].values()) > 1e-3
    for name in start:
        np.testing.assert_allclose(steps[0.2][name], 2 * steps[0.1][name], atol=1e-14)
        assert not steps[0.0][name].any()


def test_a_setting_of_the_algorithm_that_changes_has_its_effect_on_the_curvature():
    policy = make_policy(hidden_sizes=())
    difference = {"optimizer": {"hvp": "finite_difference"}}  # the quickest to trace
    algo = TRPOMAML(policy, inner_lr=0.1, **difference)
    batches = nearly_on_policy(algo, make_batches(policy))
    vector = np.ones(sum(np.prod(value.shape) for value in policy.theta.values()))
    algo.optimizer.product(vector, batches)
    algo.inner_lr = 0.5
    np.testing.assert_array_equal(
        algo.optimizer.product(vector, batches),
        TRPOMAML(policy, inner_lr=0.5, **difference).optimizer.product(vector, batches),
    )


def test_lists_and_tuples_of_batches_are_the_same():
    policy = make_policy(hidden_sizes=())
    algo, batches = VPGMAML(policy), make_batches(policy)
    assert algo.meta_loss(list(batches)).loss == algo.meta_loss(tuple(batches)).loss
    assert trace_counts(algo) == [1, 1]  # of the means over tasks, and of the penalty


def test_the_variables_are_found_after_compilation_too():
    policy = make_policy(hidden_sizes=())
    algo = VPGMAML(policy)
    before = [variable.name for variable in algo.trainable_variables]
    algo.meta_loss(make_batches(policy))
    assert [variable.name for variable in algo.trainable_variables] == before


class Careless(VPGMAML):
    """Takes the mean over tasks where a loss of each is asked for."""

    def __init__(self, policy, where):
        self.where = where
        super().__init__(policy)

    def inner_loss(self, distribution, samples):
        losses = super().inner_loss(distribution, samples)
        return tf.reduce_mean(losses) if self.where == "inner" else losses

    def outer_loss(self, distributions, batches):
        losses = super().outer_loss(distributions, batches)
        return tf.reduce_mean(losses) if self.where == "outer" else losses


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("where", ["inner", "outer"])
def test_losses_that_are_not_one_of_each_task_are_refused(where):
    policy = make_policy()
    with pytest.raises(ValueError, match=r"the losses have the shape \(\); they must be \[2\]"):
        Careless(policy, where).meta_gradient(make_batches(policy))


class Roomy(type(make_policy())):
    """Has a parameter that its distribution doesn't depend on."""

    def init_params(self, rng):
        return {**super().init_params(rng), "spare": np.ones(3)}


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("algorithm", [ProMP, TRPOMAML])
def test_a_parameter_without_effect_stays(algorithm):
    policy = Roomy(3, 2, (4,), rng=np.random.default_rng(0), dtype=tf.float64)
    algo = algorithm(policy)
    batches = on_policy(algo, make_batches(policy))
    adapted = algo.adapt(policy.stacked_theta(2), batches[0])
    assert (adapted["spare"].numpy() == 1).all()
    bias = policy.theta["mean_network/output/bias"].numpy()
    algo.optimize_policy(batches)
    assert (policy.theta["spare"].numpy() == 1).all()
    assert (policy.theta["mean_network/output/bias"].numpy() != bias).any()


class Detached(VPGMAML):
    """Its losses depend on no parameter."""

    def inner_loss(self, distribution, samples):
        return tf.stop_gradient(super().inner_loss(distribution, samples))


@pytest.mark.usefixtures("eagerly")
def test_a_loss_that_depends_on_nothing_is_refused():
    policy = make_policy()
    with pytest.raises(ValueError, match="the loss depends on none of the parameters"):
        Detached(policy).adapt(policy.stacked_theta(2), make_batches(policy)[0])
