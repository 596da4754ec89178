"""The figures of the paper and the poster: trains what is missing, goes on with what was cut off, draws."""

import sys

from experiment_utils.paper.reproduce import main

if __name__ == "__main__":
    sys.exit(main())
