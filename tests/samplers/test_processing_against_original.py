"""Returns, baselines, advantages, DiCE's rewards, action scaling: the original's numbers."""

from pathlib import Path

import pytest

from tests.processing_reference import compare, tolerance

FILES = sorted((Path(__file__).parent.parent / "data" / "processing").glob("*.npz"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_quantity_is_the_originals(path: Path):
    deviations = compare(path)
    beyond = {name: value for name, value in deviations.items() if not value <= tolerance(path, name)}
    assert deviations
    assert not beyond
