"""Ctrl-C without a broken iteration."""

import os
import signal
from types import FrameType

NOTICE = b"\nStopping after this iteration. Again: at once; that loses this iteration, and nothing that is saved.\n"


class GracefulStop:
    """Whether somebody asked to stop: by Ctrl-C (SIGINT) or, as clusters do, by SIGTERM.

    An exception in the middle of TensorFlow's or MuJoCo's calls can end in a crash; so the first signal only asks, and
    the second one raises KeyboardInterrupt. The handlers also count where a shell started the run in the background.
    """

    def __init__(self):
        self.requested = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def __call__(self) -> bool:
        return self.requested

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        os.write(2, NOTICE)  # print is not safe in a handler
