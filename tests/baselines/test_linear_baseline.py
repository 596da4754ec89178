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
