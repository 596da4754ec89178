"""DiCE on a MuJoCo task family; --outer_type vpg or trpo keeps DiCE in the adaptation only."""

import sys

from experiment_utils.config import DICEMAMLConfig
from experiment_utils.experiment import Components, main

DEFAULTS = DICEMAMLConfig(n_itr=300)  # the original's


def build(config: DICEMAMLConfig, rng) -> Components:
    """Environment, policy, sampler, processor, algorithm."""
    from experiment_utils import builders
    from meta_policy_search.meta_algos.dice_maml import DICEMAML, TRPO_DICEMAML, VPG_DICEMAML

    env = builders.make_env(config)
    policy = builders.make_policy(config, env, rng)
    inner = builders.inner_settings(config)
    if config.outer_type == "dice":
        algo = DICEMAML(policy, learning_rate=config.learning_rate, **inner)
    elif config.outer_type == "vpg":
        algo = VPG_DICEMAML(policy, learning_rate=config.learning_rate, **inner)
    else:
        algo = TRPO_DICEMAML(policy, step_size=config.step_size, **inner)
    return Components(algo, builders.make_sampler(config, env, policy), builders.make_dice_sample_processor(config))


if __name__ == "__main__":
    sys.exit(main(DEFAULTS, build, __doc__))
