"""E-MAML-TRPO on a MuJoCo task family: TRPO-MAML with credit for the exploration before adaptation."""

import runpy
import sys
from pathlib import Path

from experiment_utils.config import TRPOMAMLConfig
from experiment_utils.experiment import main

DEFAULTS = TRPOMAMLConfig(exploration=True)

# Environment, policy, sampler, processor and algorithm are TRPO-MAML's; the setting `exploration` makes the difference.
build = runpy.run_path(str(Path(__file__).with_name("maml_run_mujoco.py")))["build"]

if __name__ == "__main__":
    sys.exit(main(DEFAULTS, build, __doc__))
