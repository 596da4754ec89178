"""Draws docs/figures/layout.svg, the parts of experiment_utils by who imports whom.

    python docs/draw_layout.py

A part is a module, or a package with its modules. It stands above all that it imports, also inside of functions. Of the
arrows, those are drawn that no way over other parts replaces.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

ROOT = Path(__file__).resolve().parent.parent
PACKAGE, CORE, SCRIPTS = "experiment_utils", "meta_policy_search", "run_scripts"
TARGET = ROOT / "docs" / "figures" / "layout.svg"
STYLE = {"svg.fonttype": "none", "svg.hashsalt": "layout", "font.size": 9}
WIDTH, HEIGHT, GAP, MARGIN = 1.9, 0.42, 0.36, 0.25  # of a box, between two rows and between two columns, in inches
FORMER_NAMES = ("trained", "run_data", "curves")  # modules that only import from the new ones

Arrows = dict[str, set[str]]


def part_of(module: str) -> str | None:
    """Return the part that a module belongs to; None for what is not of this repository."""
    package, _, rest = module.partition(".")
    if package in (CORE, SCRIPTS):
        return package
    return rest.partition(".")[0] or None if package == PACKAGE else None


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows() -> Arrows:
    """Return for each part the parts that it imports."""
    found: Arrows = {CORE: set()}
    for path in sorted([*(ROOT / PACKAGE).rglob("*.py"), *(ROOT / SCRIPTS).glob("*.py")]):
        part = part_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
        if part and part not in ("__init__", *FORMER_NAMES):
            targets = {part_of(name) for name in imported(path)} - {None, part}
            found.setdefault(part, set()).update(targets)
    return {part: {target for target in targets if target in found} for part, targets in found.items()}


def levels(graph: Arrows) -> dict[str, int]:
    """Return the row of each part: above all that it imports, and as near as that allows to those that import it.

    Raises:
      ValueError: parts import each other in a circle.
    """
    rows: dict[str, int] = {}
    while len(rows) < len(graph):
        free = [part for part, targets in graph.items() if part not in rows and targets <= set(rows)]
        if not free:
            raise ValueError(f"a circle of imports is among {', '.join(sorted(set(graph) - set(rows)))}")
        rows |= {part: max((rows[target] + 1 for target in graph[part]), default=0) for part in free}
    for part in sorted(rows, key=rows.get, reverse=True):
        above = [rows[other] for other, targets in graph.items() if part in targets]
        rows[part] = min(above) - 1 if above and part != CORE else rows[part]
    return rows


def without_detours(graph: Arrows) -> Arrows:
    """Return the arrows that no way over other parts replaces."""
    rows = levels(graph)
    reached: Arrows = {}
    for part in sorted(graph, key=lambda part: len(_below(graph, part))):
        reached[part] = graph[part].union(*(reached[target] for target in graph[part]))
    kept = {part: {t for t in targets if not any(t in reached[o] for o in targets)} for part, targets in graph.items()}
    return {part: targets if rows[part] else set() for part, targets in kept.items()}


def _below(graph: Arrows, part: str) -> set[str]:
    return graph[part].union(*(_below(graph, target) for target in graph[part]))


def main() -> None:
    """Draw the picture."""
    graph = arrows()
    rows = levels(graph)
    by_row = [sorted(part for part in graph if rows[part] == row) for row in range(max(rows.values()) + 1)]
    step, widest = WIDTH + MARGIN, max(map(len, by_row))
    places = {
        part: ((i + 0.5) * widest / len(parts) * step, row * (HEIGHT + GAP))
        for row, parts in enumerate(by_row)
        for i, part in enumerate(parts)
    }
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(widest * step, len(by_row) * (HEIGHT + GAP)))
        for part, targets in without_detours(graph).items():
            for target in sorted(targets):
                draw_arrow(axes, places[part], places[target])
        for part, place in places.items():
            draw_box(axes, place, label(part), "#e8eef7" if part in (CORE, SCRIPTS) else "white")
        top = (len(by_row) - 1) * (HEIGHT + GAP)
        axes.set(xlim=(0, widest * step), ylim=(-HEIGHT, top + HEIGHT), aspect="equal")
        axes.axis("off")
        figure.savefig(TARGET, metadata={"Date": None}, bbox_inches="tight", pad_inches=0.02)


def label(part: str) -> str:
    """Return how a part is written: packages with a slash."""
    return f"{part}/" if (ROOT / part).is_dir() or (ROOT / PACKAGE / part).is_dir() else f"{part}.py"


def draw_box(axes: plt.Axes, place: tuple[float, float], text: str, colour: str) -> None:
    """Draw a part."""
    x, y = place
    box = FancyBboxPatch((x - WIDTH / 2, y - HEIGHT / 2), WIDTH, HEIGHT, boxstyle="round,pad=0,rounding_size=0.08")
    box.set(facecolor=colour, edgecolor="0.3", zorder=2)
    axes.add_patch(box)
    axes.text(x, y, text, ha="center", va="center", zorder=3)


def draw_arrow(axes: plt.Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw who imports whom, from the lower edge of one to the upper edge of the other."""
    ends = (start[0], start[1] - HEIGHT / 2), (end[0], end[1] + HEIGHT / 2)
    axes.add_patch(
        FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=8, color="0.55", linewidth=0.7, shrinkA=0, shrinkB=1)
    )


if __name__ == "__main__":
    main()
