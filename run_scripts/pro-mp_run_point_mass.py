"""ProMP on a point mass that must find out which corner is the goal: the MuJoCo-free sibling of pro-mp_run_mujoco.py."""

import dataclasses
import sys

from experiment_utils.algorithms import algorithm
from experiment_utils.experiment import main

ALGORITHM = algorithm("ProMP")
DEFAULTS = dataclasses.replace(ALGORITHM.defaults, env="MetaPointEnvCorner")

if __name__ == "__main__":
    sys.exit(main(DEFAULTS, ALGORITHM.build, __doc__))
