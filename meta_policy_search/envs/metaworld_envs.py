"""Meta-World's ML1, ML10 and ML45 (Yu et al. 2019): a Sawyer arm manipulates things, and doesn't see the goal.

Meta-World comes without mujoco's consent: see docs/metaworld.md. `ML1ReachEnv` and 49 others are attributes of this module,
one for each of its tasks (`metaworld_tasks.ML1_TASKS`).
"""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import gymnasium
import mujoco
import numpy as np
from typing_extensions import override

from meta_policy_search.envs.base import Info, MetaEnv, Task, episode_means
from meta_policy_search.envs.metaworld_success import EPISODES, first_episodes_success
from meta_policy_search.envs.metaworld_tasks import ML1_TASKS

try:
    import metaworld
    from metaworld.sawyer_xyz_env import SawyerMocapBase
except ImportError as error:
    raise ImportError(f"{error}; docs/metaworld.md says how to install Meta-World") from error

if TYPE_CHECKING:
    from meta_policy_search.types import Trajectories  # loads TensorFlow, which an environment doesn't need

Split = Literal["train", "test"]

EPISODE_STEPS = 500  # after which Meta-World truncates
WELD = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 5.0)  # of hand and mocap body, Meta-World's numbers


class MetaWorldEnv(MetaEnv[np.ndarray, np.ndarray]):
    """A benchmark of Meta-World. The reward, observation [39] (the goal's entries are 0) and action [4] are its own.

    Episodes are truncated after 500 steps. The test set is what is held out of training.

    Args:
      split: the tasks that `sample_tasks` and `set_task` are about.
      goals_seed: of Meta-World, for all goals.
    """

    benchmark: str
    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012, as gymnasium declares it
    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (39,), np.float64)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (4,), np.float32)

    def __init__(self, *, split: Split = "train", goals_seed: int = 0):
        if split not in get_args(Split):
            raise ValueError(f"split is {split!r}; it can be 'train' or 'test'")
        self.split = split
        benchmark = benchmark_of(self.benchmark, goals_seed)
        self._classes = benchmark.train_classes if split == "train" else benchmark.test_classes
        self.names = list(self._classes)
        tasks = benchmark.train_tasks if split == "train" else benchmark.test_tasks
        self.goals = {name: [task for task in tasks if task.env_name == name] for name in self.names}
        self._name = ""
        self._env: Any = None  # Meta-World's of this name
        self.set_task(self.task_of(self.names[0], 0))

    def task_of(self, name: str, goal: int) -> Task:
        """The task of Meta-World's name and of the goal with this number."""
        return name, goal

    def place_of(self, task: Task) -> tuple[str, int]:
        """The inverse of `task_of`."""
        name, goal = cast("tuple[str, int]", task)
        return str(name), int(goal)

    def held_out_options(self) -> dict[str, Split]:
        """The other of Meta-World's two sets."""
        return {"split": "test" if self.split == "train" else "train"}

    @override
    def sample_tasks(self, n_tasks: int) -> Sequence[Task]:
        """As in Meta-World's meta-batches each name comes equally often, if their number divides n_tasks."""
        rounds = -(-n_tasks // len(self.names))
        names = np.concatenate([self.np_random.permutation(self.names) for _ in range(rounds)])[:n_tasks]
        goals = self.np_random.integers(len(self.goals[self.names[0]]), size=n_tasks)  # as many of each name
        return [self.task_of(str(name), int(goal)) for name, goal in zip(names, goals, strict=True)]

    @override
    def set_task(self, task: Task) -> None:
        name, goal = self.place_of(task)
        if name not in self.goals:
            raise ValueError(f"there is no task {name!r} in the {self.split} set; there are {', '.join(self.names)}")
        if not 0 <= goal < len(self.goals[name]):
            raise ValueError(f"there is no goal {goal}; they have the numbers 0 to {len(self.goals[name]) - 1}")
        if name != self._name:
            self.close()
            self._name, self._env = name, self._classes[name]()
        self._task = task
        self._env.set_task(self.goals[name][goal])

    @override
    def get_task(self) -> Task:
        return self._task

    @override
    def reset(self, *, seed: int | None = None, options: dict[str, object] | None = None) -> tuple[np.ndarray, Info]:
        super().reset(seed=seed)
        return self._env.reset(seed=seed)

    @override
    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, Info]:
        observation, reward, terminated, truncated, info = self._env.step(action)
        return observation, reward, terminated, truncated, {**info, "name": self.names.index(self._name)}

    @override
    def close(self) -> None:
        if self._env is not None:
            self._env.close()

    def diagnostics(self, trajectories: "Trajectories") -> dict[str, float]:
        """The share of the finished episodes that succeeded in any step, and what Meta-World's evaluation says of them.

        The latter is there where its three episodes of each task are, and every row is one episode.
        """
        success = trajectories.env_infos["success"]
        rates = {"SuccessRate": float((episode_means(success, trajectories) > 0).mean())}
        _, rows, steps = success.shape
        if rows >= EPISODES and steps <= EPISODE_STEPS:
            names = trajectories.env_infos["name"][:, 0, 0]
            rates["MetaWorldSuccessRate"] = first_episodes_success(success, names)
        return rates


class ML1Env(MetaWorldEnv):
    """One of Meta-World's tasks with 50 goals to train on, and 50 others to test on.

    Task: the number of a goal, 0 to 49, uniform.
    """

    @override
    def task_of(self, name: str, goal: int) -> int:
        return goal

    @override
    def place_of(self, task: Task) -> tuple[str, int]:
        return self.benchmark, int(cast("int", task))


class ML10Env(MetaWorldEnv):
    """10 of Meta-World's tasks to train on, 5 others to test on, with 50 goals each.

    Task: its name and the number of a goal, such as ("push-v3", 17).
    """

    benchmark = "ML10"


class ML45Env(MetaWorldEnv):
    """45 of Meta-World's tasks to train on, the 5 others to test on, with 50 goals each.

    Task: its name and the number of a goal, such as ("push-v3", 17).
    """

    benchmark = "ML45"


@functools.cache
def __getattr__(name: str) -> type[ML1Env]:
    """ML1 of one task. The class belongs to this module like one that is written here, also for pickle."""
    if name not in ML1_TASKS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    task = ML1_TASKS[name]
    words = {"__doc__": f"ML1 of {task}. {ML1Env.__doc__}", "__module__": __name__, "benchmark": task}
    return type(name, (ML1Env,), words)


@functools.cache
def benchmark_of(name: str, seed: int) -> metaworld.Benchmark:
    """Meta-World's goals, once per process: drawing them takes seconds."""
    many = {"ML10": metaworld.ML10, "ML45": metaworld.ML45}
    return many[name](seed=seed) if name in many else metaworld.ML1(name, seed=seed)


def reset_mocap_welds(env: SawyerMocapBase) -> None:
    """Meta-World's method for rows of `eq_data` of any length: they had 11 numbers in MuJoCo 3.3.0, and have 12 now."""
    welds = env.model.eq_type == mujoco.mjtEq.mjEQ_WELD
    env.model.eq_data[welds, : len(WELD)] = WELD


SawyerMocapBase.reset_mocap_welds = reset_mocap_welds
