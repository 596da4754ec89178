"""Adapts a trained policy to newly drawn tasks exactly as in training, and says how well it does."""

import sys

from experiment_utils.commands.meta_test import main

if __name__ == "__main__":
    sys.exit(main())
