"""TRPO-MAML on a MuJoCo task family; with --inner_type likelihood_ratio, LVC-TRPO."""

import sys

from experiment_utils.algorithms import algorithm
from experiment_utils.experiment import main

ALGORITHM = algorithm("TRPO-MAML")

if __name__ == "__main__":
    sys.exit(main(ALGORITHM.defaults, ALGORITHM.build, __doc__))
