"""The pictures of the variants and of Meta-World show the committed runs."""

import pandas as pd
import pytest

from experiment_utils.paper.variants import COLOURS, REACH, draw_reach, draw_variants, runs_by_name
from experiment_utils.places import FIGURES, RESULTS


def test_the_table_of_the_variants_is_of_the_last_ten_iterations_of_their_runs():
    table = pd.read_csv(FIGURES / "variants_results.csv").set_index("group")
    assert list(table.index) == list(COLOURS)
    for name in COLOURS:
        paths = sorted((RESULTS / "variants" / name).glob("seed_*/progress.csv"))
        last = [pd.read_csv(path)["Step_1-AverageReturn"][40:50].mean() for path in paths]
        assert len(str(table.loc[name, "seeds"]).split()) == len(paths) == 3
        assert table.loc[name, "final return (last 10 iterations)"] == pytest.approx(sum(last) / len(last))


def test_each_variant_has_its_curve():
    (axes,) = draw_variants(runs_by_name(RESULTS / "variants")).axes
    assert [line.get_label().split(" (")[0] for line in axes.lines] == list(COLOURS)
    assert len({line.get_color() for line in axes.lines}) == len(COLOURS)


def test_the_curves_of_reach_are_success_before_and_after_adaptation():
    progress = pd.read_csv(REACH / "seed_1" / "progress.csv")
    after, before = draw_reach(progress).axes[0].lines
    assert list(after.get_ydata()) == list(progress["Step_1-SuccessRate"])
    assert list(before.get_ydata()) == list(progress["Step_0-SuccessRate"])
