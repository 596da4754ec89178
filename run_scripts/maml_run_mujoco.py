"""TRPO-MAML on a MuJoCo task family; with --inner_type likelihood_ratio, LVC-TRPO."""

import sys

from experiment_utils.config import TRPOMAMLConfig
from experiment_utils.experiment import Components, main

DEFAULTS = TRPOMAMLConfig()


def build(config: TRPOMAMLConfig, rng) -> Components:
    """Environment, policy, sampler, processor, algorithm."""
    from experiment_utils import builders
    from meta_policy_search.meta_algos.trpo_maml import TRPOMAML

    env = builders.make_env(config)
    policy = builders.make_policy(config, env, rng)
    algo = TRPOMAML(
        policy,
        step_size=config.step_size,
        inner_type=config.inner_type,
        loaded_dice_lambda=config.loaded_dice_lambda,
        exploration=config.exploration,
        exploration_weight=config.exploration_weight,
        optimizer={"hvp": config.hvp},
        **builders.inner_settings(config),
    )
    return Components(algo, builders.make_sampler(config, env, policy), builders.make_sample_processor(config))


if __name__ == "__main__":
    sys.exit(main(DEFAULTS, build, __doc__))
