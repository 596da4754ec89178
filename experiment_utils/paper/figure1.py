"""Figure 1: the stochastic computation graphs of formulation I and II, credit for the pre-update behaviour in red.

Circles are sampled, squares are computed. In formulation I theta' is a function of the expected return's gradient, so the
credit for the return after adaptation flows back through theta' and the inner gradient to the distribution of tau. In
formulation II theta' is a function of given trajectories; the return after adaptation is credited to them directly.
"""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Patch

from experiment_utils.plot_utils import COLUMN, PAGE, save_figure, styled

CREDIT = "#C00000"

# node: place, text, whether it is sampled
Node = tuple[tuple[float, float], str, bool]
Edge = tuple[str, str, float]  # from, to, curvature

NODES: dict[str, Node] = {
    "theta": ((0.0, 0.0), r"$\theta$", False),
    "tau": ((1.15, 0.95), r"$\tau^{1:N}$", True),
    "inner": ((2.45, 0.95), r"$\nabla J^{\mathrm{inner}}$", False),
    "adapted": ((3.45, 0.0), r"$\theta'$", False),
    "tau_after": ((4.6, 0.0), r"$\tau'$", True),
    "return": ((5.75, 0.0), r"$R(\tau')$", False),
}
EDGES: list[Edge] = [
    ("theta", "tau", 0.0),
    ("theta", "adapted", 0.0),
    ("tau", "inner", 0.0),
    ("inner", "adapted", 0.0),
    ("adapted", "tau_after", 0.0),
    ("tau_after", "return", 0.0),
]
CREDITS: dict[str, list[Edge]] = {
    "Formulation I": [("return", "adapted", 0.4), ("adapted", "inner", 0.4), ("inner", "tau", 0.75)],
    "Formulation II": [("return", "tau", 0.45)],
}
SIZE = 0.36  # of a node, in the units of the places
LONG_TEXT = 12  # characters of LaTeX that need a wider box


def draw(out: Path) -> list[Path]:
    """figure1.pdf and .png, and for a column figure1_column."""
    return save_figure(draw_graphs(), out / "figure1") + save_figure(draw_graphs(COLUMN), out / "figure1_column")


@styled
def draw_graphs(width: float = PAGE) -> Figure:
    """Both graphs, side by side on a page and below each other in a column."""
    wide = width == PAGE
    figure, panels = plt.subplots(*((1, 2) if wide else (2, 1)), figsize=(width, 1.9 if wide else 3.7))
    for axes, (title, credits) in zip(panels, CREDITS.items(), strict=True):
        shapes = {name: _node(axes, node) for name, node in NODES.items()}
        for colour, edges in (("black", EDGES), (CREDIT, credits)):
            for edge in edges:
                _arrow(axes, edge, shapes, colour)
        axes.set(title=title, xlim=(-0.45, 6.25), ylim=(-0.5, 1.95), aspect="equal")
        axes.axis("off")
    arrow = Line2D([], [], color=CREDIT, label="credit for the pre-update sampling distribution")
    sampled = Line2D([], [], marker="o", mfc="white", mec="black", ls="", label="sampled")
    computed = Line2D([], [], marker="s", mfc="white", mec="black", ls="", label="computed")
    figure.legend(handles=[sampled, computed, arrow], loc="outside lower center", ncols=3 if wide else 1)
    return figure


def _node(axes: Axes, node: Node) -> Patch:
    (x, y), text, sampled = node
    width = SIZE * (1.35 if len(text) > LONG_TEXT else 1.0)
    box = FancyBboxPatch((x - width, y - SIZE), 2 * width, 2 * SIZE, boxstyle="round,pad=0,rounding_size=0.06")
    shape = Circle((x, y), SIZE) if sampled else box
    shape.set(facecolor="white", edgecolor="black", linewidth=0.9, zorder=2)
    axes.text(x, y, text, ha="center", va="center", fontsize=8, zorder=3)
    return axes.add_patch(shape)


def _arrow(axes: Axes, edge: Edge, shapes: dict[str, Patch], colour: str) -> None:
    start, end, curvature = edge
    arrow = FancyArrowPatch(
        NODES[start][0],
        NODES[end][0],
        patchA=shapes[start],
        patchB=shapes[end],
        shrinkA=1,
        shrinkB=1,
        connectionstyle=f"arc3,rad={curvature}",
        arrowstyle="-|>",
        mutation_scale=9,
        color=colour,
        linewidth=1.3 if colour == CREDIT else 0.9,
    )
    axes.add_patch(arrow)
