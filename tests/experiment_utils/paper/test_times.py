"""The time comparison: what is measured, and that the picture shows it."""

from pathlib import Path

import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from experiment_utils.paper import times
from experiment_utils.runs.run_dir import InvalidRunError


def write_times(path: Path, seed: int = 1) -> pd.DataFrame:
    """A table of two rounds in which sampling takes 4 and 6 s, and the meta-update 1, 2 and 3 times that."""
    rows = [
        (seed, name, number, sampling, 0.25, 0.75, place * sampling, 1 + (1 + place) * sampling, "a processor", 2)
        for number, sampling in enumerate((4.0, 6.0), start=1)
        for place, name in enumerate(times.ALGORITHMS, start=1)
    ]
    table = pd.DataFrame(rows, columns=list(times.COLUMNS))
    table.to_csv(path, index=False)
    return table


class Clock:
    """A trainer whose iterations take no time, and say how often it was asked."""

    def __init__(self, calls: list[str], name: str):
        self.calls, self.name = calls, name

    def meta_iteration(self, number: int) -> dict[str, float]:
        self.calls.append(self.name)
        return {column: 1.0 + number for column in times.SECONDS if column != times.TOTAL} | {"Step_0-AverageReturn": 3.0}


def test_the_algorithms_take_turns_and_the_first_turn_does_not_count():
    calls: list[str] = []
    table = times.measure({name: Clock(calls, name) for name in ("a", "b")}, rounds=2)
    assert calls == ["a", "b"] * 3
    assert list(table[["algorithm", "round", times.SAMPLING]].itertuples(index=False, name=None)) == [
        ("a", 1, 2.0),
        ("b", 1, 2.0),
        ("a", 2, 3.0),
        ("b", 2, 3.0),
    ]
    assert (table[times.TOTAL] >= 0).all()


def test_a_seed_is_measured_once(tmp_path, monkeypatch):
    asked = []

    def measure(trainers, rounds):
        asked.append((list(trainers.values()), rounds))
        return write_times(tmp_path / "measured.csv")

    monkeypatch.setattr(times, "measure", measure)
    monkeypatch.setattr(times, "_trainer", lambda name, seed, budget: (name, seed, budget))
    for seed in (1, 2, 1):
        target = times.compute(tmp_path, seed, "quick")
    assert asked == [([(name, seed, "quick") for name in times.ALGORITHMS], 5) for seed in (1, 2)]
    table = times.read(target)
    assert table.groupby("seed").size().to_dict() == {1: 6, 2: 6}
    assert table["processor"].eq(times.processor()).all()


def test_the_bars_are_the_medians_of_the_stages(tmp_path):
    table = write_times(tmp_path / "times.csv")
    (axes,) = times.draw_bars(table).axes
    bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert [bar.get_width() for bar in bars] == [5.0, 5.0, 5.0, 1.0, 1.0, 1.0, 5.0, 10.0, 15.0]
    assert [bar.get_x() for bar in bars] == [0.0, 0.0, 0.0, 5.0, 5.0, 5.0, 6.0, 6.0, 6.0]
    found = times.medians(table).set_index("algorithm")
    assert found["iteration (s)"].tolist() == [11.0, 16.0, 21.0]
    assert found.loc["ProMP", "share of meta-update"] == pytest.approx((8 / 13 + 12 / 19) / 2)
    assert found.loc["ProMP", ["iterations", "processor", "cores"]].tolist() == [2, "a processor", "2"]


@pytest.mark.parametrize("content", ["", "date,price\n1,2\n", "\x00\x01", "seed,algorithm,round\n1,ProMP,x\n"])
def test_a_broken_table_is_named(tmp_path, content):
    (tmp_path / "times").mkdir()
    (tmp_path / "times" / "times.csv").write_text(content)
    with pytest.raises(InvalidRunError, match=r"times.csv is not what reproduce.py times writes"):
        times.draw(tmp_path, tmp_path / "out")
