"""The components fit the environment."""

import subprocess
import sys
import typing

import numpy as np
import pytest

from experiment_utils import builders
from experiment_utils.algorithm_configs import ProMPConfig, TRPOMAMLConfig, VPGMAMLConfig
from experiment_utils.algorithms import algorithm
from meta_policy_search.choices import HvpType
from meta_policy_search.optimizers import conjugate_gradient_optimizer
from meta_policy_search.policies.meta_categorical_mlp_policy import MetaCategoricalMLPPolicy
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from tests.experiment_utils.small_runs import small


@pytest.mark.parametrize(
    ("env", "kind", "sizes"),
    [
        ("GridNavigationEnv", MetaCategoricalMLPPolicy, (25, 5)),
        ("tests.envs.own_envs:Chooser", MetaCategoricalMLPPolicy, (2, 3)),
        ("MetaPointEnvMomentum", MetaGaussianMLPPolicy, (4, 2)),
    ],
)
def test_the_policy_is_that_of_the_spaces(env, kind, sizes):
    config = ProMPConfig(env=env, hidden_sizes=(7,), parallel=False)
    policy = builders.make_policy(config, builders.make_env(config), np.random.default_rng(0))
    assert isinstance(policy, kind)
    kernels = [value.shape for name, value in policy.theta.items() if name.endswith("kernel")]
    assert kernels == [(sizes[0], 7), (7, sizes[1])]


@pytest.mark.parametrize("name", ["TRPO-MAML", "E-MAML-TRPO"])
def test_the_trust_region_is_as_asked(name):
    assert typing.get_args(HvpType) == typing.get_args(conjugate_gradient_optimizer.HvpType)
    for hvp in typing.get_args(HvpType):
        config = small(TRPOMAMLConfig(), hvp=hvp, step_size=0.3)
        optimizer = algorithm(name).build(config, np.random.default_rng(0)).algo.optimizer
        assert (optimizer.hvp, optimizer.step_size) == (hvp, 0.3)


@pytest.mark.parametrize(("name", "config"), [("E-MAML-TRPO", TRPOMAMLConfig()), ("MAML-VPG", VPGMAMLConfig())])
def test_e_mamls_term_is_as_asked(name, config):
    for exploration, weight in ((True, 20.0), (False, 1.0)):
        asked = small(config, exploration=exploration, exploration_weight=weight)
        algo = algorithm(name).build(asked, np.random.default_rng(0)).algo
        assert (algo.exploration, algo.exploration_weight) == (exploration, weight)


def test_nothing_of_ray_is_imported_unless_it_is_asked_for():
    code = "import sys, experiment_utils.builders, experiment_utils.run_sweep; assert 'ray' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
