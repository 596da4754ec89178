"""ML1 of Meta-World (Yu et al. 2019): a Sawyer arm reaches, pushes, or picks and places, and doesn't see the goal.

Meta-World comes without mujoco's consent: see docs/metaworld.md.
"""

import functools
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import gymnasium
import mujoco
import numpy as np

from meta_policy_search.envs.base import MetaEnv, episode_means

try:
    import metaworld
    from metaworld.sawyer_xyz_env import SawyerMocapBase
except ImportError as error:
    raise ImportError(f"{error}; docs/metaworld.md says how to install Meta-World") from error

if TYPE_CHECKING:
    from meta_policy_search.types import Trajectories  # loads TensorFlow, which an environment doesn't need

Split = Literal["train", "test"]

WELD = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 5.0)  # of hand and mocap body, Meta-World's numbers


class ML1Env(MetaEnv):
    """One of Meta-World's tasks with 50 goals to train on, or 50 others to test on. A family names the task.

    The reward, observation [39] (the goal's entries are 0) and action [4] are Meta-World's; episodes are truncated after 500
    steps. Task: the number of a goal, 0 to 49, uniform.

    Args:
      split: the goals that `sample_tasks` and `set_task` are about.
      goals_seed: of Meta-World, for all goals.
    """

    task_name: str
    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(self, *, split: Split = "train", goals_seed: int = 0):
        if split not in get_args(Split):
            raise ValueError(f"split is {split!r}; it can be 'train' or 'test'")
        self.split = split
        benchmark = benchmark_of(self.task_name, goals_seed)
        self.goals = benchmark.train_tasks if split == "train" else benchmark.test_tasks
        self._env: gymnasium.Env = benchmark.train_classes[self.task_name]()
        self.action_space = self._env.action_space
        self.set_task(0)
        self.observation_space = self._env.observation_space

    def held_out_options(self) -> dict[str, Split]:
        """The other of Meta-World's two sets of goals."""
        return {"split": "test" if self.split == "train" else "train"}

    def sample_tasks(self, n_tasks: int) -> np.ndarray:
        return self.np_random.integers(len(self.goals), size=n_tasks)

    def set_task(self, task: int) -> None:
        self._task = int(task)
        self._env.set_task(self.goals[self._task])

    def get_task(self) -> int:
        return self._task

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        return self._env.reset(seed=seed)

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        return self._env.step(action)

    def close(self) -> None:
        self._env.close()

    def diagnostics(self, trajectories: "Trajectories") -> dict[str, float]:
        """The share of the finished episodes that succeeded in any step, as Meta-World counts."""
        return {"SuccessRate": float((episode_means(trajectories.env_infos["success"], trajectories) > 0).mean())}


class ML1ReachEnv(ML1Env):
    """The hand shall reach a point."""

    task_name = "reach-v3"


class ML1PushEnv(ML1Env):
    """The hand shall push a puck to a point on the table."""

    task_name = "push-v3"


class ML1PickPlaceEnv(ML1Env):
    """The hand shall pick up a puck and hold it at a point."""

    task_name = "pick-place-v3"


@functools.cache
def benchmark_of(task_name: str, seed: int) -> metaworld.ML1:
    """Meta-World's goals, once per process: drawing them takes seconds."""
    return metaworld.ML1(task_name, seed=seed)


def reset_mocap_welds(env: SawyerMocapBase) -> None:
    """Meta-World's method for rows of `eq_data` of any length: they had 11 numbers in MuJoCo 3.3.0, and have 12 now."""
    welds = env.model.eq_type == mujoco.mjtEq.mjEQ_WELD
    env.model.eq_data[welds, : len(WELD)] = WELD


SawyerMocapBase.reset_mocap_welds = reset_mocap_welds
