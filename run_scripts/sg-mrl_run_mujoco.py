"""SG-MRL on a MuJoCo task family: MAML-VPG with an unbiased credit for the behaviour before adaptation."""

import sys

from experiment_utils.algorithms import algorithm
from experiment_utils.experiment import main

ALGORITHM = algorithm("SG-MRL")

if __name__ == "__main__":
    sys.exit(main(ALGORITHM.defaults, ALGORITHM.build, __doc__))
