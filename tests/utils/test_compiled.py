"""Slices of tasks on all cores, and graphs that are never out of date."""

import copy
import subprocess
import sys
import warnings

import numpy as np
import pytest
import tensorflow as tf

from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.meta_algos.vpg_maml import VPGMAML
from meta_policy_search.utils import compiled as module
from meta_policy_search.utils.compiled import slice_sizes, trace_counts
from tests.meta_algos.problem import make_batches, make_policy, nearly_on_policy


@pytest.fixture
def slices_of_rows(monkeypatch):
    """Sets how many rows a slice has: the tests' problems are too small for more than one of the usual ones."""
    return lambda rows: monkeypatch.setattr(module, "ROWS_PER_SLICE", rows)


def assert_close(found, expected, atol=1e-13) -> None:
    for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=atol)


@pytest.mark.parametrize(
    ("n_tasks", "rows", "sizes"),
    [
        (40, 20, [5] * 8),
        (20, 20, [5] * 4),
        (4, 3, [4]),
        (7, 20, [4, 3]),
        (37, 20, [5] * 5 + [4] * 3),
        (9, 20, [3] * 3),
        (2, 1000, [1, 1]),
        (1, 1000, [1]),
        (1000, 1, [100] * 10),
    ],
)
def test_slices_have_about_a_hundred_rows_and_hold_all_tasks(n_tasks, rows, sizes):
    assert slice_sizes(n_tasks, rows) == sizes


def test_all_tasks_are_in_slices_whatever_their_number():
    for n_tasks in range(1, 120):
        sizes = slice_sizes(n_tasks, 20)
        assert sum(sizes) == n_tasks
        assert max(sizes) - min(sizes) <= 1
        assert max(sizes) <= 5 or n_tasks <= 5


class SquaredPenalty(ProMP):
    """Its penalty is not linear in the KL, so that the penalty of a mean is not the mean of penalties."""

    def penalty(self, inner_kl):
        return 50 * tf.reduce_sum(inner_kl**2)


class HingedPenalty(ProMP):
    """Its penalty has a kink between the KL of the tasks."""

    def penalty(self, inner_kl):
        return tf.reduce_sum(tf.where(inner_kl > 0.02, 30 * (inner_kl - 0.02), tf.zeros_like(inner_kl)))


def quantities(algo, batches) -> list:
    """All that is made in slices."""
    found = [algo.adapt(algo.policy.stacked_theta(len(batches[0].weights)), batches[0]), algo.meta_loss(batches)]
    found += algo.meta_gradient(batches)
    if isinstance(algo, TRPOMAML):
        vector = np.linspace(-1, 1, sum(np.prod(value.shape) for value in algo.theta.values()))
        for algo.optimizer.hvp in ("fisher", "hessian", "finite_difference"):
            found.append(algo.optimizer.product(vector, batches))
    return found


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("make", [ProMP, SquaredPenalty, HingedPenalty, TRPOMAML, VPGMAML])
@pytest.mark.parametrize("rows", [2, 5])  # of 7 tasks with 2 each: slices of 1, and of 3, 2 and 2
def test_slices_give_what_all_tasks_together_give(make, steps, rows, slices_of_rows):
    algo = make(make_policy(), num_inner_grad_steps=steps)
    batches = nearly_on_policy(algo, make_batches(algo.policy, n_tasks=7, steps=steps))
    together = quantities(algo, batches)
    slices_of_rows(rows)
    assert_close(quantities(algo, batches), together, atol=1e-10 if make is TRPOMAML else 1e-13)  # differences over 2e-5


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("make", [SquaredPenalty, HingedPenalty])
@pytest.mark.parametrize("rows", [2, 1000])
def test_a_penalty_that_is_not_linear_has_its_exact_gradient(make, rows, slices_of_rows):
    slices_of_rows(rows)
    algo = make(make_policy(), num_inner_grad_steps=2)
    batches = nearly_on_policy(algo, make_batches(algo.policy, n_tasks=3, steps=2))
    with tf.GradientTape() as tape:
        expected_loss = algo.meta_loss_at(algo.theta, batches)
    assert float(algo.penalty(expected_loss.inner_kl)) > 1e-3
    expected = tape.gradient(expected_loss.loss, algo.theta)
    loss, gradient = algo.meta_gradient(batches)
    assert_close(gradient, expected)
    assert_close([loss, algo.meta_loss(batches)], [expected_loss, expected_loss])


def test_compiled_slices_of_two_sizes_equal_eager_ones(slices_of_rows):
    slices_of_rows(4)
    policy = make_policy(hidden_sizes=())
    algo, batches = VPGMAML(policy), make_batches(policy, n_tasks=7, rows=1)  # slices of 4 and 3 tasks
    in_graphs = algo.meta_loss(batches), algo.adapt(policy.stacked_theta(7), batches[0])
    tf.config.run_functions_eagerly(True)
    try:
        eagerly = algo.meta_loss(batches), algo.adapt(policy.stacked_theta(7), batches[0])
    finally:
        tf.config.run_functions_eagerly(False)
    assert_close(in_graphs, eagerly)
    assert trace_counts(algo) == [1] * 5  # two graphs of each, and the penalty


class Failing(VPGMAML):
    """Its loss fails while it runs, in the tasks of one slice."""

    def outer_loss(self, distributions, batches):
        tf.debugging.assert_less(batches[-1].adj_avg_rewards, tf.constant(1e3, tf.float64), "too large")
        return super().outer_loss(distributions, batches)


def test_an_error_in_a_slice_is_the_error_of_the_call(slices_of_rows):
    slices_of_rows(2)
    policy = make_policy(hidden_sizes=())
    algo, batches = Failing(policy), make_batches(policy, n_tasks=4)
    bad = batches[-1]._replace(adj_avg_rewards=tf.constant([0.0, 0.0, 1e4, 0.0], tf.float64))
    algo.meta_loss(batches)
    with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
        algo.meta_loss((*batches[:-1], bad))
    algo.meta_loss(batches)  # and the threads are as good as before


BITS = """
import hashlib, sys
import numpy as np
from experiment_utils.tensorflow_setup import configure_tensorflow
configure_tensorflow()
import tensorflow as tf
tf.config.threading.set_inter_op_parallelism_threads(int(sys.argv[1]))
from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from tests.meta_algos.problem import make_batches, make_policy
policy = make_policy(dtype=tf.float32, hidden_sizes=(64, 64))
batches = make_batches(policy, n_tasks=7, rows=100, length=30)
algo = TRPOMAML(policy)
params = algo.adapt(policy.stacked_theta(7), batches[0])
loss, gradient = algo.meta_gradient(batches)
vector = np.concatenate([np.ravel(value) for value in gradient.values()]).astype(float)
results = [params, loss, gradient, algo.meta_loss(batches), algo.optimizer.product(vector, batches)]
print(hashlib.sha1(b"".join(np.asarray(value).tobytes() for value in tf.nest.flatten(results))).hexdigest())
"""


@pytest.mark.slow
def test_the_bits_do_not_depend_on_the_number_of_threads():
    """Each a process of its own, since TensorFlow's threads are set once: 25 s of one core."""
    runs = [subprocess.Popen([sys.executable, "-c", BITS, str(n)], stdout=subprocess.PIPE, text=True) for n in (1, 2, 4)]
    bits = [run.communicate()[0] for run in runs]
    assert len(bits[0].strip()) == 40
    assert bits == bits[:1] * 3


class Scaled(VPGMAML):
    """Reads attributes of every kind in its loss."""

    def __init__(self, policy):
        super().__init__(policy)
        self.scales, self.table, self.array = (1.0, 2.0), {"a": 1.0}, np.ones(1)
        self.calls = 0

    def inner_loss(self, distribution, samples):
        return super().inner_loss(distribution, samples) * self.scales[1] * self.table["a"] * self.array[0]


def in_place(algo, name, key, value):
    getattr(algo, name)[key] = value


CHANGES = {
    "tuple": lambda algo: setattr(algo, "scales", (1.0, 3.0)),
    "dict": lambda algo: in_place(algo, "table", "a", 3.0),
    "array": lambda algo: in_place(algo, "array", 0, 3.0),
    "inner_lr": lambda algo: setattr(algo, "inner_lr", 0.3),
    "policy's number": lambda algo: setattr(algo.policy, "min_log_std", 1.0),
    "policy's word": lambda algo: setattr(algo.policy, "hidden_nonlinearity", "relu"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_change_is_overlooked(change):
    algo = Scaled(make_policy())
    samples, params = make_batches(algo.policy)[0], algo.policy.stacked_theta(2)
    before = algo.adapt(params, samples)
    CHANGES[change](algo)
    tf.config.run_functions_eagerly(True)
    try:
        expected = algo.adapt(params, samples)
    finally:
        tf.config.run_functions_eagerly(False)
    assert_close(algo.adapt(params, samples), expected)
    assert any(np.abs(before[name] - expected[name]).max() > 1e-4 for name in before)


def test_the_fixed_standard_deviation_of_a_policy_can_change():
    algo = ProMP(make_policy(learn_std=False, hidden_sizes=()))
    batches = make_batches(algo.policy)
    before = float(algo.meta_loss(batches).outer_kl)
    algo.policy.init_log_std = 1.0
    assert abs(float(algo.meta_loss(batches).outer_kl) - before) > 0.1


def test_what_the_graph_does_not_read_traces_nothing_again():
    algo = Scaled(make_policy(hidden_sizes=()))
    samples, params = make_batches(algo.policy)[0], algo.policy.stacked_theta(2)
    for algo.calls in range(5):
        algo.adapt(params, samples)
    assert trace_counts(algo) == [1]


def test_an_attribute_that_keeps_changing_is_named_in_a_warning():
    algo = VPGMAML(make_policy(hidden_sizes=()))
    samples, params = make_batches(algo.policy)[0], algo.policy.stacked_theta(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for algo.inner_lr in (0.1, 0.2, 0.3):
            algo.adapt(params, samples)
    algo.inner_lr = 0.4
    with pytest.warns(UserWarning, match=r"VPGMAML\.inner\.inner_lr has changed 3 times .* tf\.Variable"):
        algo.adapt(params, samples)
    assert trace_counts(algo) == [4]


def test_a_copy_has_graphs_of_its_own():
    algo = TRPOMAML(make_policy(hidden_sizes=()))
    samples, params = make_batches(algo.policy)[0], algo.policy.stacked_theta(2)
    adapted = algo.adapt(params, samples)
    other = copy.deepcopy(algo)
    other.inner_lr = 0.0
    assert_close(other.adapt(params, samples), params)
    assert_close(algo.adapt(params, samples), adapted)


def test_other_names_of_parameters_are_another_graph():
    algo = VPGMAML(make_policy(hidden_sizes=()))
    samples, params = make_batches(algo.policy)[0], algo.policy.stacked_theta(2)
    algo.adapt(params, samples)
    with pytest.raises(KeyError):
        algo.adapt({f"other_{name}": value for name, value in params.items()}, samples)


def test_a_gpu_gets_all_tasks_in_one_graph(slices_of_rows, monkeypatch):
    slices_of_rows(2)
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: ["a GPU"])
    algo = VPGMAML(make_policy(hidden_sizes=()))
    algo.adapt(algo.policy.stacked_theta(7), make_batches(algo.policy, n_tasks=7)[0])
    assert trace_counts(algo) == [1]
