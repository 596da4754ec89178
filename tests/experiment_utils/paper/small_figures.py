"""run_scripts/reproduce.py with a quick budget as small as its smoke budget, which --collect refuses."""

import runpy
import sys
from pathlib import Path

from experiment_utils.paper import baselines, figure2, figure3, figure4, formulations
from experiment_utils.paper.experiments import SMOKE

SCRIPT = Path(__file__).resolve().parents[3] / "run_scripts" / "reproduce.py"

if __name__ == "__main__":
    figure2.COMMON.update(SMOKE)
    baselines.METHODS[baselines.RL2].settings.update(baselines.SMOKE_TRIALS)
    for settings in (baselines.COMMON, baselines.POINT):
        settings.update({name: value for name, value in SMOKE.items() if name != "n_itr"})
    for budgets in (figure3.BUDGETS, figure4.BUDGETS, formulations.BUDGETS, formulations.LEARNING_RATES):
        budgets["quick"] = budgets["smoke"]
    sys.argv[0] = str(SCRIPT)
    runpy.run_path(str(SCRIPT), run_name="__main__")
