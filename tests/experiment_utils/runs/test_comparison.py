from pathlib import Path

import numpy as np
import pytest

from experiment_utils.runs.comparison import (
    comparison_table,
    interquartile_table,
    profiles,
    scores_by_measure,
    shared_seeds,
    stages,
)
from experiment_utils.runs.results import RunData, load_run
from experiment_utils.runs.seed_blocks import tukey_intervals
from tests.experiment_utils.fake_runs import write_run


def runs_of(directory: Path, finals: dict[int, float]) -> list[RunData]:
    """Runs of two iterations by seed: return 0, then this."""
    return [load_run(write_run(directory / f"seed_{seed}", [0.0, final], seed=seed)) for seed, final in finals.items()]


@pytest.fixture
def groups(tmp_path):
    return {
        "a": runs_of(tmp_path / "a", {3: 30.0, 1: 10.0, 2: 20.0}),
        "b": runs_of(tmp_path / "b", {2: 21.0, 1: 12.0, 3: 33.0, 9: 99.0}),
    }


@pytest.fixture
def many(tmp_path):
    return {
        name: runs_of(tmp_path / name, {seed: seed + shift for seed in range(8)}) for name, shift in (("a", 0.0), ("b", 3.5))
    }


def test_scores_are_of_the_shared_seeds_in_one_order(groups):
    assert shared_seeds(groups) == [1, 2, 3]
    final, area = scores_by_measure(groups, last=1).values()
    np.testing.assert_array_equal((final["a"], final["b"]), [[10, 20, 30], [12, 21, 33]])
    np.testing.assert_allclose(area["b"], np.array([12, 21, 33]) * 100 / 2 / 1e6)  # a triangle over the second 100 steps


def test_a_longer_run_is_measured_where_the_shortest_ends(groups, tmp_path):
    longer = load_run(write_run(tmp_path / "longer", [0.0, 7.0, 1000.0], seed=2))
    final, area = scores_by_measure({**groups, "b": [*groups["b"][1:], longer]}, last=1).values()
    np.testing.assert_array_equal(final["b"], [12, 7, 33])
    np.testing.assert_allclose(area["b"], np.array([12, 7, 33]) * 100 / 2 / 1e6)


def test_seeds_that_all_groups_trained_longer_are_a_stage_of_their_own(groups, tmp_path):
    for name, lengths in (("a", {1: 4, 2: 3, 3: 2}), ("b", {1: 3, 2: 5, 3: 4})):  # together 3, 3 and 2 iterations
        for seed, length in lengths.items():
            groups[name] = [run for run in groups[name] if run.field("seed") != seed]
            groups[name].append(load_run(write_run(tmp_path / f"{name}{seed}", [1.0] * length, seed=seed)))
    found = [[sorted(run.field("seed") for run in runs) for runs in stage.values()] for stage in stages(groups)]
    assert found == [[[1, 2, 3], [1, 2, 3, 9]], [[1, 2], [1, 2]]]


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [
        ({"a": [1, 2, 3], "b": [1, 2, 3], "c": [1, 2]}, [{"a": [1, 2, 3], "b": [1, 2, 3]}]),
        ({"a": [1, 2, 3], "b": [2, 3, 4], "c": [8, 9]}, [{"a": [2, 3], "b": [2, 3]}]),  # c has none of theirs
        ({"a": [1, 2], "b": [1, 2]}, []),
        ({"a": [1, 2], "b": [2, 3]}, []),  # one seed compares nothing
    ],
)
def test_groups_that_share_more_seeds_are_a_stage_of_their_own(seeds, expected, tmp_path):
    groups = {
        name: [load_run(write_run(tmp_path / f"{name}{seed}", [1.0, 2.0], seed=seed)) for seed in of_group]
        for name, of_group in seeds.items()
    }
    first, *more = ({name: [run.field("seed") for run in runs] for name, runs in part.items()} for part in stages(groups))
    assert (first, more) == (seeds, expected)


def test_groups_that_have_more_of_the_longer_seeds_are_compared_on_all_of_them(tmp_path):
    lengths = {"a": [4, 4, 4], "b": [4, 4, 4], "c": [4, 4, 2], "d": [4, 2, 2]}
    groups = {
        name: [load_run(write_run(tmp_path / f"{name}{seed}", [1.0] * n, seed=seed)) for seed, n in enumerate(of_seeds)]
        for name, of_seeds in lengths.items()
    }
    found = [{name: [run.field("seed") for run in runs] for name, runs in stage.items()} for stage in stages(groups)]
    assert found == [
        {"a": [0, 1, 2], "b": [0, 1, 2], "c": [0, 1, 2], "d": [0, 1, 2]},
        {"a": [0, 1, 2], "b": [0, 1, 2]},
        {"a": [0, 1], "b": [0, 1], "c": [0, 1]},
    ]


def test_the_table_has_each_pair_on_both_measures(groups):
    table = comparison_table(scores_by_measure(groups, last=1))
    assert len(table) == 2
    tukey = tukey_intervals(np.array([[10.0, 20.0, 30.0], [12.0, 21.0, 33.0]]))[0, 1]
    assert table["first - second"][0] == pytest.approx(-2.0)
    assert table["Tukey p"][0] == pytest.approx(tukey.p_value)
    assert "P(first > second)" not in table


def test_from_eight_seeds_on_the_table_has_the_chance_of_improvement(many):
    table = comparison_table(scores_by_measure(many, last=1))
    wins = sum(i > j + 3.5 for i in range(8) for j in range(8))
    assert table["P(first > second)"][0] == pytest.approx(wins / 64)
    assert table["P low"][0] < wins / 64 < table["P high"][0]


def test_groups_without_common_seeds_are_not_compared(groups, tmp_path):
    with pytest.raises(ValueError, match="2 algorithms on 0 seeds"):
        comparison_table(scores_by_measure({**groups, "b": runs_of(tmp_path / "other", {7: 1.0})}))


def test_the_interquartile_mean_leaves_out_the_lowest_and_highest_two_of_eight(many):
    table = interquartile_table(scores_by_measure(many, last=1))
    np.testing.assert_allclose(table["interquartile mean"][:2], [3.5, 7.0])
    assert ((table["low"] < table["interquartile mean"]) & (table["interquartile mean"] < table["high"])).all()


def test_a_profile_falls_from_almost_all_to_none(many):
    curves = profiles(scores_by_measure(many, last=1)["final return (last 1 iterations to 0.0002e6 steps)"])
    assert (curves["a"].x[0], curves["a"].x[-1], curves["a"].seeds) == (0.0, 10.5, 8)
    assert (curves["a"].mean[0], curves["b"].mean[0], curves["b"].mean[-1]) == (7 / 8, 1.0, 0.0)
    assert (np.diff(curves["a"].mean) <= 0).all()
    assert (curves["a"].low <= curves["a"].mean).all()
    assert (curves["a"].mean <= curves["a"].high).all()


def test_of_a_seed_that_is_there_twice_the_longest_run_is_compared(groups, tmp_path):
    longer = load_run(write_run(tmp_path / "again", [50.0] * 30, seed=1))
    name = next(iter(groups))
    for runs in ([longer, *groups[name]], [*groups[name], longer]):
        found = scores_by_measure({**groups, name: runs}, last=1)
        assert next(iter(found.values()))[name][0] == 50.0


def test_an_infinite_score_has_no_chance_of_improvement(many):
    scores = next(iter(scores_by_measure(many).values()))
    first = next(iter(scores))
    scores[first][3] = np.inf
    table = comparison_table({"final": scores}).set_index("first")
    assert table.loc[[first], ["P(first > second)", "P low", "P high"]].isna().all(axis=None)
