"""A run does not grow. `python benchmarks/soak.py` looks at a longer one."""

import runpy

import pytest

from tests.experiment_utils.test_experiment import ROOT

SOAK = runpy.run_path(str(ROOT / "benchmarks" / "soak.py"))


@pytest.mark.slow
@pytest.mark.long
def test_memory_traces_and_checkpoints_stay_as_they_are_after_the_first_iterations(tmp_path):
    report = SOAK["soak"](tmp_path, 30)
    assert not SOAK["grown"](report)
    assert report["traces"]["end"] > 0
    assert 0 < report["log_bytes_per_iteration"] < 10_000


def test_growth_is_noticed():
    sizes = {"progress.csv": 100, "checkpoints/ckpt-1.index": 500}
    flat = ([100.0] * 12, [3] * 12, [sizes] * 12)
    report, grown = SOAK["report"], SOAK["grown"]
    assert grown(report(*flat)) == []
    assert grown(report([100.0] * 11 + [110.0], *flat[1:])) == ["memory_mb"]
    assert grown(report(flat[0], [3] * 11 + [4], flat[2])) == ["traces"]
    more = {**sizes, "checkpoints/ckpt-2.index": 500}
    assert grown(report(*flat[:2], [sizes] * 11 + [more])) == ["files", "checkpoint_bytes"]
