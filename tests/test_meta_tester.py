import numpy as np
import pytest

from experiment_utils.algorithm_configs import DICEMAMLConfig, ProMPConfig
from meta_policy_search.adaptation import AdaptationError
from meta_policy_search.meta_tester import MetaTester, first_rollouts
from meta_policy_search.samplers.meta_sample_processor import task_returns
from tests.experiment_utils.small_runs import make_trainer, small

pytestmark = pytest.mark.usefixtures("eagerly")


def make_tester(trainer) -> MetaTester:
    trainer.sampler.update_tasks(trainer.task_rng)
    return MetaTester(trainer.algo, trainer.sampler, trainer.sample_processor)


@pytest.mark.parametrize("defaults", [ProMPConfig(), DICEMAMLConfig()])
def test_with_training_s_random_numbers_it_gives_training_s_returns_bit_for_bit(tmp_path, defaults):
    config = small(defaults, num_inner_grad_steps=2)
    row = make_trainer(tmp_path, config).meta_iteration(0)
    trainer = make_trainer(tmp_path, config)
    rounds = make_tester(trainer).rounds(trainer.algo.policy.stacked_theta(3), 2, trainer.sampling_rng)
    returns = [np.concatenate(task_returns(found.trajectories)).mean() for found in rounds]
    assert returns == [row[f"Step_{step}-AverageReturn"] for step in range(3)]


def test_the_first_rollouts_are_all_that_adaptation_sees(tmp_path):
    trainer = make_trainer(tmp_path, small(rollouts_per_meta_task=4))
    tester, theta = make_tester(trainer), trainer.algo.policy.stacked_theta(3)
    trajectories, _ = trainer.sampler.obtain_samples(theta, trainer.sampling_rng)
    few = first_rollouts(trajectories, 2)
    assert few.observations.shape == (3, 2, 6, 2)
    trajectories.rewards[:, 2:] += 100.0
    for name, value in tester.adapt(theta, first_rollouts(trajectories, 2)).items():
        np.testing.assert_array_equal(value, tester.adapt(theta, few)[name])


def test_an_adaptation_to_nan_names_the_task(tmp_path):
    trainer = make_trainer(tmp_path, small())
    tester, theta = make_tester(trainer), trainer.algo.policy.stacked_theta(3)
    trajectories, _ = trainer.sampler.obtain_samples(theta, trainer.sampling_rng)
    trainer.algo.inner_lr = 1e300  # infinite in float32
    with pytest.raises(AdaptationError, match=r"adaptation made .* NaN or infinite in 3 of 3 tasks \(slot 0: "):
        tester.adapt(theta, trajectories)
