"""No baseline."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class ZeroBaseline:
    """b = 0."""

    def fit_predict(self, observations: np.ndarray, times: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Zeros [B]."""
        return np.zeros(len(targets))
