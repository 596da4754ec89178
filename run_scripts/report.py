"""A page about each run that a browser shows: RUN/report.html, one file with everything in it."""

import sys

from experiment_utils.commands.report import main

if __name__ == "__main__":
    sys.exit(main())
