"""Learning curves of any runs: a PDF, a PNG, and a table of final returns and areas under the curves beside them."""

import sys

from experiment_utils.commands.plot_curves import main

if __name__ == "__main__":
    sys.exit(main())
