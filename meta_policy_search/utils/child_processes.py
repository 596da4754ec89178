"""How child processes start."""

import contextlib
import os
from collections.abc import Iterator

SAFE_PATH = "PYTHONSAFEPATH"


@contextlib.contextmanager
def without_working_directory() -> Iterator[None]:
    """Python processes that start now import nothing from the working directory, which may be an untrusted run directory.

    Pools of processes start `python -c` or `python -m`, which look for modules there first.
    """
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = before
