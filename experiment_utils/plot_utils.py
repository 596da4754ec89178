"""How every figure looks: one colour per algorithm, axes with units, PDF and PNG, a table beside it."""

import functools
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.typing import ColorType

from experiment_utils.algorithms import algorithms
from experiment_utils.config import Spread
from experiment_utils.plain_matplotlib import own_style
from experiment_utils.runs.curves import Curve
from experiment_utils.runs.learning_curve import BEFORE
from meta_policy_search.utils.atomic_write import atomic_write

COLUMN, PAGE = 3.25, 6.9  # width of a column and of a page, in inches
STYLE = matplotlib.rc_params_from_file(Path(__file__).with_name("paper.mplstyle"), use_default_template=False)
LINE_WIDTH = STYLE["lines.linewidth"]  # of curves, in points

P = ParamSpec("P")
T = TypeVar("T")

OTHER_COLOURS = matplotlib.color_sequences["tab20"]

UNITS = {
    "n_timesteps": "env steps (10⁶)",
    "Itr": "meta-iteration",
    "Time": "wall-clock time (h)",
    "return": "return after adaptation",
    "Meta-GradientRStd": "relative std of\nmeta-gradient",
    "Meta-GradientCosAbs": "cosine distance to the\nmean meta-gradient",
}
BANDS: dict[Spread, str] = {
    "std": "standard deviation over seeds",
    "bootstrap": "95 % interval over seeds (bootstrap)",
    "none": "",
}
SCALES = {"n_timesteps": 1e6, "Time": 3600.0}  # what the unit of an axis is, in the column's


def styled(draw: Callable[P, T]) -> Callable[P, T]:
    """Draw with the project's style, and leave matplotlib's settings as they were."""

    @functools.wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        with own_style(STYLE):
            return draw(*args, **kwargs)

    return wrapper


def colours(names: Sequence[str]) -> dict[str, ColorType]:
    """A colour for each name: an algorithm's own where the name is one, otherwise the next free one."""
    own = {entry.name: entry.colour for entry in algorithms()}
    others = [name for name in names if name not in own]
    free = {name: OTHER_COLOURS[i % len(OTHER_COLOURS)] for i, name in enumerate(others)}
    return {name: own[name] if name in own else free[name] for name in names}


def step_colours(name: str, steps: int) -> list[tuple[float, float, float]]:
    """Colours of an algorithm before adaptation, after 1, ..., `steps` of it: from grey to its own."""
    before, after = to_rgb(BEFORE), to_rgb(colours([name])[name])

    def mixed(share: float) -> tuple[float, float, float]:
        red, green, blue = ((1 - share) * b + share * a for b, a in zip(before, after, strict=True))
        return red, green, blue

    return [mixed(step / steps) for step in range(steps + 1)] if steps else [mixed(1.0)]


def draw_curve(
    axes: Axes, curve: Curve, colour: ColorType, label: str | None = None, x: str = "n_timesteps", width: float = LINE_WIDTH
) -> None:
    """The mean as a line (a dot, where it is one point), dashed once some seeds have ended; the interval as a band."""
    for number, part in enumerate(curve.segments()):
        places, style = part.x / SCALES.get(x, 1.0), "-" if part is curve else "--"
        marker = "o" if len(places) == 1 else None
        axes.plot(places, part.mean, style, color=colour, label=None if number else label, marker=marker, lw=width)
        if part.seeds > 1:
            axes.fill_between(places, part.low, part.high, color=colour, alpha=0.2, linewidth=0)


def have_bands(curves: Iterable[Curve]) -> bool:
    """Whether any of the curves is of several seeds."""
    return any(part.seeds > 1 for curve in curves for part in curve.segments())


def band_handles(curves: Iterable[Curve]) -> list[Artist]:
    """What to add to a legend so that it says what the bands around these curves of `mean_curve` are."""
    return [Patch(color="0.3", alpha=0.2, lw=0, label="± std over seeds")] if have_bands(curves) else []


@styled
def curves_figure(panels: Mapping[str, Mapping[str, Curve]], x: str, y: str, band: str = "") -> Figure:
    """A panel for each entry, a curve for each entry of that, one legend.

    Args:
      band: what the bands are, said below the panels where any curve has one.
    """
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    width = COLUMN if columns == 1 else PAGE
    figure, grid = plt.subplots(rows, columns, figsize=(width, 2.2 * rows + 0.5), squeeze=False)
    palette = colours(list(dict.fromkeys(name for curves in panels.values() for name in curves)))
    for axes, (title, named) in zip(grid.flat, panels.items(), strict=False):
        for name, curve in named.items():
            draw_curve(axes, curve, palette[name], f"{name} (n={curve.seeds})".replace("$", r"\$"), x)
        axes.set_title(title, parse_math=False)  # a name from a file
        axes.set_xlabel(UNITS.get(x, x))
        if len(panels) > 1:
            axes.legend()
    for axes in list(grid.flat)[len(panels) :]:
        axes.remove()
    for axes in grid[:, 0]:
        axes.set_ylabel(UNITS.get(y, y))
    has_bands = band and have_bands(curve for curves in panels.values() for curve in curves.values())
    explained = f"bands: {band}" if has_bands else ""
    if len(panels) == 1:
        figure.legend(loc="outside lower center", ncols=2, title=explained or None)
    elif explained:
        figure.supxlabel(explained, fontsize="small")
    return figure


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Writes <stem>.pdf and <stem>.png (the same bytes for the same picture) and closes the figure."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    targets = [stem.with_name(stem.name + ending) for ending in (".pdf", ".png")]
    pictures = [io.BytesIO(), io.BytesIO()]  # in memory first: on a full disk, matplotlib fails with errors of its own
    with own_style():  # what is drawn only now, such as ticks
        figure.savefig(pictures[0], format="pdf", metadata={"CreationDate": None})
        figure.savefig(pictures[1], format="png", dpi=200)
    plt.close(figure)
    for target, picture in zip(targets, pictures, strict=True):
        atomic_write(target, picture.getvalue())
    return targets


def save_table(table: pd.DataFrame, stem: Path) -> list[Path]:
    """Writes <stem>.csv, numbers in full, and <stem>.md, numbers with four digits."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    targets = [stem.with_name(stem.name + ending) for ending in (".csv", ".md")]
    atomic_write(targets[0], table.to_csv(index=False))
    atomic_write(targets[1], markdown(table))
    return targets


def markdown(table: pd.DataFrame) -> str:
    """A table in Markdown; numbers with four significant digits."""
    head = [list(map(cell_text, table.columns)), ["---"] * len(table.columns)]
    body = [[cell_text(value) for value in row] for row in table.itertuples(index=False)]
    return "".join(f"| {' | '.join(row)} |\n" for row in head + body)


def cell_text(value: object) -> str:
    """A value in a table; numbers with four significant digits, and a dash where there is none."""
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.4g}"
    return str(value).replace("|", "\\|")
