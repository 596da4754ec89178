"""MAML-VPG on a MuJoCo task family; with --inner_type likelihood_ratio LVC-VPG, with --exploration E-MAML-VPG."""

import sys

from experiment_utils.algorithms import algorithm
from experiment_utils.experiment import main

ALGORITHM = algorithm("MAML-VPG")

if __name__ == "__main__":
    sys.exit(main(ALGORITHM.defaults, ALGORITHM.build, __doc__))
