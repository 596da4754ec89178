"""RL2 on a MuJoCo task family: the memory of a recurrent policy adapts, and PPO through time trains it."""

import sys

from experiment_utils.algorithms import algorithm
from experiment_utils.experiment import main

ALGORITHM = algorithm("RL2")

if __name__ == "__main__":
    sys.exit(main(ALGORITHM.defaults, ALGORITHM.build, __doc__))
