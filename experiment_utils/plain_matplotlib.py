"""matplotlib as this package draws with it, whatever the user's own settings of it are."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib import RcParams


def require_usable_backend() -> None:
    """Forget an MPLBACKEND that matplotlib doesn't know: its import would fail, and no picture here is shown in a window."""
    backend = os.environ.get("MPLBACKEND", "module://")
    if backend.startswith("module://") or "matplotlib" in sys.modules:  # whether there is such a module is asked later
        return
    del os.environ["MPLBACKEND"]
    import matplotlib as mpl

    with contextlib.suppress(ValueError):
        mpl.rcParams["backend"] = backend
        os.environ["MPLBACKEND"] = backend


@contextlib.contextmanager
def own_style(settings: "RcParams | None" = None) -> Iterator[None]:
    """matplotlib's defaults and these settings, without a matplotlibrc of the user's; at the end all is as it was."""
    import matplotlib.style

    changes = {str(name): value for name, value in (settings or {}).items()}
    with matplotlib.style.context(changes, after_reset=True):
        yield
