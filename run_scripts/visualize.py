"""A film of a trained meta-policy before and after adaptation to one task, side by side."""

import sys

from experiment_utils.commands.visualize import main

if __name__ == "__main__":
    sys.exit(main())
