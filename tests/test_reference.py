"""What counts as agreement with recorded numbers."""

import numpy as np
import pytest

from tests import family_reference, processing_reference
from tests.meta_algos import reference
from tests.reference import within

DEVIATIONS = [family_reference.deviation, processing_reference.deviation, lambda a, b: reference.deviation("loss", a, b)]


@pytest.mark.parametrize("deviation", DEVIATIONS)
def test_nan_on_both_sides_agrees_and_on_one_side_never(deviation):
    assert deviation(np.array([np.nan, 2.0]), np.array([np.nan, 2.0])) == 0
    assert deviation(np.array([np.nan, 3.0]), np.array([np.nan, 2.0])) > 0.1
    assert not within(deviation(np.array([np.nan, 2.0]), np.array([1.0, 2.0])), 1e9)
    assert not within(deviation(np.array([1.0, 2.0]), np.array([np.nan, 2.0])), 1e9)
