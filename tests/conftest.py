"""What tests of all components share."""

import importlib.util
from collections.abc import Iterator

import pytest


@pytest.fixture
def eagerly() -> Iterator[None]:
    """Runs the package without compiling it: a traced graph costs seconds, and most tests would use it once."""
    import tensorflow as tf  # here, so that tests of what needs no TensorFlow stay fast

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(before)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips what needs gym and mujoco-py where they aren't installed."""
    if importlib.util.find_spec("mujoco_py") is None:
        for item in items:
            if item.get_closest_marker("legacy"):
                item.add_marker(pytest.mark.skip(reason="needs gym and mujoco-py (`make legacy`)"))
