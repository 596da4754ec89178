"""Cells, one of which is the goal: the smallest task family with discrete actions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args

import gymnasium
import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import BatchMetaEnv, BatchStep, RowGenerator, Task, Tasks, task_array

if TYPE_CHECKING:
    from meta_policy_search.envs.point_envs.rendering import PointRenderer  # imports matplotlib

RewardType = Literal["sparse", "dense"]
Split = Literal["all", "train", "test"]
MOVES = np.array([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]])  # stay, right, up, left, down


class GridNavigationEnv(BatchMetaEnv):
    """A walker on 5 x 5 cells is rewarded for being where the task's goal is. Episodes never terminate.

    reward = 1 on the goal and 0 elsewhere ("sparse"), or minus the number of moves that are left to it ("dense").
    Task: goal cell (x, y) [2], uniform over all cells but the middle one, where episodes start. It can't be observed.
    Action: 0 stay, 1 right, 2 up, 3 left, 4 down; a move off the grid stays.

    | observation | quantity | unit |
    |---|---|---|
    | 0-24 | whether the walker is in the cell 5 y + x (one-hot) | 1 |

    Args:
      reward_type: "sparse" or "dense".
      split: the goals that are drawn: all 24, every fourth of them ("test"), or the other 18 ("train").
      num_envs, render_mode: see `BatchMetaEnv`.
    """

    metadata: dict[str, Any] = {"render_modes": ["human", "rgb_array"], "render_fps": 5}  # noqa: RUF012, as gymnasium declares it
    tasks: np.ndarray  # [M, 2]
    size = 5  # cells in a row, an odd number

    def __init__(
        self,
        *,
        reward_type: RewardType = "sparse",
        split: Split = "all",
        num_envs: int = 1,
        render_mode: str | None = None,
    ):
        if split not in get_args(Split):
            raise ValueError(f"split is {split!r}; it can be {', '.join(map(repr, get_args(Split)))}")
        if reward_type not in get_args(RewardType):
            raise ValueError(f"reward_type is {reward_type!r}; it can be {', '.join(map(repr, get_args(RewardType)))}")
        self.reward_type, self.split = reward_type, split
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (self.size**2,), np.float64)
        self.action_space = gymnasium.spaces.Discrete(len(MOVES))
        self.cells = np.full((num_envs, 2), self.size // 2)  # x, y
        self._renderer: PointRenderer | None = None
        super().__init__(num_envs=num_envs, render_mode=render_mode)

    @override
    def default_task(self) -> np.ndarray:
        return np.array([0, 0])

    @override
    def draw_tasks(self, n_tasks: int, rng: np.random.Generator) -> np.ndarray:
        goals = np.delete(np.arange(self.size**2), self.size**2 // 2)  # all cells but the middle
        held_out = np.arange(len(goals)) % 4 == 3
        goals = {"all": goals, "train": goals[~held_out], "test": goals[held_out]}[self.split]
        cell = goals[rng.integers(len(goals), size=n_tasks)]
        return np.stack([cell % self.size, cell // self.size], axis=-1)

    @override
    def require_task(self, task: Task) -> None:
        cell, middle = np.asarray(task), self.size // 2
        if not ((cell >= 0) & (cell < self.size)).all() or (cell == middle).all():
            expected = f"a cell from [0, 0] to [{self.size - 1}, {self.size - 1}], other than [{middle}, {middle}]"
            raise ValueError(f"the goal is {cell.tolist()}; it must be {expected}")

    @override
    def held_out_options(self) -> Mapping[str, object] | None:
        others: dict[Split, dict[str, object] | None] = {"train": {"split": "test"}, "test": {"split": "train"}, "all": None}
        return others[self.split]

    @override
    def set_tasks(self, tasks: Tasks) -> None:
        super().set_tasks(tasks)
        self.tasks = task_array(tasks, self.default_task(), int)

    @override
    def reset_envs(self, rng: RowGenerator, envs: np.ndarray | None = None) -> np.ndarray:
        rows = slice(None) if envs is None else envs
        self.cells[rows] = self.size // 2
        return self._observations()[rows]

    @override
    def step_envs(self, actions: np.ndarray) -> BatchStep:
        self.cells = np.clip(self.cells + MOVES[np.asarray(actions)], 0, self.size - 1)
        moves_left = np.abs(self.cells - self.tasks).sum(axis=-1)
        rewards = (moves_left == 0).astype(float) if self.reward_type == "sparse" else -moves_left.astype(float)
        return BatchStep(self._observations(), rewards, np.zeros(self.num_envs, bool), {})

    @override
    def render(self) -> np.ndarray | None:
        if self.render_mode is None:
            return None
        if self._renderer is None:
            from meta_policy_search.envs.point_envs.rendering import PointRenderer  # imports matplotlib

            self._renderer = PointRenderer(self.render_mode, self.metadata["render_fps"])
        return self._renderer.draw(*(cells[0] - self.size // 2 for cells in (self.cells, self.tasks)))

    @override
    def close(self) -> None:
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _observations(self) -> np.ndarray:
        return np.eye(self.size**2)[self.cells @ (1, self.size)]
