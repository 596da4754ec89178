"""The committed runs say what the documentation says of them."""

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import yaml

from experiment_utils.evaluation.trained_policy import TrainedPolicy, load_trained
from experiment_utils.paper import figure2, figure3
from experiment_utils.paper.figure4 import CORNERS, explorations_by_seed
from experiment_utils.paper.reproduce import Figure2, Figure3, Figure3Point, Figure4, Formulations
from experiment_utils.paper.run_theta_at_start import TABLE, prediction_table
from experiment_utils.plot_utils import COLUMN
from experiment_utils.runs.curves import mean_curve
from experiment_utils.runs.results import load_runs
from meta_policy_search.envs.base import Task
from meta_policy_search.policies.base import stack_params
from meta_policy_search.samplers.meta_sample_processor import task_returns

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
RUNS = sorted(path.parent for path in RESULTS.glob("*/*/seed_*/params.json"))
PRETRAINED = sorted(path.parent for path in RESULTS.glob("*/*/seed_*/CARD.md"))


def column(run: Path, name: str) -> list[float]:
    return [float(row[name]) for row in rows_of(run / "progress.csv")]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def returns_by_task(trained: TrainedPolicy, tasks: Sequence[Task], steps: int) -> np.ndarray:
    """Mean return before and after each adaptation step, [steps + 1, tasks]."""
    theta = stack_params(trained.components.algo.policy.theta, len(tasks))
    with trained.tester(tasks) as tester:
        rounds = tester.rounds(theta, steps, np.random.default_rng(1))
        return np.array([[episodes.mean() for episodes in task_returns(found.trajectories)] for found in rounds])


def width(picture: Path) -> float:
    """Of a PDF's first page, in inches."""
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ", picture.read_bytes())
    assert box is not None
    return float(box[1]) / 72


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "figures").glob("*.pdf")), ids=lambda path: path.stem)
def test_each_figure_fits_a_papers_column_or_has_a_version_that_does(picture):
    narrow = picture if width(picture) <= 3.25 else picture.with_stem(f"{picture.stem}_column")
    assert width(narrow) <= 3.25


def test_titles_labels_and_legends_are_within_the_picture():
    data = {panel: figure2.load_panel(RESULTS, panel) for panel in figure2.PANELS}
    curves = {panel: {name: mean_curve(runs) for name, runs in groups.items()} for panel, groups in data.items()}
    spreads = {name: load_runs([RESULTS / "figure3" / name]) for name in SPREAD}
    variant = figure3.Variant("quick")
    for picture in (
        figure2.draw_panels(curves),
        figure2.draw_panels(curves, COLUMN, paper_axes=False),
        figure3.draw_panels(spreads, spreads, variant),
    ):
        picture.set_dpi(200)  # of the PNG
        picture.canvas.draw()
        texts = [text for axes in picture.axes for text in (axes.title, axes.xaxis.label, axes.yaxis.label)]
        texts += picture.legends[0].get_texts()
        places = [text.get_window_extent() for text in texts if text.get_text()]
        right, top = picture.canvas.get_width_height()
        assert not [box for box in places if min(box.x0, box.y0) < 0 or box.x1 > right or box.y1 > top]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_promp_learns_half_cheetah_in_30_iterations(seed):
    run = RESULTS / "half_cheetah" / "ProMP" / f"seed_{seed}"
    before, after = (column(run, f"Step_{step}-AverageReturn")[:30] for step in (0, 1))
    assert len(after) == 30
    assert after[-1] > 50
    assert all(-25 < value < 25 for value in before)


def test_promp_learns_half_cheetah_over_its_seeds():
    rows = [column(RESULTS / "half_cheetah" / "ProMP" / f"seed_{seed}", "Step_1-AverageReturn")[29] for seed in (1, 2, 3)]
    assert np.mean(rows) > 75


def test_the_table_of_the_starting_points_is_that_of_the_runs():
    """docs/results.md on ProMP: either code takes the course that belongs to the theta that it starts from."""
    courses = {}
    for row in rows_of(RESULTS / "original_code" / "crossed.csv"):
        courses.setdefault(row["run"], []).append(row)
    of_original = [rows_of(RESULTS / "original_code" / f"promp_half_cheetah_seed_{seed}.csv") for seed in (1, 2, 3)]
    runs = [RESULTS / "half_cheetah" / "ProMP" / f"seed_{seed}" for seed in range(1, 9)]
    of_package = [rows_of(run / "progress.csv") for run in runs]
    found = [courses[f"this package from {theta}"] for theta in FROM_THE_ORIGINAL]
    found = [[round(unevenness(rows), 2) for rows in group] for group in (of_original, found, of_package)]
    assert found == [[0.36, 0.45, 0.59], [0.55, 0.59, 0.5], [0.93, 0.97, 1.08, 0.69, 1.07, 0.3, 0.52, 0.79]]
    assert scipy.stats.mannwhitneyu(found[0], found[2], method="exact").pvalue == pytest.approx(0.13, abs=0.005)
    averages = [np.mean([float(row["Step_1-AverageReturn"]) for row in rows[106:116]]) for rows in of_package]
    assert [round(average) for average in averages] == [215, 168, 166, 239, 201, 179, 211, 224]
    assert round(unevenness(courses["original code from this package's theta and tasks of seed 1 (second run)"]), 2) == 1.08


def test_promp_beside_the_paper_and_the_original_code_is_as_the_text_says():
    """docs/results.md: what differs is when learning begins, and that does not go with where it ends."""

    def means(algorithm: str, part: slice, name: str = "Step_1-AverageReturn") -> np.ndarray:
        runs = [RESULTS / "half_cheetah" / algorithm / f"seed_{seed}" for seed in range(1, 9)]
        return np.array([np.mean(column(run, name)[part]) for run in runs])

    def of_original(part: slice) -> list[float]:
        tables = [pd.read_csv(RESULTS / "original_code" / f"promp_half_cheetah_seed_{seed}.csv") for seed in (1, 2, 3)]
        return [table["Step_1-AverageReturn"][part].mean() for table in tables if len(table) >= part.stop]

    early, later, last = slice(20, 30), slice(106, 116), slice(190, 200)
    assert means("ProMP", early).round().tolist() == [92, 65, 40, 38, 64, 14, 5, 38]
    for part, p_value in ((early, 0.02), (later, 0.09)):
        test = scipy.stats.mannwhitneyu(of_original(part), means("ProMP", part), method="exact")
        assert round(test.pvalue, 2) == p_value
    finals = means("ProMP", last)
    assert round(scipy.stats.spearmanr(means("ProMP", early), finals).statistic, 2) == -0.07
    paper = pd.read_csv(ROOT / "docs" / "figures" / "figure2_paper.csv").set_index(["panel", "algorithm"])["paper"]
    p_values = {}
    for name in ("ProMP", "TRPO-MAML", "E-MAML-TRPO", "LVC-VPG", "E-MAML-VPG"):
        ours = means(name, slice(177, 187))
        error = ours.std(ddof=1) * np.sqrt(1 / 8 + 1 / 3)  # the paper's three seeds may spread as ours do
        t = (ours.mean() - paper["HalfCheetahFwdBack", name]) / error
        p_values[name] = round(2 * scipy.stats.t.sf(abs(t), 7), 2)
    assert list(p_values.values()) == [0.18, 0.47, 0.69, 0.85, 0.04]
    one_way = {name: means(name, last, "Step_0-StdReturn") for name in p_values}
    assert [round(values.mean()) for values in one_way.values()] == [133, 29, 30, 121, 58]
    assert round(scipy.stats.spearmanr(one_way["ProMP"], finals).statistic, 2) == 0.12


def test_thetas_with_shared_draws_are_neither_fast_nor_even():
    """docs/results.md on ProMP: a shared stream of initial draws doesn't explain the original's courses."""
    shared = [
        rows_of(RESULTS / "ablations" / "ProMP_shared_stream" / f"seed_{seed}" / "progress.csv") for seed in (1, 2, 3, 4)
    ]
    original = [rows_of(RESULTS / "original_code" / f"promp_half_cheetah_seed_{seed}.csv") for seed in (1, 2, 3)]
    early = [
        [np.mean([float(row["Step_1-AverageReturn"]) for row in rows[20:30]]) for rows in runs]
        for runs in (shared, original)
    ]
    assert [[round(mean) for mean in means] for means in early] == [[72, 39, 53, 70], [85, 93, 111]]
    assert [round(unevenness(rows), 2) for rows in shared] == [0.44, 0.24, 0.86, 1.06]


FROM_THE_ORIGINAL = (
    "a theta of the original's with seed 1",
    "the original's theta and tasks of seed 2",
    "the original's theta of seed 3",
)


def unevenness(rows: Sequence[dict[str, str]]) -> float:
    """Deviation / mean of the return after adaptation, averaged while the mean first goes from 20 to 40."""
    course = [(float(row["Step_1-AverageReturn"]), float(row["Step_1-StdReturn"])) for row in rows]
    until = next((itr for itr, (mean, _) in enumerate(course) if mean > 40), len(course))
    return float(np.mean([std / mean for mean, std in course[:until] if mean >= 20]))


@pytest.mark.parametrize("algorithm", ["ProMP", "TRPO-MAML", "E-MAML-TRPO", "LVC-VPG", "E-MAML-VPG"])
def test_the_table_of_half_cheetah_is_that_of_the_runs(algorithm):
    """docs/results.md: means of the last ten iterations before 16 and 30 million steps, these as in figure2_paper.md."""
    runs = sorted((RESULTS / "half_cheetah" / algorithm).iterdir())
    cells, columns = [], [column(run, "Step_1-AverageReturn") for run in runs]
    for n_itr in (100, 187):
        finals = [np.mean(returns[n_itr - 10 : n_itr]) for returns in columns if len(returns) >= n_itr]
        cells.append(f"{np.mean(finals):.0f} ({', '.join(f'{final:.0f}' for final in finals)})")
    assert f"| {algorithm} | {' | '.join(cells)} |" in (ROOT / "docs" / "results.md").read_text()
    table = pd.read_csv(ROOT / "docs" / "figures" / "figure2_paper.csv").set_index(
        ["panel", "algorithm", "env steps (10^6)"]
    )
    assert table["ours"]["HalfCheetahFwdBack", algorithm, 30.0] == pytest.approx(np.mean(finals))


def comparisons(measure: str) -> pd.DataFrame:
    """The pairs of algorithms on half-cheetah on one measure, up to 32 million env steps, with eight seeds."""
    table = pd.read_csv(ROOT / "docs" / "figures" / "figure2_comparisons.csv")
    chosen = table["measure"].str.startswith(measure) & table["measure"].str.contains(" 32e6 steps")
    return table[chosen & table["seeds"].eq(8)].set_index(["first", "second"])


@pytest.mark.parametrize(("first", "second"), [("ProMP", "TRPO-MAML"), ("LVC-VPG", "E-MAML-VPG"), ("TRPO-MAML", "LVC-VPG")])
def test_the_effects_of_the_claims_are_those_of_the_comparisons(first, second):
    final, area = (comparisons(measure).loc[(first, second)] for measure in ("final", "area"))
    effects = f"{first} - {second} to 32: final {final['first - second']:.0f}, area {area['first - second']:.0f}"
    intervals = ", ".join(f"{row['Tukey low']:.0f} to {row['Tukey high']:.0f}" for row in (final, area))
    assert f"{effects} | {intervals} | 8 |" in (ROOT / "docs" / "results.md").read_text()


def test_the_finals_of_eight_seeds_are_those_of_the_runs():
    """README.md and docs/measured.md: ProMP's and TRPO-MAML's last ten of 200 iterations; docs/results.md: who is ahead."""
    finals = {
        name: np.array(
            [
                np.mean(column(RESULTS / "half_cheetah" / name / f"seed_{seed}", "Step_1-AverageReturn")[190:200])
                for seed in range(1, 9)
            ]
        )
        for name in ("ProMP", "TRPO-MAML")
    }
    promp, trpo = (f"{found.mean():.0f} ({found.min():.0f} to {found.max():.0f})" for found in finals.values())
    assert f"mean of the last ten, seeds 1 to 8 | {promp}; TRPO-MAML {trpo}." in (ROOT / "README.md").read_text()
    assert f"TRPO-MAML's at {trpo}" in (ROOT / "docs" / "measured.md").read_text()
    ahead = [seed for seed, difference in enumerate(finals["ProMP"] - finals["TRPO-MAML"], start=1) if difference > 0]
    assert ahead == [3, 4, 5, 8]
    assert round(finals["TRPO-MAML"][7]) == 91


@pytest.mark.parametrize("algorithm", ["ProMP", "TRPO-MAML", "E-MAML-TRPO", "LVC-VPG", "E-MAML-VPG"])
def test_the_ant_reaches_the_papers_first_value_as_the_results_say(algorithm):
    before, after = (column(RESULTS / "ant" / algorithm / "seed_1", f"Step_{step}-AverageReturn")[70:80] for step in (0, 1))
    row = (
        pd.read_csv(ROOT / "docs" / "figures" / "figure2_paper.csv")
        .set_index(["panel", "algorithm"])
        .loc["AntRandDir", algorithm]
    )
    text = f"| {algorithm} | {row['ours']:.0f} | {row['paper']:.0f} | {np.mean(after) - np.mean(before):.0f} |"
    assert text in (ROOT / "docs" / "results.md").read_text()
    assert f"{algorithm} {row['ours']:.0f} ({row['paper']:.0f})" in (ROOT / "README.md").read_text()
    assert abs(row["ours"] - row["paper"]) < 4


def test_the_probability_of_improvement_is_that_of_the_comparisons():
    """docs/results.md: how likely a run of ProMP ends above one of TRPO-MAML."""
    row = comparisons("final").loc[("ProMP", "TRPO-MAML")]
    chance = f"one of TRPO-MAML is {row['P(first > second)']:.2f} ({row['P low']:.2f} to {row['P high']:.2f})"
    assert chance in " ".join((ROOT / "docs" / "results.md").read_text().split())


def test_figure_3_on_half_cheetah_is_what_the_text_says():
    """docs/results.md: spreads and returns of two seeds, and DiCE with a step of LVC's length."""
    text = " ".join((ROOT / "docs" / "results.md").read_text().split())
    table = pd.read_csv(ROOT / "docs" / "figures" / "figure3_comparisons.csv").set_index("measure")
    cosine, deviation = table.loc["cosine distance"], table.loc["relative std"]
    assert [round(cosine[name], 2) for name in ("first - second", "Tukey low", "Tukey high")] == [-0.51, -0.92, -0.11]
    assert [round(deviation[name]) for name in ("first - second", "Tukey low", "Tukey high")] == [-20, -32, -8]
    final, area = (table[table.index.str.startswith(name)].iloc[0] for name in ("final", "area"))
    intervals = ", ".join(f"{row['Tukey low']:.0f} to {row['Tukey high']:.0f}" for row in (final, area))
    effects = f"final {final['first - second']:.0f}, area {area['first - second']:.0f}; point mass"
    assert effects in text
    assert f"| {intervals}; -2.2 to 4.4 | 2; 10 |" in text
    found = pd.read_csv(ROOT / "docs" / "figures" / "figure3_results.csv").set_index("group")
    assert found["cosine distance, mean"].round(2).tolist() == [0.16, 0.67]
    assert found["relative std, mean"].round(1).tolist() == [6.0, 26.2]
    first = [column(RESULTS / "figure3" / name / f"seed_{n}", "Meta-GradientCosAbs")[0] for n in (1, 2) for name in SPREAD]
    assert np.round(first, 2).tolist() == [0.24, 0.29, 0.61, 0.49]
    runs = [RESULTS / "ablations" / "DiCE_shorter_step", RESULTS / "figure3" / "LVC", RESULTS / "figure3" / "DiCE"]
    courses = [column(run / "seed_1", "Step_1-AverageReturn") for run in runs]
    assert [[round(np.mean(course[part])) for course in courses] for part in (slice(10, 20), slice(90, 100))] == [
        [17, 10, 43],
        [100, 123, 90],
    ]


SPREAD = ("LVC", "DiCE")


def test_on_the_point_mass_lvcs_meta_gradient_is_steadier_with_each_seed():
    """docs/results.md: cosine distances at every theta that both were measured at, and what the comparison says."""
    runs = [RESULTS / "figure3_point" / name / f"seed_{seed}" for name in ("LVC", "DiCE") for seed in range(1, 11)]
    together = pd.concat([pd.read_csv(run / "same_theta.csv").assign(run=str(run)) for run in runs])
    found = together.set_index(["run", "itr", "estimator"])["Meta-GradientCosAbs"].unstack()
    assert len(found) == 60
    assert (found["LVC"] < found["DiCE"]).all()
    means = (
        found.assign(course=["LVC" if "/LVC/" in run else "DiCE" for run, _ in found.index])
        .groupby(["course", "itr"])
        .mean()
    )
    assert [(round(means[name].min(), 2), round(means[name].max(), 2)) for name in ("LVC", "DiCE")] == [
        (0.09, 0.16),
        (0.56, 0.69),
    ]
    table = pd.read_csv(ROOT / "docs" / "figures" / "figure3_point_comparisons.csv").set_index("measure")
    cosine, deviation = table.loc["cosine distance"], table.loc["relative std"]
    assert [round(cosine[name], 2) for name in ("first - second", "Tukey low", "Tukey high")] == [-0.51, -0.53, -0.49]
    assert [round(deviation[name]) for name in ("first - second", "Tukey low", "Tukey high")] == [-22, -36, -8]
    assert cosine["Tukey p"] < 0.001
    assert (round(deviation["Tukey p"], 3), round(deviation["permutation p"], 3)) == (0.005, 0.002)
    final = table[table.index.str.startswith("final")].iloc[0]
    assert (round(final["first - second"], 1), round(final["Tukey p"], 2)) == (1.1, 0.47)


def p_text(p: float) -> str:
    return "p < 0.001" if p < 0.0005 else f"p = {p:.3f}" if p < 0.01 else f"p = {p:.2f}"


def test_the_pairs_that_differ_are_those_that_the_text_names():
    """docs/results.md: beyond chance each of the first three is above both VPG methods on the area, and nothing else is."""
    text = " ".join((ROOT / "docs" / "results.md").read_text().split())
    final, area = comparisons("final"), comparisons("area")
    assert final["Tukey p"].min() > 0.05
    assert f"(p = {final['p of all alike'].iloc[0]:.2f} that all five are alike)" in text
    assert f"({p_text(area['p of all alike'].iloc[0])} that all five are alike)" in text
    differing = area[area["Tukey p"] < 0.05]
    assert (differing["first - second"] > 0).all()
    assert set(differing.index.get_level_values("second")) == {"LVC-VPG", "E-MAML-VPG"}
    for second, rows in differing["Tukey p"].groupby("second"):
        named = ", ".join(f"{first} {p_text(p)}" for (first, _), p in rows.items())
        assert f"above {second} ({named})" in text
    pair = final.loc[("ProMP", "LVC-VPG")]
    interval = f"{pair['Tukey low']:.0f} to {pair['Tukey high']:.0f}"
    assert (
        f"({pair['first - second']:.0f} on average; exact permutation test of this pair alone: "
        f"{p_text(pair['permutation p'])}; Tukey's interval for all ten pairs: {interval})"
    ) in text


@pytest.mark.parametrize("algorithm", sorted(path.name for path in (RESULTS / "half_cheetah").iterdir() if path.is_dir()))
def test_the_measured_table_of_all_algorithms_is_that_of_the_runs(algorithm):
    run = RESULTS / "half_cheetah" / algorithm / "seed_1"
    before, after = (column(run, f"Step_{step}-AverageReturn")[29] for step in (0, 1))
    assert f"| {algorithm} | {before:.1f} | {after:.1f} |" in (ROOT / "docs" / "measured.md").read_text()


@pytest.mark.parametrize("panel", ["hopper_params", "walker_params", "walker", "humanoid", "ant"])
def test_the_table_of_the_other_panels_is_that_of_the_runs(panel):
    """docs/results.md: where the runs begin, and the mean of their last ten iterations."""
    algorithms = ["ProMP", "TRPO-MAML", "E-MAML-TRPO", "LVC-VPG", "E-MAML-VPG"]
    runs = [RESULTS / panel / algorithm / "seed_1" for algorithm in algorithms]
    courses = [column(run, "Step_1-AverageReturn") if run.exists() else [] for run in runs]
    cells = [f"{np.mean(course[:30][-10:]):.0f}" if course else "" for course in courses]
    row = " | ".join([PANELS[panel], f"{courses[0][0]:.0f}", *cells])
    assert " ".join(f"| {row} |".split()) in (ROOT / "docs" / "results.md").read_text()


PANELS = {
    "hopper_params": "HopperRandParams",
    "walker_params": "WalkerRandParams",
    "walker": "WalkerFwdBack",
    "humanoid": "HumanoidRandDir",
    "ant": "AntRandDir",
}


@pytest.mark.parametrize("run", RUNS, ids=lambda run: "-".join(run.parts[-3:]))
def test_a_committed_run_is_whole(run):
    config = json.loads((run / "params.json").read_text())["config"]
    assert f"seed_{config['seed']}" == run.name
    assert column(run, "Itr") == list(range(len(column(run, "Itr"))))
    steps = config["meta_batch_size"] * config["rollouts_per_meta_task"] * config["max_path_length"]
    rounds = config["num_inner_grad_steps"] + 1
    assert column(run, "n_timesteps")[-1] == len(column(run, "Itr")) * steps * rounds


@pytest.mark.parametrize("figure", [Figure2, Figure3, Figure3Point, Figure4, Formulations], ids=lambda figure: figure.name)
def test_the_documented_tables_are_those_of_the_committed_runs(tmp_path, figure):
    """`reproduce.py <figure> --plot-only` was run after the last change of results/."""
    written = figure(plot_only=True).draw(tmp_path)
    tables = [path for path in written if path.suffix == ".csv"]
    assert tables
    for path in tables:
        pd.testing.assert_frame_equal(pd.read_csv(path), pd.read_csv(ROOT / "docs" / "figures" / path.name), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("run", PRETRAINED, ids=lambda run: "-".join(run.parts[-3:]))
def test_the_metadata_of_a_card_says_what_its_table_and_its_run_say(run):
    """The front matter is what model hubs read."""
    _, front, card = (run / "CARD.md").read_text().split("---\n", 2)
    (entry,) = yaml.safe_load(front)["model-index"]
    (result,) = entry["results"]
    assert result["dataset"]["type"] == json.loads((run / "params.json").read_text())["config"]["env"]
    before, after = (metric["value"] for metric in result["metrics"])
    assert f"| none | {before} |" in card
    assert f"| one step on 20 rollouts | {after} |" in card


@pytest.mark.parametrize("run", PRETRAINED, ids=lambda run: "-".join(run.parts[-3:]))
def test_the_code_of_a_card_loads_its_policy(run, monkeypatch):
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(r"```python\n(.*?)```", (run / "CARD.md").read_text(), re.DOTALL)
    names: dict = {}
    exec(code, names)
    assert names["trained"].itr == load_trained(run).itr


@pytest.mark.parametrize("run", PRETRAINED, ids=lambda run: "-".join(run.parts[-3:]))
def test_a_pretrained_policy_adapts(run):
    """In a few tasks it comes near to what its card and its run say: far from what it does unadapted."""
    trained = load_trained(run)
    before, after = returns_by_task(trained, trained.sample_tasks(6, np.random.default_rng(1)), steps=1).mean(axis=1)
    logged = {step: column(run, f"Step_{step}-AverageReturn")[trained.itr] for step in (0, 1)}
    gain = logged[1] - logged[0]
    assert abs(before - logged[0]) < gain / 3
    assert abs(after - logged[1]) < gain / 3


@pytest.mark.slow
def test_lvc_and_maml_adapt_to_the_corners_that_the_results_say():
    """Figure 4's policies: LVC finds two corners before adaptation; MAML never visits one and never learns it."""
    corners = [np.array(corner) for corner in ((-2.0, -2.0), (2.0, -2.0), (2.0, 2.0))]
    returns = {
        name: returns_by_task(load_trained(RESULTS / "figure4" / name / "seed_1", "last"), corners * 2, steps=3)
        for name in ("LVC-TRPO", "TRPO-MAML")
    }
    of_lvc, of_maml = (returns[name].reshape(4, 2, 3).mean(axis=1) for name in ("LVC-TRPO", "TRPO-MAML"))
    assert of_lvc[0, :2].min() > 10
    assert of_lvc[3, :2].min() > 60
    assert of_maml[0].max() < 2
    assert of_maml[3, 0] > 100
    assert of_maml[3, 2] < 1
    tables = explorations_by_seed(load_runs([RESULTS / "figure4" / "LVC-TRPO"]))
    kept = dict(zip(CORNERS, tables[1].returns[3], strict=True))
    np.testing.assert_allclose([kept[-2, -2], kept[2, -2]], of_lvc[3, :2], rtol=0.3)


@pytest.mark.parametrize(
    ("algorithm", "before", "solved", "found"),
    [("LVC-TRPO", 12, 16, 20), ("TRPO-MAML", 3, 11, 11), ("E-MAML-TRPO", 3, 11, 11)],
)
def test_the_corners_that_the_results_count_are_those_of_figure_4s_table(algorithm, before, solved, found):
    table = pd.read_csv(ROOT / "docs" / "figures" / "figure4_corners.csv")
    of_steps = {
        steps: rows.filter(like="return at") for steps, rows in table[table["group"] == algorithm].groupby("inner steps")
    }
    assert {steps: returns.shape for steps, returns in of_steps.items()} == {0: (5, 4), 3: (5, 4)}
    assert (of_steps[0] > 10).to_numpy().sum() == before
    assert (of_steps[3] > 50).to_numpy().sum() == solved
    assert (of_steps[3] > 10).to_numpy().sum() == found


def test_what_predicts_promps_course_is_what_the_kept_table_says():
    found = prediction_table(pd.read_csv(TABLE)).set_index("measure").round(2)
    columns = ["seeds that choose (n=8)", "seeds that test (n=10)"]
    assert found.loc["signal", [*columns, "p, seeds that test"]].tolist() == [0.88, 0.66, 0.04]
    assert found[columns[0]].abs().idxmax() == "signal"
    others = {"worse_gain": [0.62, 0.78], "drift": [0.74, 0.05], "imbalance": [-0.86, -0.14]}
    assert {name: found.loc[name, columns].tolist() for name in others} == others


@pytest.mark.slow
@pytest.mark.parametrize(("run", "low", "high"), [("ProMP/seed_1", 120, 300), ("TRPO-MAML/seed_1", 0, 80)])
def test_before_adaptation_promp_runs_one_way_and_trpo_maml_does_not(run, low, high):
    returns = returns_by_task(load_trained(RESULTS / "half_cheetah" / run, "last"), [1.0, -1.0] * 3, steps=1)
    (forward, backward), adapted = returns.reshape(2, 3, 2).mean(axis=1)[0], returns[1]
    assert low < abs(forward - backward) / 2 < high
    assert np.median(adapted) > 150


@pytest.mark.parametrize(("family", "seeds"), [("momentum", 5), ("corner", 5), ("half_cheetah_vel", 3)])
@pytest.mark.parametrize("policy", ["ProMP", "all tasks", "random initialisation"])
def test_the_table_of_the_baselines_is_that_of_the_runs(policy, family, seeds):
    rows = {"ProMP": "ProMP", "all tasks": "all_tasks", "random initialisation": "ProMP"}
    amounts = [("inner steps", 0, 0), ("inner steps", 1, 20), ("inner steps", 3, 60), ("PPO", 30, 600), ("TRPO", 30, 600)]
    means: dict[tuple, list] = {amount: [] for amount in amounts}
    for seed in range(1, seeds + 1):
        table = pd.read_csv(RESULTS / "baselines" / family / rows[policy] / f"seed_{seed}" / "adaptation.csv")
        own = table[table["policy"] == policy].groupby(["adapted by", "updates", "rollouts"])["return"].mean()
        for amount in amounts:
            means[amount].append(own[amount])
    cells = []
    for values in means.values():
        half = scipy.stats.t.ppf(0.975, seeds - 1) * np.std(values, ddof=1) / np.sqrt(seeds)
        cells.append(f"{np.mean(values):.4g} ± {half:.2g}")
    assert f"| {policy} | {' | '.join(cells)} |" in (ROOT / "docs" / "baselines.md").read_text(encoding="utf-8")
