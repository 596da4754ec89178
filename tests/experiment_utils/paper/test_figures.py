"""What the figures train and draw, without training anything."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.quiver import Quiver

from experiment_utils.algorithms import algorithm
from experiment_utils.paper import figure1, figure2, figure3, figure4, formulations_plot, half_cheetah
from experiment_utils.paper.experiments import PANELS
from experiment_utils.runs.curves import mean_curve
from experiment_utils.runs.results import InvalidRunError, RunDataWarning, load_run, load_runs
from tests.experiment_utils.fake_runs import write_run

LVC_VPG = {"algo": "VPGMAML", "inner_type": "likelihood_ratio", "exploration": False}
CHEETAH = next(panel for panel in PANELS if panel.name == "half_cheetah")


NPY = b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (), }".ljust(127) + b"\n" + b"\0" * 8


def settings_of(runs, panel, algorithm):
    return next(run.settings for run in runs if run.folder.parts[-3:-1] == (panel, algorithm))


def test_figure_2_is_six_panels_of_five_algorithms_with_three_seeds(tmp_path):
    runs = figure2.runs(tmp_path, "paper")
    assert len(runs) == 6 * 5 * 3
    assert {run.settings["n_itr"] for run in runs} == {1001}
    assert all((run.settings["meta_batch_size"], run.settings["rollouts_per_meta_task"]) == (40, 20) for run in runs)
    assert all(run.script.is_file() for run in runs)
    assert runs[0].folder == tmp_path / "half_cheetah" / "ProMP" / "seed_1"


def test_the_panels_have_the_originals_settings(tmp_path):
    runs = figure2.runs(tmp_path, "paper")
    hopper = settings_of(runs, "hopper_params", "ProMP")
    assert (hopper["inner_lr"], hopper["max_path_length"], hopper["num_promp_steps"]) == (0.05, 200, 3)
    assert (hopper["init_inner_kl_penalty"], hopper["adaptive_inner_kl_penalty"]) == (1e-3, True)
    assert "num_promp_steps" not in settings_of(runs, "hopper_params", "TRPO-MAML")
    humanoid = settings_of(runs, "humanoid", "LVC-VPG")
    assert (humanoid["hidden_sizes"], humanoid["max_path_length"]) == ((128, 128), 200)
    ant = settings_of(runs, "ant", "E-MAML-VPG")
    assert (ant["env"], ant["max_path_length"], ant["inner_lr"]) == ("AntRandDirec2DEnv", 100, 0.1)


def test_quick_goes_on_to_paper_in_the_same_folders(tmp_path):
    quick, paper = (figure2.runs(tmp_path, budget, env=["ant"]) for budget in ("quick", "paper"))
    assert {run.folder for run in quick} < {run.folder for run in paper}
    for run in quick:
        longer = next(other for other in paper if other.folder == run.folder)
        assert {**run.settings, "n_itr": 1001} == longer.settings


@pytest.mark.parametrize("name", ["half_cheetah", "HalfCheetahFwdBack", "HalfCheetahRandDirecEnv"])
def test_panels_go_by_any_of_their_names(name):
    assert figure2.chosen([name]) == [CHEETAH]


def test_an_unknown_panel_is_refused():
    with pytest.raises(ValueError, match="no panel 'cheetah'; it has half_cheetah, ant"):
        figure2.chosen(["cheetah"])


def test_figure_2_shows_both_of_two_curves_that_coincide(tmp_path):
    same = mean_curve([load_run(write_run(tmp_path, [1.0, 2.0]))])
    for under, over in (("TRPO-MAML", "E-MAML-TRPO"), ("LVC-VPG", "E-MAML-VPG")):
        axes = figure2.draw_panels({CHEETAH: {under: same, over: same}}).axes[0]
        wide, thin, *_ = axes.lines
        assert to_hex(wide.get_color()).upper() == algorithm(under).colour
        assert wide.get_linewidth() > 1.5 * thin.get_linewidth()


def test_figure_2_draws_our_curves_and_the_papers_marks_in_one_colour_per_algorithm(tmp_path):
    run = load_run(write_run(tmp_path, [1.0, 2.0], {"n_timesteps": [1.6e7, 3.2e7]}))
    axes, paper_axes = figure2.draw_panels({CHEETAH: {"ProMP": mean_curve([run])}}).axes
    curve, *marks = axes.lines
    np.testing.assert_allclose(curve.get_xdata(), [16, 32])
    assert to_hex(curve.get_color()).upper() == algorithm("ProMP").colour
    values = {to_hex(mark.get_markeredgecolor()).upper(): mark.get_ydata()[0] for mark in marks}
    assert (values[algorithm("ProMP").colour], values[algorithm("E-MAML-VPG").colour]) == (265, 133)
    assert len(marks) == 5  # those at 30e6 steps only
    assert axes.get_title() == "HalfCheetahFwdBack (n=1)"
    assert len(paper_axes.lines) == 1 + 4 * 5
    assert paper_axes.get_xlim()[1] > 120


def test_no_circle_is_beyond_where_our_runs_end_and_none_covers_another(tmp_path):
    run = load_run(write_run(tmp_path, [1.0, 2.0], {"n_timesteps": [1.6e6, 3.2e6]}))
    axes, paper_axes = figure2.draw_panels({CHEETAH: {"ProMP": mean_curve([run])}}).axes
    assert len(axes.lines) == 1
    paper_axes.figure.canvas.draw()
    circles = [line for line in paper_axes.lines if line.get_marker() == "o"]
    places = np.array([paper_axes.transData.transform(line.get_xydata()[0]) for line in circles])
    gaps = np.linalg.norm(places[:, np.newaxis] - places, axis=-1) + 1e9 * np.eye(len(places))
    assert gaps.min() > 0.5 * figure2.MARK["ms"] * paper_axes.figure.dpi / 72


def test_the_legend_says_what_line_widths_and_bands_mean(tmp_path):
    runs = [load_run(write_run(tmp_path / str(seed), [1.0, 2.0], seed=seed)) for seed in (1, 2)]
    wide_and_thin = {"TRPO-MAML (wide)", "E-MAML-TRPO (thin)", "LVC-VPG (wide)"}
    for n, of_bands in ((1, set()), (2, {"± std over seeds"})):
        legend = figure2.draw_panels({CHEETAH: {"ProMP": mean_curve(runs[:n])}}).legends[0]
        named = {text.get_text() for text in legend.get_texts()}
        assert wide_and_thin <= named
        assert named & {"± std over seeds"} == of_bands


def test_ours_stands_beside_the_papers_value_as_the_mean_of_ten_iterations(tmp_path):
    steps = {"n_timesteps": [1e6 * i for i in range(20, 32)]}  # the last of them after the paper's mark at 30e6
    run = load_run(write_run(tmp_path, [100.0, *range(1, 11), 100.0], steps))
    table = figure2.against_paper({CHEETAH: {"ProMP": [run]}})
    row = {"panel": "HalfCheetahFwdBack", "algorithm": "ProMP", "env steps (10^6)": 30.0, "ours": 5.5, "paper": 265.0}
    assert table.to_dict("records") == [{**row, "seeds": 1}]


def test_figure_2_compares_the_algorithms_of_a_panel_with_seeds_enough(tmp_path):
    for name in ("ProMP", "LVC-VPG"):
        for seed in (1, 2):
            config = {"seed": seed, **(LVC_VPG if name == "LVC-VPG" else {})}
            write_run(tmp_path / "half_cheetah" / name / f"seed_{seed}", [1.0, 2.0 * seed + len(name)], **config)
    figure2.draw(tmp_path, tmp_path / "out", ["half_cheetah"])
    table = pd.read_csv(tmp_path / "out" / "figure2_comparisons.csv")
    assert table[["panel", "first", "second", "seeds"]].drop_duplicates().to_numpy().tolist() == [
        ["HalfCheetahFwdBack", "ProMP", "LVC-VPG", 2]
    ]


@pytest.mark.filterwarnings("ignore::experiment_utils.runs.results.RunDataWarning")
def test_figure_2_compares_seeds_that_were_trained_longer_once_more(tmp_path):
    for name, config in (("ProMP", {}), ("LVC-VPG", LVC_VPG)):
        for seed, returns in ((1, [1.0, 2.0, 3.0]), (2, [2.0, 1.0, 4.0]), (3, [1.0, 5.0])):
            write_run(tmp_path / "half_cheetah" / name / f"seed_{seed}", returns, seed=seed, **config)
    figure2.draw(tmp_path, tmp_path / "out", ["half_cheetah"])
    compared = pd.read_csv(tmp_path / "out" / "figure2_comparisons.csv")
    assert compared["seeds"].tolist() == [3, 3, 2, 2]
    assert [measure.split(" to ")[1].split(" ")[0] for measure in compared["measure"]] == ["0.0002e6"] * 2 + ["0.0003e6"] * 2
    results = pd.read_csv(tmp_path / "out" / "figure2_results.csv")
    assert results[["seeds", "iterations"]].to_numpy().tolist() == [["1 2 3", 2]] * 2 + [["1 2", 3]] * 2
    assert results["area to (10^6 steps)"].tolist() == [2e-4] * 2 + [3e-4] * 2


@pytest.mark.filterwarnings("ignore::experiment_utils.runs.results.RunDataWarning")
def test_the_paper_is_met_by_those_seeds_that_got_there(tmp_path):
    steps = {"n_timesteps": [1.6e7, 3.0e7]}
    runs = [
        load_run(write_run(tmp_path / "long", [1.0, 2.0], steps)),
        load_run(write_run(tmp_path / "short", [3.0], {"n_timesteps": [1.6e7]})),
    ]
    curves = {CHEETAH: {"ProMP": mean_curve(runs)}}
    (row,) = figure2.against_paper({CHEETAH: {"ProMP": runs}}).to_dict("records")
    assert (row["ours"], row["seeds"]) == (1.5, 1)
    axes = figure2.draw_panels(curves).axes[0]
    assert axes.get_xlim()[1] > 30
    assert axes.get_title() == "HalfCheetahFwdBack (n=2, dashed 1)"
    assert "of fewer seeds" in [text.get_text() for text in axes.figure.legends[0].get_texts()]


def test_runs_of_another_family_do_not_enter_a_panel(tmp_path):
    write_run(tmp_path / "half_cheetah" / "ProMP" / "seed_1", [1.0])
    write_run(tmp_path / "half_cheetah" / "odd" / "seed_1", [9.0], env="SwimmerRandVelEnv")
    with pytest.warns(RunDataWarning, match="odd/seed_1 has another env than figure 2's HalfCheetahFwdBack; left out"):
        groups = figure2.load_panel(tmp_path, CHEETAH)
    assert {name: len(runs) for name, runs in groups.items()} == {"ProMP": 1}


QUICK = figure3.Variant("quick")


def write_variance_run(folder, name, values, measure_every=10, seed=1, **odd):
    config = LVC_VPG if name == "LVC" else {"algo": "DICEMAML", "outer_type": "dice"}
    settings = {"measure_every": measure_every, "sampling_rounds": 20, "seed": seed, **odd}
    columns = {"Meta-GradientRStd": values, "Meta-GradientCosAbs": [value / 10 for value in values]}
    return write_run(folder, [1.0] * len(values), columns, **config, **settings)


def test_figure_3_shows_the_iterations_that_measured(tmp_path):
    run = load_run(write_variance_run(tmp_path, "LVC", [4.0, 4.0, 8.0, 8.0], measure_every=2))
    measured = figure3.at_measurements(run)
    assert measured.column("Meta-GradientRStd").tolist() == [4, 8]
    table = figure3.results({"LVC": [run]}, {"LVC": [measured]}).to_dict("records")[0]
    assert (table["relative std, mean"], table["cosine distance, mean"], table["rounds R"]) == (6, pytest.approx(0.6), 20)
    assert np.isnan([table["relative std, std over seeds"], table["cosine distance, std over seeds"]]).all()  # of one seed


def test_figure_3s_table_counts_each_measurement_once(tmp_path):
    write_variance_run(tmp_path / "figure3" / "LVC" / "seed_1", "LVC", [4.0] * 10 + [8.0] * 2)
    figure3.draw(tmp_path, tmp_path / "out", QUICK)
    assert pd.read_csv(tmp_path / "out" / "figure3_results.csv")["relative std, mean"].tolist() == [6]


def test_figure_3_shows_each_measurement_as_a_point_and_leads_with_the_cosine_distance(tmp_path):
    runs = [load_run(write_variance_run(tmp_path / str(seed), "LVC", [4.0, 8.0], 1, seed)) for seed in (1, 2)]
    first, second, _ = figure3.draw_panels({"LVC": runs}, {"LVC": runs}, QUICK).axes
    assert "cosine" in first.get_ylabel()
    for axes, values in ((first, [0.4, 0.8]), (second, [4.0, 8.0])):
        points = [line for line in axes.lines if line.get_marker() == "o"]
        np.testing.assert_allclose([line.get_ydata() for line in points], [values, values])


def test_figure_3_compares_the_spreads_of_lvc_and_dice_seed_by_seed(tmp_path):
    for name, shift in (("LVC", 0.0), ("DiCE", 3.0)):
        for seed in (1, 2):
            write_variance_run(tmp_path / "figure3" / name / f"seed_{seed}", name, [2.0 * seed + shift], seed=seed)
    figure3.draw(tmp_path, tmp_path / "out", QUICK)
    table = pd.read_csv(tmp_path / "out" / "figure3_comparisons.csv").set_index("measure")
    assert table["first - second"][["cosine distance", "relative std"]].tolist() == pytest.approx([-0.3, -3.0])


def test_figure_3_compares_the_spreads_as_far_as_both_were_trained(tmp_path):
    for name, values in (("LVC", (2.0, 4.0, 90.0)), ("DiCE", (5.0, 9.0))):
        for seed in (1, 2):
            course = np.repeat(values, 10).tolist()  # of iterations, of which every tenth measures
            write_variance_run(tmp_path / "figure3" / name / f"seed_{seed}", name, course, seed=seed)
    figure3.draw(tmp_path, tmp_path / "out", QUICK)
    table = pd.read_csv(tmp_path / "out" / "figure3_comparisons.csv").set_index("measure")
    assert table["first - second"]["relative std"] == pytest.approx(-4.0)


def test_a_measurement_of_figure_3_that_is_no_number_gives_no_mean(tmp_path):
    run = load_run(write_variance_run(tmp_path, "LVC", [2.0, np.nan], measure_every=1))
    assert np.isnan(figure3.results({"LVC": [run]}, {"LVC": [run]})["relative std, mean"]).all()
    assert all(np.isnan(scores["LVC"]).all() for scores in figure3.spreads_by_measure({"LVC": [run]}).values())


def test_figure_3_of_the_point_mass_has_ten_seeds_in_a_folder_of_its_own(tmp_path):
    runs = figure3.runs(tmp_path, figure3.Variant("quick", "same", "figure3_point"))
    assert {run.settings["env"] for run in runs} == {"MetaPointEnvMomentum"}
    assert [run.settings["seed"] for run in runs[:10]] == list(range(1, 11))
    assert {run.folder.parts[-3] for run in runs} == {"figure3_point"}


def test_the_readmes_picture_is_means_over_seeds_in_at_most_four_curves():
    axes = half_cheetah.draw_readme_figure(n_itr=20).axes[0]
    curves = {line.get_label(): line for line in axes.lines if len(line.get_xdata())}
    assert len(curves) == len(axes.collections) == 4
    for label, runs in (("ProMP", half_cheetah.of_package(20)), ("original code", half_cheetah.of_original(20))):
        ends = [run.column("Step_1-AverageReturn").iloc[-1] for run in runs]
        assert len(ends) >= 3
        curve = curves[f"{label}, after adaptation (n={len(ends)})"]
        assert curve.get_ydata()[-1] == pytest.approx(np.mean(ends))


def test_figure_4_explores_again_when_the_run_has_gone_on(tmp_path, monkeypatch):
    from experiment_utils.paper import explore

    (run, *_), calls = figure4.runs(tmp_path, "smoke"), []
    run.folder.mkdir(parents=True)

    def explored(folder, goal, corners):
        positions = np.full((20, 5, 2), len(calls))
        calls.append(folder)
        return positions, positions + 1, np.zeros((4, len(corners)))

    monkeypatch.setattr(explore, "explored", explored)
    for iterations, seen in ((2, 1), (2, 1), (3, 2)):
        monkeypatch.setattr(figure4, "trained_iterations", lambda folder, iterations=iterations: iterations)
        with np.load(figure4.explore(run)) as picture:
            assert (int(picture["iterations"]), picture["before"].shape, picture["returns"].shape) == (
                iterations,
                (10, 5, 2),
                (4, 4),
            )
            assert picture["after"].max() == len(calls) == seen


def write_explored_run(root, name, seed, returns, iterations=2, before=(0.0,) * 4):
    trpo = {"algo": "TRPOMAML", "num_inner_grad_steps": 3, "env": "MetaPointEnvMomentum"}
    kind = {"inner_type": "likelihood_ratio" if name == "LVC-TRPO" else "log_likelihood", "exploration": "E-MAML" in name}
    folder = write_run(root / "figure4" / name / f"seed_{seed}", [1.0 * seed] * iterations, {}, seed=seed, **trpo, **kind)
    positions = np.full((10, 5, 2), seed / 10)
    table = np.array([before, *[[0.0] * 4] * 2, returns])
    np.savez(folder / "exploration.npz", before=positions, after=positions, returns=table, iterations=iterations)


def test_figure_4_counts_the_corners_that_are_solved_over_seeds_and_shows_the_median_seed(tmp_path):
    solved = {"LVC-TRPO": (1, 4, 2), "TRPO-MAML": (3, 3, 3), "E-MAML-TRPO": (2, 0, 1)}
    for name, counts in solved.items():
        for seed, count in enumerate(counts, start=1):
            before = [11.0] * count + [10.0] * (4 - count)
            write_explored_run(tmp_path, name, seed, [60.0] * count + [50.0] * (4 - count), before=before)
    figure4.draw(tmp_path, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "figure4_corners.csv")
    after = table[table["inner steps"] == 3]
    assert {name: tuple(group["corners solved"]) for name, group in after.groupby("group")} == solved
    assert table[table["inner steps"] == 0]["corners solved"].eq(0).all()
    compared = pd.read_csv(tmp_path / "out" / "figure4_comparisons.csv")
    differences = compared.set_index(["measure", "first", "second"])["first - second"]
    for measure, difference in (("solved", 7 / 3 - 1), ("found", 0.0), ("found before adaptation", 7 / 3 - 1)):
        pair = differences[f"corners {measure}, of 4, after 2 iterations", "LVC-TRPO", "E-MAML-TRPO"]
        assert pair == pytest.approx(difference)
    for name, seed in (("LVC-TRPO", 3), ("E-MAML-TRPO", 3)):
        by_seed = figure4.explorations_by_seed(load_runs([tmp_path / "figure4" / name]))
        assert figure4.median_seed(by_seed).before.max() == seed / 10


def test_figure_4_compares_the_corners_of_seeds_that_all_algorithms_trained_equally_long(tmp_path):
    lengths = {1: (2, 2, 2), 2: (3, 2, 2), 3: (3, 3, 3), 4: (2, 2, 2), 5: (4, 4, 4), 6: (3, 3, 3)}
    for seed, of_names in lengths.items():
        for name, iterations in zip(figure4.TITLES, of_names, strict=True):
            solved = seed == 3 and name == "LVC-TRPO"
            write_explored_run(tmp_path, name, seed, [60.0 * solved, 0.0, 0.0, 0.0], iterations)
    with pytest.warns(RunDataWarning, match="not compared for seed 2, 5; it takes two seeds"):
        figure4.draw(tmp_path, tmp_path / "out")
    compared = pd.read_csv(tmp_path / "out" / "figure4_comparisons.csv").set_index(["measure", "first", "second"])
    for iterations, difference in ((2, 0.0), (3, 0.5)):
        row = compared.loc[f"corners solved, of 4, after {iterations} iterations", "LVC-TRPO", "TRPO-MAML"]
        assert (row["seeds"], row["first - second"]) == (2, difference)
    assert compared.index.get_level_values("measure").str.startswith("corners").sum() == 18
    corners = pd.read_csv(tmp_path / "out" / "figure4_corners.csv")
    assert corners[corners["inner steps"] == 3]["iterations"][:6].tolist() == [2, 3, 3, 2, 4, 3]


def test_figure_4_compares_two_algorithms_where_the_third_has_one_seed_and_names_what_was_not_explored(tmp_path):
    for name, seeds in (("LVC-TRPO", (1, 2)), ("TRPO-MAML", (1, 2)), ("E-MAML-TRPO", (1,))):
        for seed in seeds:
            write_explored_run(tmp_path, name, seed, [60.0, 0.0, 0.0, 0.0])
    (tmp_path / "figure4" / "TRPO-MAML" / "seed_2" / "exploration.npz").unlink()
    with pytest.warns(RunDataWarning, match=r"TRPO-MAML/seed_2: no exploration.npz, so neither in the picture nor"):
        figure4.draw(tmp_path, tmp_path / "out")
    compared = pd.read_csv(tmp_path / "out" / "figure4_comparisons.csv")
    assert set(compared["first"]) == {"LVC-TRPO"}
    assert compared["measure"].str.startswith(("final", "area")).all()


def test_the_arrows_of_the_formulations_are_twice_the_updates():
    rows = [(f, 0.001, i, 0.1 - 0.01 * i, 0.05 + 0.002 * i) for f in ("I", "II") for i in range(7)]
    columns = ["formulation", "learning_rate", "iteration", "theta_0", "theta_1"]
    table = pd.DataFrame(rows, columns=columns).assign(seed=0, clipped=True)
    figure = formulations_plot.draw_updates(table, {"I": 0.001, "II": 0.001})
    arrows = [artist for artist in figure.axes[0].collections if isinstance(artist, Quiver)]
    assert len(arrows) == 2
    for quiver in arrows:
        np.testing.assert_allclose([quiver.U, quiver.V], [[-0.02] * 2, [0.004] * 2])
        np.testing.assert_allclose(quiver.XY, [[0.1, 0.05], [0.07, 0.056]])


def test_figure_4_trains_three_algorithms_with_three_inner_steps(tmp_path):
    runs = figure4.runs(tmp_path, "paper")
    assert len(runs) == 3 * 5
    assert {run.settings["num_inner_grad_steps"] for run in runs} == {3}
    assert {run.settings["env"] for run in runs} == {"MetaPointEnvMomentum"}
    assert {run.settings["n_itr"] for run in runs} == {501}


def test_figure_1_has_the_credit_path_in_red_and_nowhere_else():
    for axes in figure1.draw_graphs().axes:
        red = [patch for patch in axes.patches if to_hex(patch.get_edgecolor()).upper() == figure1.CREDIT]
        assert len(red) == len(figure1.CREDITS[axes.get_title()])


@pytest.mark.parametrize(
    ("draw", "folder"),
    [
        (lambda root, out: figure2.draw(root, out), "half_cheetah/ProMP"),
        (lambda root, out: figure3.draw(root, out, QUICK), "figure3/LVC"),
        (lambda root, out: figure4.draw(root, out), "figure4/LVC-TRPO"),
    ],
)
def test_nothing_is_drawn_from_no_data_or_from_broken_data_alone(tmp_path, draw, folder):
    root, out = tmp_path / "data", tmp_path / "out"
    with pytest.raises(InvalidRunError, match="there is no run of the figure below"):
        draw(root, out)
    (root / folder / "seed_1").mkdir(parents=True)
    (root / folder / "seed_1" / "params.json").write_text("{")
    with pytest.warns(RunDataWarning, match="skipped"), pytest.raises(InvalidRunError, match="there is no run"):
        draw(root, out)
    assert not out.exists()


def test_a_run_without_the_columns_of_the_figure_is_left_out(tmp_path):
    write_run(tmp_path / "half_cheetah" / "ProMP" / "seed_1", [1.0])
    odd = write_run(tmp_path / "half_cheetah" / "ProMP" / "seed_2", [9.0], seed=2) / "progress.csv"
    odd.write_text(odd.read_text().replace("Step_1-AverageReturn", "Return"))
    with pytest.warns(RunDataWarning, match=r"seed_2.* has no column 'Step_1-AverageReturn'.*skipped"):
        assert [run.config["seed"] for run in figure2.load_panel(tmp_path, CHEETAH)["ProMP"]] == [1]


def test_a_run_with_other_settings_does_not_enter_a_panel(tmp_path):
    write_run(tmp_path / "half_cheetah" / "ProMP" / "seed_1", [1.0], physics="paper", inner_lr=0.1, hidden_sizes=[64, 64])
    trpo = {"algo": "TRPOMAML", "inner_type": "log_likelihood", "exploration": False}
    write_run(tmp_path / "half_cheetah" / "TRPO-MAML" / "seed_1", [1.0], **trpo, hvp="finite_difference")
    odd_settings = [{"physics": "modern"}, {"inner_lr": 0.2}, {"hidden_sizes": [8], "discount": 0.5}]
    for seed, odd in enumerate(odd_settings, start=2):
        write_run(tmp_path / "half_cheetah" / "ProMP" / f"seed_{seed}", [9.0], seed=seed, **odd)
    with pytest.warns(RunDataWarning) as caught:
        groups = figure2.load_panel(tmp_path, CHEETAH)
    assert {name: [run.config["seed"] for run in runs] for name, runs in groups.items()} == {"ProMP": [1]}
    differing = ["physics", "inner_lr", "discount, hidden_sizes", "hvp"]
    wanted = [f"another {names} than figure 2's HalfCheetahFwdBack; left out" for names in differing]
    assert [str(warning.message).partition(" has ")[2] for warning in caught] == wanted


def test_the_smoke_budget_draws_its_small_runs_and_no_other_does(tmp_path):
    write_run(tmp_path / "half_cheetah" / "ProMP" / "seed_1", [1.0], hidden_sizes=[8], meta_batch_size=2)
    assert list(figure2.load_panel(tmp_path, CHEETAH, "smoke")) == ["ProMP"]
    with pytest.warns(RunDataWarning, match="has another hidden_sizes, meta_batch_size"):
        assert not figure2.load_panel(tmp_path, CHEETAH)


def test_a_seed_is_drawn_once_and_half_a_copy_never(tmp_path):
    panel = tmp_path / "half_cheetah" / "ProMP"
    for name in ("seed_1", "seed_1_backup", ".seed_1.partial"):
        write_run(panel / name, [1.0])
    with pytest.warns(RunDataWarning) as caught:
        (run,) = figure2.load_panel(tmp_path, CHEETAH)["ProMP"]
    assert run.path == panel / "seed_1"
    assert [str(warning.message) for warning in caught] == [
        f"{panel / 'seed_1_backup'} has the seed of {panel / 'seed_1'}; left out"
    ]


def test_figures_3_and_4_have_runs_of_one_experiment_only(tmp_path):
    write_variance_run(tmp_path / "figure3" / "LVC" / "seed_1", "LVC", [4.0])
    write_variance_run(tmp_path / "figure3" / "LVC" / "seed_2", "LVC", [9.0], seed=2, sampling_rounds=200)
    with pytest.warns(RunDataWarning, match="seed_2 has another sampling_rounds than figure 3; left out"):
        figure3.draw(tmp_path, tmp_path / "out", QUICK)
    trpo = {"algo": "TRPOMAML", "inner_type": "likelihood_ratio", "exploration": False, "num_inner_grad_steps": 3}
    for seed, env in enumerate(["MetaPointEnvMomentum", "SwimmerRandVelEnv"], start=1):
        write_run(tmp_path / "figure4" / "LVC-TRPO" / f"seed_{seed}", [1.0], env=env, seed=seed, **trpo)
    with pytest.warns(RunDataWarning, match="seed_2 has another env than figure 4; left out"):
        figure4.draw(tmp_path, tmp_path / "out")


def test_a_run_that_measured_nothing_does_not_enter_figure_3(tmp_path):
    write_variance_run(tmp_path / "figure3" / "LVC" / "seed_1", "LVC", [4.0])
    write_run(
        tmp_path / "figure3" / "LVC" / "seed_2",
        [9.0],
        {"Meta-GradientRStd": [9.0], "Meta-GradientCosAbs": [0.5]},
        seed=2,
        **LVC_VPG,
    )
    with pytest.warns(RunDataWarning, match="seed_2 is no run of figure 3"):
        written = figure3.draw(tmp_path, tmp_path / "out", QUICK)
    assert "| LVC | 1 | 1 |" in next(path for path in written if path.name == "figure3_results.md").read_text()


def test_figure_3_keeps_budgets_and_kinds_of_tasks_apart(tmp_path):
    kinds = [(budget, tasks) for budget in ("quick", "paper") for tasks in ("same", "previous")]
    folders = {figure3.Variant(*kind).folder(tmp_path) for kind in kinds}
    assert {path.name for path in folders} == {"figure3", "figure3_paper", "figure3_previous", "figure3_paper_previous"}
    assert {run.folder.parts[-3] for run in figure3.runs(tmp_path, figure3.Variant("quick", "previous"))} == {
        "figure3_previous"
    }


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda _: b"", lambda _: b"PK\x03\x04 no", lambda _: NPY]
)
def test_figure_4_leaves_out_broken_positions(tmp_path, damage):
    for seed in (1, 2):
        folder = write_run(tmp_path / f"seed_{seed}", [1.0], seed=seed)
        positions = {"before": np.zeros((2, 5, 2)), "after": np.ones((2, 5, 2))}
        np.savez(folder / "exploration.npz", **positions, returns=np.zeros((4, 4)), iterations=seed)
    broken = tmp_path / "seed_1" / "exploration.npz"
    broken.write_bytes(damage(broken.read_bytes()))
    with pytest.warns(RunDataWarning, match=r"seed_1/exploration.npz can't be read"):
        assert list(figure4.explorations_by_seed([load_run(tmp_path / f"seed_{seed}") for seed in (2, 1)])) == [2]


@pytest.mark.parametrize("content", ["", "date,price\n1,2\n", "\x00\x01", "formulation,learning_rate\nI,x\n"])
def test_a_broken_table_of_the_formulations_is_named(tmp_path, content):
    (tmp_path / "formulations").mkdir()
    (tmp_path / "formulations" / "thetas.csv").write_text(content)
    with pytest.raises(InvalidRunError, match=r"thetas.csv is not what reproduce.py formulations writes"):
        formulations_plot.draw(tmp_path, tmp_path / "out")


@pytest.mark.usefixtures("eagerly")
def test_figure_4_shows_the_runs_last_policy_before_and_after_adaptation(tmp_path, monkeypatch):
    from experiment_utils.paper import explore
    from tests.experiment_utils.small_runs import small, untrained

    monkeypatch.setattr(explore, "configure_tensorflow", lambda: None)  # the tests have loaded it
    untrained(tmp_path, small(env="MetaPointEnvMomentum", num_inner_grad_steps=2, rollouts_per_meta_task=3))
    before, after, returns = explore.explored(tmp_path, figure4.GOAL, figure4.CORNERS)
    assert before.shape == after.shape == (3, 6, 2)
    assert not np.array_equal(before[:, 1:], after[:, 1:])
    assert returns.shape == (3, 4)
