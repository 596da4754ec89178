"""Figure 3: DiCE, with the variance of its meta-gradient in the log."""

import sys
from typing import TYPE_CHECKING

from experiment_utils.algorithms import algorithm
from experiment_utils.experiment import main
from experiment_utils.paper.variance_config import DiCEVarianceConfig

if TYPE_CHECKING:
    import numpy as np

    from experiment_utils.builders import Components

DEFAULTS = DiCEVarianceConfig(meta_batch_size=20, rollouts_per_meta_task=40, n_itr=301)


def build(config: DiCEVarianceConfig, rng: "np.random.Generator") -> "Components":
    """Return the components of DiCE, measured."""
    from experiment_utils.paper.gradient_variance import measured

    return measured(algorithm("DiCE").build, config, rng)


if __name__ == "__main__":
    sys.exit(main(DEFAULTS, build, __doc__))
