"""The categorical policy against scipy, its own frequencies and finite differences, through all algorithms."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

from meta_policy_search.meta_algos.dice_maml import DICEMAML
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.meta_algos.trpo_maml import TRPOMAML
from meta_policy_search.optimizers.conjugate_gradient_optimizer import flatten
from meta_policy_search.policies.meta_categorical_mlp_policy import MetaCategoricalMLPPolicy
from meta_policy_search.testing.algorithms import gradient_error
from meta_policy_search.types import Samples
from tests.meta_algos.problem import nearly_on_policy, on_policy
from tests.meta_algos.test_meta_gradient import ALGORITHMS, DICE_ALGORITHMS, ImportanceWeighted

pytestmark = pytest.mark.usefixtures("eagerly")


def make_policy(dtype: tf.DType = tf.float64, **settings) -> MetaCategoricalMLPPolicy:
    return MetaCategoricalMLPPolicy(3, 4, **{"hidden_sizes": (4,), **settings}, rng=np.random.default_rng(0), dtype=dtype)


def make_batches(policy: MetaCategoricalMLPPolicy, steps: int = 1, shape: tuple = (2, 2, 6)) -> tuple[Samples, ...]:
    """The data of the steps 0..K of some other policy. The last two steps of row 0 are masked; episodes have 3 steps."""
    rng = np.random.default_rng(5)
    mask = np.ones(shape)
    mask[:, 0, -2:] = 0
    start = tf.constant(np.broadcast_to(np.arange(shape[-1]) // 3 * 3, shape), tf.int32)
    return tuple(
        Samples(
            observations=tf.constant(rng.normal(size=(*shape, policy.obs_dim))),
            actions=tf.constant(rng.integers(policy.n_actions, size=shape), tf.int32),
            start=start,
            weights=tf.constant(mask / mask.sum(axis=(1, 2), keepdims=True)),
            agent_infos={"logits": tf.constant(rng.normal(size=(*shape, policy.n_actions)))},
            adj_avg_rewards=tf.constant(rng.normal(size=shape[0])),
            advantages=tf.constant(mask * rng.normal(size=shape)),
            adjusted_rewards=tf.constant(mask * rng.normal(size=shape)),
        )
        for _ in range(steps + 1)
    )


def random_params(policy: MetaCategoricalMLPPolicy, n_tasks: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    return {name: value.numpy() + rng.normal(size=value.shape) for name, value in policy.stacked_theta(n_tasks).items()}


def test_log_probability_entropy_and_kl_are_those_of_scipy():
    logits = np.random.default_rng(1).normal(size=(2, 6, 4))
    old, new = (make_policy().distribution_of({"logits": tf.constant(x)}) for x in logits)
    p, q = special.softmax(logits, axis=-1)
    actions = np.array([0, 1, 2, 3, 0, 1])
    np.testing.assert_allclose(old.log_prob(actions), np.log(p[np.arange(6), actions]), rtol=1e-12)
    np.testing.assert_allclose(old.entropy(), stats.entropy(p, axis=-1), rtol=1e-12)
    np.testing.assert_allclose(old.kl_divergence(new), stats.entropy(p, q, axis=-1), rtol=1e-12)


def test_acting_is_a_draw_from_the_distribution_of_each_task():
    policy, rng = make_policy(), np.random.default_rng(0)
    params, observations = random_params(policy, 3), np.repeat(rng.normal(size=(3, 1, 3)), 4000, axis=1)
    actions, infos = policy.act(params, observations, policy.noise(rng, (3, 4000)))
    tensors = {name: tf.constant(value) for name, value in params.items()}
    distribution = policy.distribution(tensors, tf.constant(observations))
    np.testing.assert_allclose(infos["logits"], distribution.logits, rtol=1e-12)
    assert (actions.shape, actions.dtype) == ((3, 4000), np.int32)
    for task in range(3):
        expected = 4000 * distribution.probs_parameter()[task, 0].numpy()
        assert stats.chisquare(np.bincount(actions[task], minlength=4), expected).pvalue > 1e-3


def test_the_log_has_the_entropy_of_the_steps_that_count():
    logits = np.random.default_rng(1).normal(size=(2, 3, 5, 4)).astype(np.float32)
    mask = np.arange(5) < np.array([[5], [3], [1]]) * np.ones((2, 1, 1), int)
    entropy = stats.entropy(special.softmax(logits[mask], axis=-1), axis=-1).mean()
    assert make_policy().diagnostics({"logits": logits}, mask)["AveragePolicyEntropy"] == pytest.approx(entropy, rel=1e-6)


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("make", ALGORITHMS.values(), ids=list(ALGORITHMS))
def test_meta_gradient_is_the_derivative_of_the_meta_loss(make, steps):
    algo = make(make_policy(), num_inner_grad_steps=steps, inner_lr=0.1)
    batches = nearly_on_policy(algo, make_batches(algo.policy, steps))
    assert gradient_error(algo, batches) < 1e-8


@pytest.mark.parametrize("make", DICE_ALGORITHMS.values(), ids=list(DICE_ALGORITHMS))
def test_meta_gradient_through_dice_is_that_of_the_importance_weighted_return(make):
    algo, judge = (make(make_policy(), inner_lr=0.1) for _ in range(2))
    judge.inner_loss = ImportanceWeighted(judge).loss
    if isinstance(judge, DICEMAML):
        judge.outer_loss = lambda distributions, batches: judge.inner_loss(distributions[-1], batches[-1])
    batches = on_policy(algo, make_batches(algo.policy))
    assert gradient_error(algo, batches, judge) < 1e-8


def test_fisher_product_is_the_hessian_where_the_data_is_on_policy():
    policy = make_policy(hidden_sizes=())
    fisher, hessian = (TRPOMAML(policy, optimizer={"hvp": hvp}) for hvp in ("fisher", "hessian"))
    batches = on_policy(fisher, make_batches(policy))
    for vector in np.random.default_rng(0).normal(size=(3, len(flatten(policy.theta)))):
        products = [np.asarray(algo.optimizer.product(vector, batches)) for algo in (fisher, hessian)]
        assert np.abs(products[1]).max() > 0.1
        np.testing.assert_allclose(products[0], products[1], rtol=0, atol=1e-11)


def test_a_trust_region_step_falls_within_the_region():
    algo = TRPOMAML(make_policy(), step_size=0.01)
    metrics = algo.optimize_policy(on_policy(algo, make_batches(algo.policy)))
    assert metrics["Rejected"] == 0
    assert metrics["dLoss"] > 0
    assert 1e-4 < metrics["MeanKL"] <= 0.01


def test_an_unknown_nonlinearity_is_refused():
    with pytest.raises(ValueError, match="hidden_nonlinearity is 'sine'; it can be one of tanh, relu, elu"):
        make_policy(hidden_nonlinearity="sine")


def test_promp_learns_to_reach_any_cell_of_a_grid():
    from meta_policy_search.baselines.linear_baseline import LinearFeatureBaseline
    from meta_policy_search.envs.grid_envs.grid_navigation import GridNavigationEnv
    from meta_policy_search.envs.normalized_env import normalize
    from meta_policy_search.meta_trainer import MetaTrainer
    from meta_policy_search.samplers.meta_sample_processor import MetaSampleProcessor
    from meta_policy_search.samplers.meta_sampler import MetaSampler

    rng = np.random.default_rng(0)
    policy = MetaCategoricalMLPPolicy(25, 5, (16,), rng=rng)
    sizes = {"rollouts_per_meta_task": 10, "meta_batch_size": 20, "max_path_length": 12}
    sampler = MetaSampler(normalize(GridNavigationEnv(reward_type="dense")), policy, **sizes)
    processor = MetaSampleProcessor(LinearFeatureBaseline(), normalize_adv=True)
    algo = ProMP(policy, inner_lr=2.0, learning_rate=1e-2)
    rows = []
    MetaTrainer(algo, sampler, processor, rng=rng, n_itr=12).train(lambda _, metrics: rows.append(metrics))
    after = [row["Step_1-AverageReturn"] for row in rows]
    assert np.mean(after[-3:]) > np.mean(after[:3]) + 2
    assert rows[-1]["Step_1-AverageReturn"] > rows[-1]["Step_0-AverageReturn"] + 2
    assert rows[-1]["Step_1-AveragePolicyEntropy"] < np.log(5)
