"""Where the metrics of a run go: progress.csv, TensorBoard, the display."""

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from experiment_utils.config import Config
from experiment_utils.config_files import config_to_dict
from experiment_utils.runs.run_dir import RunDir

if TYPE_CHECKING:
    import pandas as pd

    from experiment_utils.display import Display


class RunLog:
    """Takes the metrics of each iteration to all places that keep or show them.

    Args:
      config: of the run.
      run_dir: None keeps the rows in memory.
      keep: rows of an existing progress.csv that belong to the run.
    """

    display: "Display | None" = None

    def __init__(self, config: Config, run_dir: RunDir | None, keep: int = 0):
        self.run_dir = run_dir
        self._rows: list[Mapping[str, float]] = []
        if run_dir is not None:
            from meta_policy_search.utils.logger import ProgressLog, TensorBoardLog

            self._progress = ProgressLog(run_dir.progress, keep)
            self.tensorboard = TensorBoardLog(run_dir.tensorboard, config.num_inner_grad_steps)
            self.tensorboard.write_settings(config_to_dict(config))

    def __call__(self, iteration: int, metrics: Mapping[str, float]) -> None:
        """Take the metrics of an iteration everywhere; progress.csv comes last."""
        if self.display is not None:
            self.display.update(iteration, metrics)
        if self.run_dir is None:
            self._rows.append(metrics)
            return
        self.tensorboard.write(iteration, metrics)
        self._progress.write(metrics)  # last: a row is of an iteration that everything else has taken

    def showing(self) -> contextlib.AbstractContextManager[object]:
        """While this is open, the display shows something."""
        return contextlib.nullcontext() if self.display is None else self.display.showing()

    def rows(self) -> "pd.DataFrame":
        """The rows of all iterations."""
        import pandas as pd

        from experiment_utils.runs.results import read_progress

        if self.run_dir is None or not self.run_dir.progress.exists():
            return pd.DataFrame(self._rows).astype(float)
        return read_progress(self.run_dir.progress)
