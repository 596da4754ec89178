"""Linear regression of the return on features of observation and time, one fit per task (Duan et al. 2016)."""

import abc
import dataclasses
import functools
import sys

import numpy as np
from threadpoolctl import ThreadpoolController
from typing_extensions import override

TIME_SCALE = 100.0  # tau = t / 100
OBSERVATION_CLIP = 10.0


@dataclasses.dataclass(frozen=True)
class LinearBaseline(abc.ABC):
    """b(s_t, t) = w . phi(s_t, t), with w = argmin |Phi w - G|^2 + reg_coeff |w|^2 over the steps of one task.

    As in the original, a fresh fit for every task and round, on the very samples it is used for, and with the constant
    feature regularised too. With fewer steps than features the smaller system is solved instead, for the same b:
    Phi w = K a with (K + reg_coeff I) a = G, K = Phi Phi^T.

    Args:
      reg_coeff: lambda; multiplied by 10, up to 4 times, if the fit is not finite.
    """

    reg_coeff: float = 1e-5

    @abc.abstractmethod
    def features(self, observations: np.ndarray, times: np.ndarray) -> np.ndarray:
        """phi [B, F] of observations [B, O] (or in shape, [B, ...]) at the time steps [B] of their episodes."""

    def fit_predict(self, observations: np.ndarray, times: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """The baseline [B] of one task's steps: observations [B, O], times [B] since the episode's start, targets [B]."""
        with _blas().limit(limits=1, user_api="blas"):
            features = self.features(np.asarray(observations, np.float64), times)
            steps, size = features.shape
            if steps >= size:
                return features @ self._solve(features.T @ features, features.T @ targets)
            warn_of_noise(type(self).__name__, size)
            kernel = features @ features.T
            return kernel @ self._solve(kernel, targets)

    def _solve(self, matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
        """x with (matrix + reg_coeff I) x = right."""
        for attempt in range(5):
            regularised = matrix + self.reg_coeff * 10**attempt * np.eye(len(matrix))
            solution = np.linalg.lstsq(regularised, right, rcond=-1)[0]
            if np.isfinite(solution).all():
                break
        return solution


@dataclasses.dataclass(frozen=True)
class LinearFeatureBaseline(LinearBaseline):
    """phi = (o, o^2, tau, tau^2, tau^3, 1) with o clipped to [-10, 10] and tau = t / 100."""

    @override
    def features(self, observations: np.ndarray, times: np.ndarray) -> np.ndarray:
        clipped = np.clip(observations.reshape(len(observations), -1), -OBSERVATION_CLIP, OBSERVATION_CLIP)
        return np.concatenate([clipped, clipped**2, _time_features(times)], axis=-1)


@dataclasses.dataclass(frozen=True)
class LinearTimeBaseline(LinearBaseline):
    """phi = (tau, tau^2, tau^3, 1) with tau = t / 100."""

    @override
    def features(self, observations: np.ndarray, times: np.ndarray) -> np.ndarray:
        return _time_features(times)


@functools.cache
def warn_of_noise(baseline: str, features: int) -> None:
    """Say on stderr, once, that there is too little to fit to."""
    what = (
        f"a task has fewer steps than {baseline} has features ({features}): it fits the noise, and advantages become noise"
    )
    print(f"warning: {what}; sample more rollouts, or use --baseline LinearTimeBaseline", file=sys.stderr)


def _time_features(times: np.ndarray) -> np.ndarray:
    tau = times[:, np.newaxis] / TIME_SCALE
    return np.concatenate([tau, tau**2, tau**3, np.ones_like(tau)], axis=-1)


@functools.cache
def _blas() -> ThreadpoolController:
    """numpy's linear algebra. On one thread it gives the same bits on any number of cores, and these sizes gain from it."""
    return ThreadpoolController()
