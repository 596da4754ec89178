"""The pictures of what came after the paper, from results/: the variants on a point mass, and ProMP on Meta-World's reach.

python -m experiment_utils.paper.variants
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from experiment_utils.algorithms import algorithm
from experiment_utils.places import FIGURES, RESULTS
from experiment_utils.plot_utils import COLUMN, PAGE, UNITS, draw_curve, save_figure, save_table, styled
from experiment_utils.runs.curves import mean_curve, results_table
from experiment_utils.runs.results import RunData, load_runs

COLOURS = {  # in the order of the legend
    "ProMP": algorithm("ProMP").colour,
    "MAML++": "#0072B2",
    "CAVIA": "#009E73",
    "ANIL": "#CC79A7",
    "Loaded-DiCE": "#999933",
    "DiCE": algorithm("DiCE").colour,
    "TMAML": "#882255",
    "second-order": "#56B4E9",
    "FO-ProMP": "#E69F00",
    "SG-MRL": algorithm("SG-MRL").colour,
    "Reptile": algorithm("Reptile").colour,
}
REACH = RESULTS / "metaworld" / "ProMP"


def runs_by_name(root: Path) -> dict[str, list[RunData]]:
    """The runs of each variant, all seeds."""
    return {name: load_runs([root / name]) for name in COLOURS}


@styled
def draw_variants(groups: dict[str, list[RunData]], width: float = PAGE * 0.7) -> Figure:
    """Return after adaptation against env steps; bands are standard deviations over seeds."""
    figure, axes = plt.subplots(figsize=(width, 3.4))
    for name, runs in groups.items():
        curve = mean_curve(runs)
        draw_curve(axes, curve, COLOURS[name], f"{name} (n={curve.seeds})")
    axes.set(xlabel=UNITS["n_timesteps"], ylabel="return after adaptation", title="MetaPointEnvCorner, dense reward")
    figure.legend(loc="outside lower center", ncols=3 if width > COLUMN else 2)
    return figure


@styled
def draw_reach(progress: pd.DataFrame) -> Figure:
    """The share of successful episodes before and after adaptation."""
    figure, axes = plt.subplots(figsize=(COLUMN, 2.4))
    for column, width, label in (("Step_1-SuccessRate", 1.4, "after adaptation"), ("Step_0-SuccessRate", 0.7, "before")):
        axes.plot(progress["n_timesteps"] / 1e6, progress[column], color=COLOURS["ProMP"], lw=width, label=label)
    axes.set(xlabel=UNITS["n_timesteps"], ylabel="success rate", title="ProMP, ML1 reach, seed 1", ylim=(0, 1))
    axes.legend()
    return figure


def main() -> None:
    """Draw both, and the table of the first."""
    groups = runs_by_name(RESULTS / "variants")
    save_figure(draw_variants(groups), FIGURES / "variants")
    save_figure(draw_variants(groups, COLUMN), FIGURES / "variants_column")
    save_table(results_table(groups), FIGURES / "variants_results")
    save_figure(draw_reach(pd.read_csv(REACH / "seed_1" / "progress.csv")), FIGURES / "metaworld_reach")


if __name__ == "__main__":
    main()
