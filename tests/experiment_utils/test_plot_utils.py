"""Curves over seeds and tables, against arithmetic done by hand; broken folders are named and left out."""

import dataclasses
import math
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from experiment_utils.algorithms import algorithm, algorithms, paper_name
from experiment_utils.commands import plot_curves as plot_curves_command
from experiment_utils.plot_utils import colours, curves_figure, markdown, save_figure, step_colours
from experiment_utils.runs.curves import (
    area_under_curve,
    final_value,
    group_runs,
    interval,
    mean_curve,
    require_alike,
    results_table,
    smoothed,
    timing_table,
)
from experiment_utils.runs.learning_curve import BEFORE
from experiment_utils.runs.results import InvalidRunError, RunDataWarning, load_run, load_runs
from tests.experiment_utils.fake_runs import write_run

SCRIPT = Path(__file__).resolve().parent.parent.parent / "run_scripts" / "plot_curves.py"


@pytest.fixture
def two_seeds(tmp_path):
    return [
        load_run(write_run(tmp_path / "a", [1.0, 2.0, 6.0], seed=1)),
        load_run(write_run(tmp_path / "b", [3.0, 6.0, 10.0], seed=2)),
    ]


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"algo": "ProMP"}, "ProMP"),
        ({"algo": "TRPOMAML", "inner_type": "log_likelihood", "exploration": False}, "TRPO-MAML"),
        ({"algo": "TRPOMAML", "inner_type": "log_likelihood", "exploration": True}, "E-MAML-TRPO"),
        ({"algo": "TRPOMAML", "inner_type": "likelihood_ratio", "exploration": False}, "LVC-TRPO"),
        ({"algo": "VPGMAML", "inner_type": "likelihood_ratio", "exploration": False}, "LVC-VPG"),
        ({"algo": "VPGMAML", "inner_type": "log_likelihood", "exploration": False}, "MAML-VPG"),
        ({"algo": "VPGMAML", "inner_type": "log_likelihood", "exploration": True}, "E-MAML-VPG"),
        ({"algo": "DICEMAML", "outer_type": "dice"}, "DiCE"),
        ({"algo": "DICEMAML", "outer_type": "trpo"}, "TRPO-DiCE"),
        ({"algo": "SomethingNew"}, "SomethingNew"),
    ],
)
def test_algorithms_have_the_papers_names(config, name):
    assert paper_name(config) == name


def test_the_curve_is_mean_and_population_deviation_over_seeds(two_seeds):
    curve = mean_curve(two_seeds)
    np.testing.assert_array_equal(curve.x, [100, 200, 300])
    np.testing.assert_allclose(curve.mean, [2, 4, 8])
    np.testing.assert_allclose(curve.low, [1, 2, 6])
    np.testing.assert_allclose(curve.high, [3, 6, 10])
    assert curve.seeds == 2


def test_the_return_is_that_after_the_last_inner_step(tmp_path):
    run = load_run(write_run(tmp_path, [5.0, 7.0], num_inner_grad_steps=3))
    np.testing.assert_array_equal(run.column("return"), [5, 7])
    with pytest.raises(InvalidRunError, match="no column 'Step_1-AverageReturn'"):
        run.column("Step_1-AverageReturn")


def test_where_a_seed_ends_the_curve_goes_on_as_that_of_the_others(two_seeds, tmp_path):
    short = load_run(write_run(tmp_path / "short", [5.0], seed=3))
    with pytest.warns(RunDataWarning, match=r"only 1 of 3 points .*short"):
        all_three, two = mean_curve([*two_seeds, short]).segments()
    np.testing.assert_allclose(all_three.mean, [3])
    np.testing.assert_array_equal(two.x, [200, 300])
    np.testing.assert_allclose(two.mean, [4, 8])
    assert (all_three.seeds, two.seeds) == (3, 2)


@pytest.mark.filterwarnings("ignore::experiment_utils.runs.results.RunDataWarning")
def test_over_time_too_the_longer_seeds_go_on(two_seeds, tmp_path):
    short = load_run(write_run(tmp_path / "short", [5.0], seed=3))
    curve = mean_curve([*two_seeds, short], x="Time")
    np.testing.assert_allclose(curve.rest.x, two_seeds[0].column("Time")[1:])


@pytest.mark.filterwarnings("ignore::experiment_utils.runs.results.RunDataWarning")
def test_fewer_seeds_are_dashed(two_seeds, tmp_path):
    short = load_run(write_run(tmp_path / "short", [5.0], seed=3))
    axes = curves_figure({"panel": {"ProMP": mean_curve([*two_seeds, short])}}, "n_timesteps", "return").axes[0]
    assert [line.get_linestyle() for line in axes.lines] == ["-", "--"]


def test_whole_numbers_as_steps_are_taken_by_value_too(two_seeds):
    runs = [dataclasses.replace(run, progress=run.progress.astype({"n_timesteps": int})) for run in two_seeds]
    np.testing.assert_allclose(mean_curve(runs).mean, [2, 4, 8])


def test_over_time_an_iteration_stands_at_its_mean_time(two_seeds):
    slow = two_seeds[1].progress.assign(Time=[12.0, 24.0, 36.0])
    runs = [two_seeds[0], type(two_seeds[1])(two_seeds[1].path, two_seeds[1].config, slow)]
    np.testing.assert_allclose(mean_curve(runs, x="Time").x, [9, 18, 27])


def test_the_bootstrap_interval_of_equal_seeds_is_their_value_and_otherwise_lies_between_the_extremes():
    low, high = interval(np.array([[4.0, 4.0, 4.0], [0.0, 3.0, 6.0]]), "bootstrap")
    assert (low[0], high[0]) == (4, 4)
    assert (low[1], high[1]) == (0, 6)  # 3 seeds: all-lowest and all-highest have probability 1/27 each, above 2.5 %


def test_one_seed_and_no_spread_have_no_band():
    for values, spread in (([[1.0], [2.0]], "std"), ([[1.0], [2.0]], "bootstrap"), ([[0.0, 2.0], [1.0, 3.0]], "none")):
        low, high = interval(np.array(values), spread)
        np.testing.assert_array_equal(low, [1, 2])
        np.testing.assert_array_equal(high, [1, 2])


def test_smoothing_is_off_by_default_and_a_moving_mean_otherwise(two_seeds):
    np.testing.assert_allclose(smoothed(np.array([1.0, 2.0, 6.0]), 1), [1, 2, 6])
    np.testing.assert_allclose(smoothed(np.array([1.0, 2.0, 6.0]), 3), [1.5, 3, 4])
    np.testing.assert_allclose(mean_curve(two_seeds, smooth=3).mean, [3, 14 / 3, 6])
    np.testing.assert_array_equal(smoothed(np.array([1.0, 2.0, np.nan, 4.0]), 3), [1.5, 1.5, np.nan, 4.0])


def test_a_run_that_logs_every_second_iteration_stands_at_its_own_times(tmp_path):
    every = load_run(write_run(tmp_path / "every", [1.0] * 5))
    second = load_run(write_run(tmp_path / "second", [1.0] * 3, {"Itr": [0, 2, 4], "Time": [10.0, 30.0, 50.0]}, seed=2))
    with pytest.warns(RunDataWarning, match="different points of Itr"):
        curve = mean_curve([every, second], x="Time")
    np.testing.assert_allclose(curve.x, [(6 + 10) / 2, (18 + 30) / 2, (30 + 50) / 2])


def test_a_name_with_a_bar_stays_in_its_cell():
    assert markdown(pd.DataFrame({"a|b": ["x|y"]})) == "| a\\|b |\n| --- |\n| x\\|y |\n"


@pytest.mark.parametrize("out", [".", "..", "/"])
def test_the_name_of_the_output_is_a_name(tmp_path, out, capsys):
    write_run(tmp_path, [1.0])
    assert plot_curves_command.main([str(tmp_path), "--out", out]) == 2
    assert "it must be a name, to which endings are added, such as curves" in capsys.readouterr().err


def test_final_values_and_areas_by_hand(two_seeds):
    assert final_value(two_seeds[0], last=2) == 4
    assert final_value(two_seeds[0]) == 3  # all three
    assert final_value(two_seeds[0], last=1, until=250) == 2
    # pieces of 100 steps: 1 + (1 + 2) / 2 + (2 + 6) / 2 = 6.5, times 1e-4 million steps
    assert area_under_curve(two_seeds[0]) == pytest.approx(6.5e-4)
    assert area_under_curve(two_seeds[0], until=200) == pytest.approx(2.5e-4)
    assert area_under_curve(two_seeds[0], until=250) == pytest.approx(4e-4)  # 2.5 + (2 + 4) / 2 / 2
    assert area_under_curve(two_seeds[0], until=50) == pytest.approx(0.5e-4)


@pytest.mark.parametrize("every", [100, 200, 250])
def test_the_area_does_not_depend_on_the_steps_of_an_iteration(tmp_path, every):
    steps = list(range(every, 1001, every))
    run = load_run(write_run(tmp_path, [3.0] * len(steps), {"n_timesteps": steps}))
    assert area_under_curve(run, until=900) == pytest.approx(3 * 900e-6)


def test_the_table_compares_seeds_of_equal_age_and_areas_of_equal_length(two_seeds, tmp_path):
    short = load_run(write_run(tmp_path / "short", [9.0, 9.0], algo="DICEMAML", seed=7))
    row, other = results_table({"ProMP": two_seeds, "DiCE": [short]}, last=1).to_dict("records")
    assert (row["seeds"], row["iterations"], row["env steps (10^6)"]) == ("1 2", 3, 3e-4)
    assert (row["final return (last 1 iterations)"], row["std of final"]) == (8, 2)
    area = "area (return x 10^6 steps)"
    assert row["area to (10^6 steps)"] == other["area to (10^6 steps)"] == 2e-4
    assert row[area] == pytest.approx((2.5e-4 + 7.5e-4) / 2)
    assert row["std of area"] == pytest.approx(2.5e-4)
    assert other[area] == pytest.approx(18e-4)
    assert np.isnan(other["std of final"])
    assert np.isnan(other["std of area"])


def test_seeds_are_compared_at_the_same_number_of_env_steps(tmp_path):
    runs = [
        load_run(write_run(tmp_path / "small", [1.0, 2.0, 3.0, 4.0], seed=1)),
        load_run(write_run(tmp_path / "big", [5.0, 6.0, 7.0], {"n_timesteps": [200, 400, 600]}, seed=2)),
    ]
    row = results_table({"ProMP": runs}, last=1).to_dict("records")[0]
    assert (row["final return (last 1 iterations)"], row["env steps (10^6)"]) == ((4 + 6) / 2, 4e-4)


def test_runs_with_other_steps_per_iteration_are_interpolated(tmp_path):
    runs = [
        load_run(write_run(tmp_path / "small", [1.0, 2.0, 3.0, 4.0], seed=1)),
        load_run(write_run(tmp_path / "big", [10.0, 20.0], {"n_timesteps": [100, 350]}, seed=2)),
    ]
    with pytest.warns(RunDataWarning) as caught:
        common, alone = mean_curve(runs).segments()
    assert ["interpolated" in str(warning.message) for warning in caught] == [True, False]
    np.testing.assert_array_equal(common.x, [100, 350])
    np.testing.assert_allclose(common.mean, [(1 + 10) / 2, (3.5 + 20) / 2])
    np.testing.assert_array_equal((alone.x, alone.mean), ([400], [4]))


@pytest.mark.filterwarnings("ignore::experiment_utils.runs.results.RunDataWarning")
def test_runs_without_a_common_point_are_drawn_one_after_the_other(tmp_path):
    early = load_run(write_run(tmp_path / "early", [1.0, 2.0], seed=1))
    late = load_run(write_run(tmp_path / "late", [5.0, 6.0], {"n_timesteps": [300, 400]}, seed=2))
    curve = mean_curve([early, late])
    (part,) = curve.segments()
    assert (part.x.tolist(), part.seeds) == ([300, 400], 1)
    assert len(curves_figure({"panel": {"ProMP": curve}}, "n_timesteps", "return").axes[0].lines) == 1


def test_a_column_that_does_not_increase_is_no_axis(tmp_path):
    run = load_run(write_run(tmp_path, [1.0, 2.0], {"Step_1-NumTrajs": [20, 20]}))
    with pytest.raises(InvalidRunError, match=r"Step_1-NumTrajs of .* does not increase"):
        mean_curve([run], x="Step_1-NumTrajs")


def test_runs_that_are_more_than_seeds_of_one_experiment_are_reported(tmp_path):
    runs = [load_run(write_run(tmp_path / str(i), [1.0], seed=1 + i // 2, physics="paper", n_itr=i)) for i in range(3)]
    with pytest.warns(RunDataWarning, match="ProMP has seed 1 more than once"):
        require_alike({"ProMP": runs})
    odd = load_run(write_run(tmp_path / "odd", [1.0], seed=4, physics="modern", inner_lr=0.3))
    with pytest.warns(RunDataWarning, match="the runs of ProMP differ in physics, and are drawn as one curve"):
        require_alike({"ProMP": [*runs, odd]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        require_alike({"ProMP": runs[1:], "other": [odd]})


def test_a_run_that_is_named_twice_is_one(tmp_path, monkeypatch):
    write_run(tmp_path / "run", [1.0])
    monkeypatch.chdir(tmp_path)
    assert len(load_runs([Path("run"), tmp_path / "run", Path(".")])) == 1


def test_the_timing_table_by_hand(two_seeds):
    row = timing_table({"ProMP": two_seeds}).to_dict("records")[0]
    assert (row["s per iteration"], row["mean s per iteration"]) == (6, 6)
    assert row["env steps per s"] == pytest.approx(100 / 6)
    assert row["share of physics"] == pytest.approx(3 / 6)
    assert row["share of policy"] == pytest.approx(0.5 / 6)
    assert row["share of meta-update"] == pytest.approx(1 / 6)


def test_runs_are_grouped_by_any_settings(tmp_path):
    for i, (rate, seed) in enumerate([(0.1, 1), (0.1, 2), (0.05, 1)]):
        write_run(tmp_path / str(i), [1.0], inner_lr=rate, seed=seed)
    runs = load_runs([tmp_path])
    groups = group_runs(runs, ["algorithm", "inner_lr"])
    assert {name: len(members) for name, members in groups.items()} == {"ProMP, inner_lr 0.1": 2, "ProMP, inner_lr 0.05": 1}


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("progress.csv", None, "can't be read"),
        ("progress.csv", "", "no complete row"),
        ("progress.csv", "Itr,n_timesteps,Step_1-AverageReturn\n", "no complete row"),
        ("progress.csv", "Itr,n_timesteps\n0,100\n1\n", "line 3 has not 2 cells"),
        ("progress.csv", "Itr,n_timesteps\n0,many\n", "not the log of a run"),
        ("progress.csv", "date,price\n1,2\n", "no columns Itr and n_timesteps"),
        ("progress.csv", b"\xff\xfe\x00", "not text"),
        ("params.json", None, "can't be read"),
        ("params.json", '{"config": {"algo"', "does not hold the settings of a run"),
        ("params.json", '{"name": "other"}', "does not hold the settings of a run"),
        ("params.json", "[1]", "does not hold the settings of a run"),
        ("params.json", '{"config": {"seed": 1}}', "does not hold the settings of a run"),
    ],
)
def test_a_broken_folder_is_named_and_skipped(tmp_path, file, content, words):
    write_run(tmp_path / "good", [1.0, 2.0])
    broken = write_run(tmp_path / "broken", [1.0, 2.0]) / file
    broken.unlink()
    if content is not None:
        broken.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.warns(RunDataWarning, match="skipped") as caught:
        runs = load_runs([tmp_path])
    assert [run.path.name for run in runs] == ["good"]
    message = str(caught[-1].message)
    assert str(broken) in message
    assert words in message


def test_a_half_written_last_row_is_left_out_and_named(tmp_path):
    progress = write_run(tmp_path / "run", [1.0, 2.0]) / "progress.csv"
    progress.write_text(progress.read_text() + "2,3")
    with pytest.warns(RunDataWarning, match=r"progress.csv: the last row is half-written"):
        run = load_run(progress.parent)
    np.testing.assert_array_equal(run.column("return"), [1, 2])


def test_every_algorithm_has_a_colour_of_its_own_whatever_else_is_drawn():
    assert len({entry.colour for entry in algorithms()}) == len(algorithms())
    drawn = colours(["other", "ProMP", "another"])
    assert drawn["ProMP"] == algorithm("ProMP").colour
    assert len(set(drawn.values())) == 3


def test_the_same_picture_has_the_same_bytes(two_seeds, tmp_path):
    panels = {"panel": {"ProMP": mean_curve(two_seeds)}}
    for name in ("one", "two"):
        save_figure(curves_figure(panels, "n_timesteps", "return"), tmp_path / name)
    for ending in (".pdf", ".png"):
        assert (tmp_path / f"one{ending}").read_bytes() == (tmp_path / f"two{ending}").read_bytes()


def test_axes_carry_units(two_seeds):
    axes = curves_figure({"panel": {"ProMP": mean_curve(two_seeds)}}, "n_timesteps", "return").axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("env steps (10⁶)", "return after adaptation")
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [1e-4, 2e-4, 3e-4])


def test_markdown():
    table = pd.DataFrame({"group": ["ProMP"], "final": [1234.5678], "seeds": [3]})
    assert markdown(table) == "| group | final | seeds |\n| --- | --- | --- |\n| ProMP | 1235 | 3 |\n"
    assert markdown(pd.DataFrame({"std": [np.nan]})) == "| std |\n| --- |\n| - |\n"


@pytest.fixture
def plot_curves(tmp_path, monkeypatch):
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)  # the script changes it
    main = plot_curves_command.main
    return lambda *argv, also=(): main([str(tmp_path / "runs"), *also, "--out", str(tmp_path / "out" / "curves"), *argv])


def test_plot_curves_writes_pictures_and_tables(tmp_path, plot_curves, capsys):
    write_run(tmp_path / "runs" / "a", [1.0, 2.0])
    write_run(tmp_path / "runs" / "b", [3.0, 4.0], env="AntRandDirec2DEnv", seed=5)
    assert plot_curves("--spread", "bootstrap", "--group-by", "algorithm", "seed") == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"curves.{e}" for e in ("pdf", "png", "csv", "md")}
    table = pd.read_csv(tmp_path / "out" / "curves.csv")
    assert set(table["group"]) == {"HalfCheetahRandDirecEnv, ProMP, seed 1", "AntRandDirec2DEnv, ProMP, seed 5"}
    assert "curves.pdf" in capsys.readouterr().out


def write_groups(directory, seeds):
    for algo, shift in (("ProMP", 0.0), ("DICEMAML", 5.0)):
        for seed in range(seeds):
            write_run(directory / algo / str(seed), [0.0, 10.0 + seed + shift + seed % 2], algo=algo, seed=seed)


def test_plot_curves_compares_groups_over_the_seeds_they_share(tmp_path, plot_curves):
    write_groups(tmp_path / "runs", seeds=3)
    assert plot_curves("--compare", "--last", "1") == 0
    table = pd.read_csv(tmp_path / "out" / "curves_comparisons.csv")
    assert table[["panel", "first", "second", "seeds"]].drop_duplicates().to_numpy().tolist() == [
        ["HalfCheetahRandDirecEnv", "DiCE", "ProMP", 3]
    ]
    assert table["first - second"][0] == pytest.approx(5.0)
    assert not (tmp_path / "out" / "curves_interquartile.csv").exists()


def test_from_eight_seeds_on_plot_curves_says_what_they_are_worth(tmp_path, plot_curves):
    write_groups(tmp_path / "runs", seeds=8)
    write_run(tmp_path / "runs" / "ant", [1.0, 2.0], env="AntRandDirec2DEnv")
    with pytest.warns(RunDataWarning, match="AntRandDirec2DEnv: not compared, for they have one seed only: ProMP"):
        assert plot_curves("--compare", "--last", "1") == 0
    means = pd.read_csv(tmp_path / "out" / "curves_interquartile.csv")
    assert means["interquartile mean"][:2].tolist() == pytest.approx([19.0, 14.0])  # DiCE's first, as in the comparisons
    assert (tmp_path / "out" / "curves_profiles.pdf").exists()


def test_runs_of_the_same_settings_are_compared_by_their_folders(tmp_path, plot_curves):
    for name, returns in (("old", [1.0, 2.0]), ("new", [2.0, 5.0])):
        for seed in (1, 2):
            write_run(tmp_path / "runs" / name / f"seed_{seed}", returns, seed=seed)
    with pytest.warns(RunDataWarning, match="ProMP has seed 1, 2 more than once; .* --group_by folder keeps folders apart"):
        assert plot_curves() == 0
    assert plot_curves("--compare", "--group_by", "folder", "--last", "1") == 0
    table = pd.read_csv(tmp_path / "out" / "curves_comparisons.csv")
    assert table[["first", "second"]].iloc[0].tolist() == [str(tmp_path / "runs" / name) for name in ("new", "old")]
    assert table["first - second"][0] == 3.0


def test_groups_are_compared_that_share_seeds_beside_one_that_shares_none(tmp_path, plot_curves):
    for name, seeds in (("a", (1, 2)), ("b", (1, 2)), ("c", (8, 9))):
        for seed in seeds:
            write_run(tmp_path / "runs" / name / f"seed_{seed}", [1.0, 2.0], seed=seed, inner_lr=float(ord(name)))
    assert plot_curves("--compare", "--group_by", "inner_lr", "--last", "1") == 0
    table = pd.read_csv(tmp_path / "out" / "curves_comparisons.csv")
    assert table[["first", "second"]].drop_duplicates().to_numpy().tolist() == [["inner_lr 97.0", "inner_lr 98.0"]]


def test_with_nothing_to_compare_plot_curves_says_so(tmp_path, plot_curves, capsys):
    write_run(tmp_path / "runs" / "a", [1.0])
    with pytest.warns(RunDataWarning, match="one seed only"):
        assert plot_curves("--compare") == 2
    assert "--compare found no two groups" in capsys.readouterr().err


def test_runs_that_cannot_be_drawn_are_left_out_and_named(tmp_path, plot_curves):
    write_run(tmp_path / "runs" / "a", [1.0, 2.0])
    twice = write_run(tmp_path / "runs" / "b", [3.0, 4.0], seed=2) / "progress.csv"
    twice.write_text(twice.read_text() + twice.read_text().splitlines()[-1] + "\n")
    other = write_run(tmp_path / "runs" / "c", [3.0, 4.0], seed=3) / "progress.csv"
    other.write_text(other.read_text().replace("Step_1-AverageReturn", "Return"))
    with pytest.warns(RunDataWarning) as caught:
        assert plot_curves() == 0
    messages = [str(warning.message) for warning in caught if warning.category is RunDataWarning]
    assert [message.partition("progress.csv ")[2].split(";")[0] for message in messages] == [
        "is not the log of a run: Itr does not increase from row to row",
        "has no column 'Step_1-AverageReturn'",
    ]
    assert pd.read_csv(tmp_path / "out" / "curves.csv")["seeds"].tolist() == [1]


def test_a_return_that_is_no_number_is_reported_and_gives_no_result(tmp_path, plot_curves):
    write_run(tmp_path / "runs" / "a", [1.0, float("nan"), 3.0])
    with pytest.warns(RunDataWarning, match="has no finite number for return in 1 of its rows"):
        assert plot_curves() == 0
    assert "| - |" in (tmp_path / "out" / "curves.md").read_text()
    assert math.isnan(final_value(load_run(tmp_path / "runs" / "a")))


def test_names_from_files_are_no_formulas(tmp_path, plot_curves):
    write_run(tmp_path / "runs" / "a", [1.0], env="$\\bad$")
    assert plot_curves("--group_by", "env") == 0


def test_a_reader_that_has_gone_away_is_no_error(tmp_path):
    write_run(tmp_path / "run", [1.0])
    command = [sys.executable, SCRIPT, tmp_path / "run", "--out", tmp_path / "curves"]
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (result.returncode, result.stderr) == (0, "")


def test_plot_curves_says_what_is_missing(tmp_path, plot_curves, capsys):
    assert plot_curves() == 2
    assert "there is no run below" in capsys.readouterr().err
    assert plot_curves("--group_bye", "seed") == 2
    assert "did you mean '--group_by'?" in capsys.readouterr().err
    write_run(tmp_path / "runs" / "a", [1.0])
    for flag, name, sentence in (
        ("--y", "Step_1-AverageRetrun", "has no column 'Step_1-AverageRetrun'; did you mean 'Step_1-AverageReturn'?"),
        ("--group_by", "algoritm", "none of the runs has a setting 'algoritm'; did you mean 'algorithm'?"),
        ("--panel_by", "envv", "none of the runs has a setting 'envv'; did you mean 'env'?"),
    ):
        assert plot_curves(flag, name) == 2
        assert sentence in capsys.readouterr().err
    for flag in ("--smooth", "--last"):
        assert plot_curves(flag, "0") == 2
        assert f"{flag[2:]} is 0; it must be a positive whole number" in capsys.readouterr().err
    assert plot_curves("--out", "/proc/none/curves") == 2
    assert "can't read or write /proc/none" in capsys.readouterr().err
    with pytest.warns(RunDataWarning, match="there is no run below /nowhere"):
        assert plot_curves(also=["/nowhere"]) == 0


def test_a_figure_says_what_its_bands_are_where_it_has_any(tmp_path):
    runs = [load_run(write_run(tmp_path / str(seed), [1.0, 2.0 * seed], seed=seed)) for seed in (1, 2)]
    for members, said in ((runs, "bands: std"), (runs[:1], "")):
        figure = curves_figure({"panel": {"ProMP": mean_curve(members)}}, "n_timesteps", "return", "std")
        assert figure.legends[0].get_title().get_text() == said


def test_an_algorithms_colours_go_from_grey_to_its_own():
    before, between, after = step_colours("LVC-VPG", 2)
    assert before == to_rgb(BEFORE)
    assert after == pytest.approx(to_rgb(algorithm("LVC-VPG").colour))
    assert between == pytest.approx(np.mean([before, after], axis=0))
    assert step_colours("LVC-VPG", 0) == [to_rgb(algorithm("LVC-VPG").colour)]
