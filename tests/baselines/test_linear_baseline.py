import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from meta_policy_search.baselines.linear_baseline import LinearFeatureBaseline

TIMES = np.tile(np.arange(100), 20)


def fitted(obs_dim: int) -> np.ndarray:
    rng = np.random.default_rng(obs_dim)
    observations = rng.normal(size=(len(TIMES), obs_dim)).astype(np.float32)
    return LinearFeatureBaseline().fit_predict(observations, TIMES, rng.normal(size=len(TIMES)))


@pytest.mark.parametrize("obs_dim", [17, 111])
def test_number_of_cores_changes_no_bit(obs_dim):
    predictions = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads, user_api="blas"):
            predictions.append(fitted(obs_dim))
    np.testing.assert_array_equal(predictions[1], predictions[0])
    np.testing.assert_array_equal(predictions[2], predictions[0])


def test_what_the_features_can_express_is_fitted():
    observations = np.random.default_rng(0).normal(size=(len(TIMES), 3))
    targets = 2 * observations[:, 0] - observations[:, 2] ** 2 + (TIMES / 100) ** 3 + 4
    np.testing.assert_allclose(LinearFeatureBaseline().fit_predict(observations, TIMES, targets), targets, atol=1e-6)


def ridge(baseline: LinearFeatureBaseline, observations: np.ndarray, times: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The same regression as ordinary least squares with a row sqrt(reg_coeff) e_i for each feature i."""
    features = baseline.features(observations, times)
    size = features.shape[1]
    rows = np.concatenate([features, np.sqrt(baseline.reg_coeff) * np.eye(size)])
    return features @ np.linalg.lstsq(rows, np.concatenate([targets, np.zeros(size)]), rcond=None)[0]


@pytest.mark.parametrize("steps", [1, 20, 37, 38, 60])
def test_fewer_steps_than_features_give_the_same_ridge_regression(steps):
    rng, baseline = np.random.default_rng(0), LinearFeatureBaseline(reg_coeff=1e-3)
    observations, times, targets = rng.normal(size=(steps, 17)), np.arange(steps), rng.normal(size=steps)
    assert baseline.features(observations, times).shape == (steps, 38)
    fitted = baseline.fit_predict(observations, times, targets)
    np.testing.assert_allclose(fitted, ridge(baseline, observations, times, targets), atol=1e-9)


def test_pixels_that_never_change_are_fitted_by_time():
    observations, targets = np.full((60, 1728), 0.5), np.linspace(-1, 1, 60)
    fitted = LinearFeatureBaseline().fit_predict(observations, np.arange(60), targets)
    np.testing.assert_allclose(fitted, targets, atol=1e-3)


def test_fewer_steps_than_features_are_warned_of_once(capsys):
    for _ in range(2):
        LinearFeatureBaseline().fit_predict(np.zeros((5, 23)), np.arange(5), np.zeros(5))
        LinearFeatureBaseline().fit_predict(np.zeros((50, 23)), np.arange(50), np.zeros(50))
    warning = capsys.readouterr().err
    assert warning.count("\n") == 1
    assert "fewer steps than LinearFeatureBaseline has features (50)" in warning
    assert "--baseline LinearTimeBaseline" in warning
