"""Where the time goes."""

import time

# the stages of a meta-iteration, as progress.csv calls the seconds in them
SAMPLING, PROCESSING, ADAPTATION, META_UPDATE = "Time-Sampling", "Time-SampleProc", "Time-InnerStep", "Time-OuterStep"
STAGES = (SAMPLING, PROCESSING, ADAPTATION, META_UPDATE)


class Stopwatch:
    """Seconds by name: each lap books the time since the last one."""

    def __init__(self, *names: str):
        self.seconds = dict.fromkeys(names, 0.0)
        self._mark = time.perf_counter()

    def lap(self, name: str) -> None:
        """Books the time since the last lap, or since the start, under the name."""
        now = time.perf_counter()
        self.seconds[name] += now - self._mark
        self._mark = now
