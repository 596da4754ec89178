"""DiCE on a MuJoCo task family; --outer_type vpg or trpo keeps DiCE in the adaptation only."""

import sys

from experiment_utils.algorithms import algorithm
from experiment_utils.experiment import main

ALGORITHM = algorithm("DiCE")

if __name__ == "__main__":
    sys.exit(main(ALGORITHM.defaults, ALGORITHM.build, __doc__))
