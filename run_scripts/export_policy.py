"""Exports a trained policy as a TensorFlow SavedModel, which acts without this package."""

import sys

from experiment_utils.commands.export_policy import main

if __name__ == "__main__":
    sys.exit(main())
