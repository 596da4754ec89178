import dataclasses

import numpy as np

from experiment_utils.paper import run_shared_stream
from experiment_utils.paper.run_shared_stream import SharedStreamConfig, shared_stream

SMALL = SharedStreamConfig(env="MetaPointEnv", hidden_sizes=(3, 5), meta_batch_size=2, rollouts_per_meta_task=2)


def kernels_of(config: SharedStreamConfig) -> list[np.ndarray]:
    theta = run_shared_stream.build(config, np.random.default_rng(1)).algo.theta
    return [np.asarray(value) for name, value in theta.items() if name.endswith("/kernel")]


def test_each_kernel_is_its_limit_times_the_first_numbers_of_one_stream():
    kernels = shared_stream({"a": (1, 2), "b": (2, 4)}, np.random.default_rng(0))
    stream = np.random.default_rng(0).uniform(-1.0, 1.0, 8)
    np.testing.assert_allclose(kernels["a"], 2.0**0.5 * stream[:2].reshape(1, 2))
    np.testing.assert_allclose(kernels["b"], stream.reshape(2, 4))


def test_the_run_begins_with_shared_draws_only_if_asked_to():
    shared, independent = kernels_of(SMALL), kernels_of(dataclasses.replace(SMALL, kernel_draws="independent"))
    draws = [
        [kernel.ravel()[:6] / np.sqrt(6 / sum(kernel.shape)) for kernel in kernels] for kernels in (shared, independent)
    ]
    np.testing.assert_allclose(draws[0][0], draws[0][1], rtol=1e-6)
    np.testing.assert_allclose(draws[0][0], draws[0][2], rtol=1e-6)
    assert np.abs(draws[1][0] - draws[1][1]).max() > 0.1
