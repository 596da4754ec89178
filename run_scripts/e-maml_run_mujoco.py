"""E-MAML-TRPO on a MuJoCo task family: TRPO-MAML with credit for the exploration before adaptation."""

import sys

from experiment_utils.algorithms import algorithm
from experiment_utils.experiment import main

ALGORITHM = algorithm("E-MAML-TRPO")

if __name__ == "__main__":
    sys.exit(main(ALGORITHM.defaults, ALGORITHM.build, __doc__))
