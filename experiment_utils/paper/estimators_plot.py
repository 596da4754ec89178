"""Draws the atlas of estimators, and its table of exponents beside those of the papers."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiment_utils.algorithms import algorithm
from experiment_utils.paper.estimators import (
    LAMBDAS,
    Settings,
    derivative_table,
    exponent,
    meta_gradient_table,
)
from experiment_utils.plot_utils import COLUMN, PAGE, save_figure, save_table, styled

DERIVATIVES = ["log-likelihood (MAML)", "LVC", "Loaded DiCE 0.5", "DiCE with baseline", "TMAML", "DiCE"]
META_GRADIENTS = ["FOMAML", "log-likelihood (MAML)", "LVC", "Loaded DiCE 0.5", "DiCE with baseline"]
META_GRADIENTS += ["unbiased with baseline", "unbiased"]
STYLES = {
    "log-likelihood (MAML)": (algorithm("MAML-VPG").colour, "-"),
    "LVC": (algorithm("LVC-VPG").colour, "-"),
    "Loaded DiCE 0.5": ("#444444", "-"),
    "DiCE with baseline": (algorithm("DiCE").colour, "-"),
    "TMAML": (algorithm("DiCE").colour, "--"),
    "DiCE": (algorithm("DiCE").colour, ":"),
    "FOMAML": (algorithm("ProMP").colour, "--"),
    "unbiased": (algorithm("E-MAML-VPG").colour, "-"),
    "unbiased with baseline": (algorithm("E-MAML-VPG").colour, "--"),
}
LOADED = ["LVC", "Loaded DiCE 0.25", "Loaded DiCE 0.5", "Loaded DiCE 0.75", "DiCE with baseline"]  # by LAMBDAS
TITLES = ["Hessian, bias", "Hessian, variance", "Hessian (H = {}), by lambda"]
TITLES += ["meta-gradient, bias", "meta-gradient, variance", "bias² + variance"]
NOTHING = 1e-9  # a bias below it is rounding

# Of Tang 2022 (arXiv 2112.07328), for bounds: estimator, column -> exponent of N
PAPERS = {
    ("unbiased", "variance against N"): "1",
    ("DiCE with baseline", "bias against N"): "<= -0.5 (LSF)",
    ("DiCE with baseline", "variance against N"): "-1 (LSF)",
}
ASYMPTOTIC = 8  # from this N on, exponents are fitted


def draw(out: Path, settings: Settings) -> list[Path]:
    """Compute all; write estimators.pdf, .png, the same for a column, and tables of medians and exponents (.csv, .md)."""
    of_derivatives, of_meta_gradients = (
        table(settings).groupby(["estimator", variable], sort=False).median().drop(columns="process").reset_index()
        for table, variable in ((derivative_table, "H"), (meta_gradient_table, "N"))
    )
    written = save_figure(draw_atlas(of_derivatives, of_meta_gradients), out / "estimators")
    written += save_figure(draw_atlas(of_derivatives, of_meta_gradients, COLUMN), out / "estimators_column")
    written += save_table(of_derivatives, out / "estimators_derivatives")
    written += save_table(of_meta_gradients, out / "estimators_meta_gradients")
    return written + save_table(exponents(of_derivatives, of_meta_gradients), out / "estimators_exponents")


@styled
def draw_atlas(of_derivatives: pd.DataFrame, of_meta_gradients: pd.DataFrame, width: float = PAGE) -> Figure:
    """Above (in a column: left) the estimate of the Hessian, below the meta-gradient. Most axes are logarithmic."""
    wide = width == PAGE
    if wide:
        figure, panels = plt.subplots(2, 3, figsize=(width, 4.6))
    else:
        figure, grid = plt.subplots(3, 2, figsize=(width, 5.2))
        panels = grid.T
    _curves(panels[0, 0], of_derivatives, "H", "Hessian bias", DERIVATIVES)
    panels[0, 0].set(yscale="linear", ylim=(0, None))
    _curves(panels[0, 1], of_derivatives, "H", "Hessian variance", DERIVATIVES)
    _dial(panels[0, 2], of_derivatives)
    _curves(panels[1, 0], of_meta_gradients, "N", "bias", META_GRADIENTS)
    _curves(panels[1, 1], of_meta_gradients, "N", "variance", META_GRADIENTS)
    _curves(panels[1, 2], of_meta_gradients, "N", "bias² + variance", META_GRADIENTS)
    for axes, title in zip(panels.flat, TITLES, strict=True):
        axes.set_title(title.format(of_derivatives["H"].max()), fontsize=None if wide else 6.2)
    for axes in panels[0, :2]:
        axes.set_xlabel("steps of an episode H")
    for axes in panels[1]:
        axes.set_xlabel("trajectories before adaptation N" if wide else "trajectories N")
    for axes in panels[:, 0] if wide else panels[0, :2]:
        axes.set_ylabel("relative to the truth")
    lines = {line.get_label(): line for axes in panels.flat for line in axes.get_lines()}
    names = [name for name in STYLES if name in lines]
    figure.legend([lines[name] for name in names], names, loc="outside lower center", ncols=4 if wide else 2)
    return figure


def exponents(of_derivatives: pd.DataFrame, of_meta_gradients: pd.DataFrame) -> pd.DataFrame:
    """Slopes in logarithmic axes, NaN where there is no bias, and what the papers say."""
    rows = []
    late = of_meta_gradients[of_meta_gradients["N"] >= min(ASYMPTOTIC, of_meta_gradients["N"].median())]
    fits = [(of_derivatives, "H", "Hessian bias"), (of_derivatives, "H", "Hessian variance")]
    fits += [(late, "N", "bias"), (late, "N", "variance")]
    for table, variable, column in fits:
        for name, curve in table.groupby("estimator", sort=False):
            what = f"{column} against {variable}"
            biased = curve[column].min() > NOTHING
            slope = exponent(curve[variable], curve[column]) if biased else float("nan")
            row = {"estimator": name, "of": what, "exponent": slope, "last value": float(curve[column].iloc[-1])}
            rows.append({**row, "paper": PAPERS.get((name, what), "")})
    return pd.DataFrame(rows)


def _curves(axes: Axes, table: pd.DataFrame, x: str, y: str, names: list[str]) -> None:
    for name in names:
        curve = table[table["estimator"] == name]
        if curve[y].max() > NOTHING:
            colour, style = STYLES[name]
            axes.plot(curve[x], curve[y], style, color=colour, label=name, marker=".", ms=4)
    axes.set(xscale="log", yscale="log")
    ticks = sorted(table[x].unique())
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()


def _dial(axes: Axes, table: pd.DataFrame) -> None:
    last = table[table["H"] == table["H"].max()].set_index("estimator").loc[LOADED]
    axes.plot(LAMBDAS, last["Hessian bias"], "-", color="#D55E00", marker="o", ms=3)
    axes.set(xlabel="lambda", ylabel="bias", xticks=LAMBDAS[::2], ylim=(0, None))
    axes.yaxis.label.set_color("#D55E00")
    right = axes.twinx()
    right.plot(LAMBDAS, last["Hessian variance"], "-", color="#0072B2", marker="o", ms=3)
    right.set(ylabel="variance", ylim=(0, None))
    right.yaxis.label.set_color("#0072B2")
    right.grid(visible=False)
    right.spines["right"].set_visible(True)
