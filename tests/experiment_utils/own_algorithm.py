"""An algorithm from outside the package: its file, config class and entry, which is its run script too."""

import dataclasses
import sys
from pathlib import Path

from experiment_utils.algorithm_configs import ProMPConfig
from experiment_utils.algorithms import Algorithm, register_algorithm
from experiment_utils.experiment import main


@dataclasses.dataclass(frozen=True)
class HalvedConfig(ProMPConfig):
    """ProMP's settings, and a factor."""

    factor: float = 0.5
    """Factor on the loss."""


def build(config, rng):
    """Return the components, with the halved algorithm."""
    from experiment_utils import builders
    from meta_policy_search.meta_algos.pro_mp import ProMP

    class Halved(ProMP):
        """ProMP with its outer loss multiplied by a factor."""

        def outer_loss(self, *args):
            """Return factor times ProMP's loss."""
            return config.factor * super().outer_loss(*args)

    settings = builders.own_settings(config, ProMPConfig) | builders.inner_settings(config)
    return builders.assemble(config, rng, lambda policy: Halved(policy, **settings))


HALVED = register_algorithm(Algorithm("Halved ProMP", HalvedConfig(), build, Path(__file__), "#123456"))

if __name__ == "__main__":
    sys.exit(main(HALVED.defaults, HALVED.build, __doc__))
