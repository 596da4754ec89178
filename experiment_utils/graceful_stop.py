"""Ctrl-C without a broken iteration."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

NOTICE = b"\nStopping after this iteration. Again: at once; that loses this iteration, and nothing that is saved.\n"


class GracefulStop:
    """Whether somebody asked to stop, while the context is open: by Ctrl-C (SIGINT) or, as clusters do, by SIGTERM.

    An exception in the middle of TensorFlow's or MuJoCo's calls can end in a crash; so the first signal only asks, and
    the second one raises KeyboardInterrupt. The handlers also count where a shell started the run in the background.
    Python allows handlers in the main thread only; in another one, nobody is asked.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> "GracefulStop":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: set by other than Python code

    def __call__(self) -> bool:
        """Whether somebody has asked, in the form that `MetaTrainer.train` takes."""
        return self.requested

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        os.write(2, NOTICE)  # print is not safe in a handler
