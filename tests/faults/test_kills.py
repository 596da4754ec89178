"""A run that is killed at any moment and resumed gives the numbers of one that wasn't."""

import pytest

from tests.faults.forkserver import ForkServer
from tests.faults.kills import Campaign

RUNS = 3  # `python -m tests.faults` makes more of them

pytestmark = pytest.mark.slow


def test_killed_and_resumed_runs_give_the_same_numbers_bit_for_bit(tmp_path):
    with ForkServer() as server:
        campaign = Campaign(server, tmp_path, seed=0)
        for _ in range(RUNS):
            campaign.run()
    assert not campaign.report.different
    assert sum(campaign.report.kills.values()) >= RUNS
    assert not [name for name in campaign.report.kills if name.startswith("exit code")]
