"""Training at settings that nobody should choose: finite numbers, or an error that says what to try."""

import dataclasses

import numpy as np
import pytest

from experiment_utils import algorithms as registry
from meta_policy_search.envs.base import SimulationError
from meta_policy_search.envs.environment_errors import simulation_error
from meta_policy_search.meta_trainer import MetaTrainer, TrainingError
from meta_policy_search.policies.meta_gaussian_mlp_policy import LOG_STD
from meta_policy_search.training_errors import ENVIRONMENT_REMEDY, REMEDY

SMALL = {"meta_batch_size": 2, "rollouts_per_meta_task": 2, "max_path_length": 4, "hidden_sizes": (4,), "parallel": False}
DENSE = {"env": "MetaPointEnv", "env_options": {"reward_type": "dense"}}
ALGORITHMS = {
    "ProMP": {"num_promp_steps": 2},
    "TRPO-MAML": {"inner_type": "likelihood_ratio"},
    "MAML-VPG": {"exploration": True},
    "DiCE": {},
}
EXTREMES = {
    "large inner_lr": {"inner_lr": 10.0},
    "huge inner_lr": {"inner_lr": 1e6},
    "constant rewards": {"env": "MetaPointEnvCorner", "env_options": {}},  # too short to reach a goal: always 0
    "constant rewards, not normalised": {"env": "MetaPointEnvCorner", "env_options": {}, "normalize_adv": False},
    "one rollout of one step in one task": {"meta_batch_size": 1, "rollouts_per_meta_task": 1, "max_path_length": 1},
    "no discount, no baseline": {"discount": 0.0, "gae_lambda": 0.0, "baseline": "ZeroBaseline", "inner_lr": 10.0},
}
ITERATIONS = 2

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("eagerly"),
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),  # the error that follows says more
]


def make_trainer(algorithm: str, **settings) -> MetaTrainer:
    entry = registry.algorithm(algorithm)
    config = dataclasses.replace(entry.defaults, **{**SMALL, **DENSE, **ALGORITHMS[algorithm], **settings})
    rng = np.random.default_rng(config.seed)
    components = entry.build(config, rng)
    if algorithm == "TRPO-MAML":  # untraced, its second derivatives take long
        components.algo.optimizer.cg_iters, components.algo.optimizer.max_backtracks = 2, 2
    return MetaTrainer(*components, rng=rng, n_itr=ITERATIONS)


def train(trainer: MetaTrainer) -> list[dict[str, float]]:
    rows = []
    trainer.train(lambda iteration, metrics: rows.append(metrics))
    return rows


def assert_finite_or_a_clear_error(trainer: MetaTrainer) -> None:
    try:
        rows = train(trainer)
    except TrainingError as error:
        assert str(error).startswith("iteration ") and str(error).endswith((REMEDY, ENVIRONMENT_REMEDY))  # noqa: PT017, PT018
        return
    assert len(rows) == ITERATIONS
    for row in rows:
        assert not [name for name, value in row.items() if not np.isfinite(value)]
    assert all(np.isfinite(value.numpy()).all() for value in trainer.algo.theta.values())


@pytest.mark.parametrize("extreme", EXTREMES)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_extreme_settings_end_in_finite_numbers_or_a_clear_error(algorithm, extreme):
    assert_finite_or_a_clear_error(make_trainer(algorithm, **EXTREMES[extreme]))


@pytest.mark.parametrize("log_std", [-50.0, 30.0, 100.0])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_extreme_deviations_end_in_finite_numbers_or_a_clear_error(algorithm, log_std):
    trainer = make_trainer(algorithm)
    trainer.algo.policy.theta[LOG_STD].assign(np.full((1, 2), log_std))
    assert_finite_or_a_clear_error(trainer)


@pytest.mark.parametrize("scale", [1e-30, 1e30, 1e300])
@pytest.mark.parametrize("algorithm", ["ProMP", "DiCE"])
def test_extreme_rewards_end_in_finite_numbers_or_a_clear_error(algorithm, scale):
    trainer = make_trainer(algorithm)
    step = trainer.sampler.envs.env.step_envs

    def scaled(actions):
        after = step(actions)
        return after._replace(rewards=after.rewards * scale)

    trainer.sampler.envs.env.step_envs = scaled
    assert_finite_or_a_clear_error(trainer)


def test_zero_variance_advantages_move_nothing():
    trainer = make_trainer("MAML-VPG", **EXTREMES["constant rewards"], exploration=False)
    before = {name: value.numpy() for name, value in trainer.algo.theta.items()}
    train(trainer)
    assert all(np.array_equal(before[name], value.numpy()) for name, value in trainer.algo.theta.items())


def test_a_failing_environment_is_not_blamed_on_the_step_size():
    trainer = make_trainer("MAML-VPG")

    def failing(actions):
        raise SimulationError("the arm fell off", [0])

    trainer.sampler.envs.env.step_envs = failing
    with pytest.raises(TrainingError, match="iteration 0: the arm fell off in 1 of 2 tasks") as caught:
        train(trainer)
    assert "inner_lr" not in str(caught.value)


def test_the_policys_actions_are_no_matter_where_the_environment_raised_before_them():
    trainer = make_trainer("MAML-VPG")

    def failing(n_tasks, rng):
        raise SimulationError("the reset for new tasks failed", []) from simulation_error(FileNotFoundError("terrain.npy"))

    trainer.sampler.envs.sample_tasks = failing
    with pytest.raises(TrainingError, match=r"^iteration 0: the reset for new tasks failed$"):
        train(trainer)


def test_nan_of_an_environment_names_it_the_task_and_the_time():
    trainer = make_trainer("MAML-VPG")
    step, calls = trainer.sampler.envs.env.step_envs, []

    def poisoned(actions):
        calls.append(actions)
        after = step(actions)
        if len(calls) == 3:
            after.rewards[2] = np.nan
        return after

    trainer.sampler.envs.env.step_envs = poisoned
    words = r"iteration 0: NaN or infinite rewards of MetaPointEnv at time step 2 in 1 of 2 tasks \(slot 1: "
    with pytest.raises(TrainingError, match=words) as caught:
        train(trainer)
    assert str(caught.value).endswith(ENVIRONMENT_REMEDY)
