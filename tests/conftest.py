"""The theory runs eagerly: small problems, each traced graph would be used once."""

import pytest
import tensorflow as tf


@pytest.fixture(autouse=True)
def eagerly():
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(before)
