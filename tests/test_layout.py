"""Nothing in experiment_utils imports what stands above it, and the picture of the layout shows what is there."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYOUT = runpy.run_path(str(ROOT / "docs" / "draw_layout.py"))


def test_no_parts_import_each_other_in_a_circle():
    graph = LAYOUT["arrows"]()
    rows = LAYOUT["levels"](graph)
    assert all(rows[target] < rows[part] for part, targets in graph.items() for target in targets)
    assert "config" in graph["paper"]


def test_a_circle_is_named():
    with pytest.raises(ValueError, match="a circle of imports is among a, b"):
        LAYOUT["levels"]({"a": {"b"}, "b": {"a", "c"}, "c": set()})


def test_an_arrow_that_other_arrows_replace_is_not_drawn():
    graph = {"a": {"b", "c"}, "b": {"c"}, "c": set()}
    assert LAYOUT["without_detours"](graph) == {"a": {"b"}, "b": {"c"}, "c": set()}


def test_the_picture_has_all_parts():
    picture = LAYOUT["TARGET"].read_text(encoding="utf-8")
    missing = [part for part in LAYOUT["arrows"]() if f">{LAYOUT['label'](part)}<" not in picture]
    assert not missing, "python docs/draw_layout.py draws it anew"
