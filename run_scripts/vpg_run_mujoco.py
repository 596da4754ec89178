"""MAML-VPG on a MuJoCo task family; with --inner_type likelihood_ratio LVC-VPG, with --exploration E-MAML-VPG."""

import sys

from experiment_utils.config import VPGMAMLConfig
from experiment_utils.experiment import Components, main

DEFAULTS = VPGMAMLConfig(meta_batch_size=20, n_itr=300)  # the original's


def build(config: VPGMAMLConfig, rng) -> Components:
    """Environment, policy, sampler, processor, algorithm."""
    from experiment_utils import builders
    from meta_policy_search.meta_algos.vpg_maml import VPGMAML

    env = builders.make_env(config)
    policy = builders.make_policy(config, env, rng)
    algo = VPGMAML(
        policy,
        learning_rate=config.learning_rate,
        inner_type=config.inner_type,
        loaded_dice_lambda=config.loaded_dice_lambda,
        exploration=config.exploration,
        exploration_weight=config.exploration_weight,
        **builders.inner_settings(config),
    )
    return Components(algo, builders.make_sampler(config, env, policy), builders.make_sample_processor(config))


if __name__ == "__main__":
    sys.exit(main(DEFAULTS, build, __doc__))
