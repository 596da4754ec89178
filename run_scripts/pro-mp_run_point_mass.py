"""ProMP on a point mass that must find out which corner is the goal: the MuJoCo-free sibling of pro-mp_run_mujoco.py."""

import runpy
import sys
from pathlib import Path

from experiment_utils.config import ProMPConfig
from experiment_utils.experiment import main

if __name__ == "__main__":
    build = runpy.run_path(str(Path(__file__).with_name("pro-mp_run_mujoco.py")))["build"]
    sys.exit(main(ProMPConfig(env="MetaPointEnvCorner"), build, __doc__))
