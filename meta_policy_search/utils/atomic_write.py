"""Files that are written whole or not at all, also on a full disk and when the process is killed."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def atomic_write(path: Path, content: str | bytes) -> None:
    """Write a file; what was there stays until all is written.

    Raises:
      OSError: it can't be written.
    """
    with replacing(path) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def replacing(path: Path, ending: str = ".tmp") -> Iterator[Path]:
    """Yield the name of a file beside `path`, which takes its place if no exception is raised, and is removed otherwise."""
    partial = path.with_name(f".{path.name}{ending}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
