"""Returns of single tasks, one JSON object per line."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import override

from meta_policy_search.callbacks import Callback, Metrics
from meta_policy_search.envs.task_values import plain
from meta_policy_search.utils.atomic_write import atomic_write

if TYPE_CHECKING:
    from meta_policy_search.meta_trainer import MetaTrainer  # loads TensorFlow


class TaskLog(Callback):
    """Writes {"itr": 0, "slot": 0, "task": -1.0, "returns": [before, ..., after K steps]} for each task and iteration.

    A return is the mean over the episodes of the task; null where none was finished.

    Args:
      path: of the file, which is appended to.
    """

    def __init__(self, path: Path):
        self._path, self._next_itr = path, 0

    @override
    def on_train_begin(self, trainer: "MetaTrainer") -> None:
        self._cut(trainer.next_itr)

    @override
    def on_iteration(self, trainer: "MetaTrainer", iteration: int, metrics: Metrics) -> None:
        if iteration < self._next_itr:  # what came after its lines failed; it is repeated
            self._cut(iteration)
        self._next_itr = iteration + 1
        lines = []
        for slot, task in enumerate(trainer.sampler.tasks):
            episodes = [of_tasks[slot] for of_tasks in trainer.episode_returns]
            returns = [float(values.mean()) if len(values) else None for values in episodes]
            row = {"itr": iteration, "slot": slot, "task": plain(task), "returns": returns}
            lines.append(json.dumps(row, default=str, skipkeys=True))
        with self._path.open("a") as file:
            file.write("".join(line + "\n" for line in lines))

    def _cut(self, next_itr: int) -> None:
        """Removes the lines of iterations from `next_itr` on, which are about to be repeated, and a half-written one."""
        if not self._path.exists():
            return
        text = self._path.read_text()
        lines = text.splitlines(keepends=True)
        while lines and not _is_before(lines[-1], next_itr):
            lines.pop()
        kept = "".join(lines)
        if kept != text:
            atomic_write(self._path, kept)


def _is_before(line: str, next_itr: int) -> bool:
    try:
        return line.endswith("\n") and json.loads(line)["itr"] < next_itr
    except (ValueError, KeyError, TypeError):
        return False
