"""TensorFlow's errors of reading and writing files, in Python's words."""

import contextlib
import re
from collections.abc import Iterator


@contextlib.contextmanager
def as_os_errors() -> Iterator[None]:
    """Makes an OSError of what TensorFlow raises where it can't write a file."""
    import tensorflow as tf  # what reads its messages only need not wait for it

    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(first_line(error)) from error


def first_line(error: Exception) -> str:
    """What an error says, without TensorFlow's names of its parts."""
    line = re.sub(r"\{\{.*?\}\} | \[Op:.*", "", str(error)).partition("\n")[0]
    return line[:200] or type(error).__name__
