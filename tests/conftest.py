"""What tests of all rooms share."""

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
