"""Files that are there whole or not at all, also on a full disk and after a kill."""

import os
from pathlib import Path


def atomic_write(path: Path, content: str | bytes) -> None:
    """Writes the file beside its place first; what was there stays until all is written.

    Raises:
      OSError: it can't be written.
    """
    partial = path.with_name(f".{path.name}.tmp")
    try:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
