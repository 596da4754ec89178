"""The figures of the paper and the poster: trains what is missing, goes on with what was cut off, draws.

python run_scripts/reproduce.py figure2 --env half_cheetah --budget quick
python run_scripts/reproduce.py figure2 --plot-only

Runs lie below --dump_path, and the pictures in its folder figures/. --plot-only trains nothing: it draws what is committed
in results/ into docs/figures/. Budgets and the time they take: docs/reproduce.md.
"""

import sys

from experiment_utils.paper.reproduce import main

if __name__ == "__main__":
    sys.exit(main(__doc__))
