"""Kills many short runs at random moments and compares what comes of them; prints JSON.

python -m tests.faults --runs 200 --seed 0
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.forkserver import ForkServer
from tests.faults.kills import Campaign


def main() -> int:
    """Does it; the exit code is 1 if a run came to other numbers."""
    arguments = _arguments()
    begin = time.perf_counter()
    directory = Path(tempfile.mkdtemp(prefix="faults_"))
    with ForkServer(real=arguments.real) as server:
        campaign = Campaign(server, directory, arguments.seed)
        while campaign.report.runs < arguments.runs and time.perf_counter() - begin < 60 * arguments.minutes:
            campaign.run()
    report = campaign.report
    kills = dict(sorted(report.kills.items()))
    result = {"runs": report.runs, "seed": arguments.seed, "kills": sum(kills.values()), "killed_during": kills}
    seconds = round(time.perf_counter() - begin)
    print(json.dumps({**result, "different": report.different, "seconds": seconds}, indent=2))
    return 1 if report.different else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--minutes", type=float, default=60.0, help="begin no further run after them")
    parser.add_argument("--real", action="store_true", help="with the algorithms' own gradients, which take much longer")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
