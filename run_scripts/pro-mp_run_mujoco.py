"""ProMP on a MuJoCo task family. By default, as in the original, half-cheetah with 40 tasks x 20 rollouts x 100 steps."""

import sys

from experiment_utils.config import ProMPConfig
from experiment_utils.experiment import Components, main

DEFAULTS = ProMPConfig()


def build(config: ProMPConfig, rng) -> Components:
    """Environment, policy, sampler, processor, algorithm."""
    from experiment_utils import builders
    from meta_policy_search.meta_algos.pro_mp import ProMP

    env = builders.make_env(config)
    policy = builders.make_policy(config, env, rng)
    algo = ProMP(
        policy,
        learning_rate=config.learning_rate,
        num_promp_steps=config.num_promp_steps,
        clip_eps=config.clip_eps,
        init_inner_kl_penalty=config.init_inner_kl_penalty,
        adaptive_inner_kl_penalty=config.adaptive_inner_kl_penalty,
        target_inner_step=config.target_inner_step,
        anneal_factor=config.anneal_factor,
        num_minibatches=config.num_minibatches,
        inner_type=config.inner_type,
        loaded_dice_lambda=config.loaded_dice_lambda,
        **builders.inner_settings(config),
    )
    return Components(algo, builders.make_sampler(config, env, policy), builders.make_sample_processor(config))


if __name__ == "__main__":
    sys.exit(main(DEFAULTS, build, __doc__))
