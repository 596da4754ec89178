"""ProMP on a MuJoCo task family. By default, as in the original, half-cheetah with 40 tasks x 20 rollouts x 100 steps."""

import sys

from experiment_utils.algorithms import algorithm
from experiment_utils.experiment import main

ALGORITHM = algorithm("ProMP")

if __name__ == "__main__":
    sys.exit(main(ALGORITHM.defaults, ALGORITHM.build, __doc__))
