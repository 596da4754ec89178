"""What a run is busy with, written to memory that its parent can read after the run's death."""

import functools
import mmap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

STAGES = ("start", "sampling", "adaptation", "update", "progress.csv", "tensorboard", "checkpoint", "between")
COLUMNS = 3  # the stage now; by stage, how often it was begun, and the seconds in it


class StageBoard:
    """A file in memory: one process notes its stage, another reads it."""

    def __init__(self, path: Path):
        size = COLUMNS * len(STAGES) * 8
        with path.open("a+b") as file:
            file.truncate(size)
            self._memory = mmap.mmap(file.fileno(), size)
        self._table = np.frombuffer(self._memory, np.float64).reshape(COLUMNS, len(STAGES))

    def clear(self) -> None:
        self._table[:] = 0

    @property
    def now(self) -> str:
        return STAGES[int(self._table[0, 0])]

    def begun(self, stage: str) -> int:
        """How often the stage was begun."""
        return int(self._table[1, STAGES.index(stage)])

    def seconds(self, stage: str) -> float:
        """The mean time in the stage."""
        return float(self._table[2, STAGES.index(stage)] / max(self.begun(stage), 1))

    def noting(self, stage: str, function: Callable) -> Callable:
        """The function, and a note that it runs."""
        index = STAGES.index(stage)

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            begin = time.perf_counter()
            self._table[1, index] += 1
            self._table[0, 0] = index
            try:
                return function(*args, **kwargs)
            finally:
                self._table[2, index] += time.perf_counter() - begin
                self._table[0, 0] = STAGES.index("between")

        return wrapper

    def install(self) -> None:
        """Makes the components of this process note when they are busy."""
        from meta_policy_search.meta_algos.base import MAMLAlgo
        from meta_policy_search.meta_trainer import MetaTrainer
        from meta_policy_search.samplers.meta_sampler import MetaSampler
        from meta_policy_search.utils.checkpoint import Checkpoints
        from meta_policy_search.utils.logger import ProgressLog, TensorBoardLog

        for stage, owner, name in (
            ("sampling", MetaSampler, "obtain_samples"),
            ("adaptation", MAMLAlgo, "adapt"),
            ("update", MetaTrainer, "_optimize"),
            ("progress.csv", ProgressLog, "write"),
            ("tensorboard", TensorBoardLog, "write"),
            ("checkpoint", Checkpoints, "save"),
        ):
            setattr(owner, name, self.noting(stage, getattr(owner, name)))
