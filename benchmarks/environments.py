"""How fast the sampler is, with the policy in the loop, against the raw physics of the same simulations in the same process.

    python benchmarks/environments.py --rounds 5
    python benchmarks/environments.py --families AntRandDirec2DEnv --markdown

A sampling round is recorded once: the controls and resets of each step. Then the round is sampled again, and the recorded
controls are replayed with nothing but MuJoCo, resets not counted, from the same states on the same cores; both in turns, and
medians are compared. The replay must end in the very states of the round. `ratio` is replay over sampling in wall time,
which other processes disturb; `ratio_by_cpu` is made of the CPU time of both, as if the threads of the physics ran side by
side.

The point mass has no physics to compare with: the seconds of a round are reported. Prints a line of JSON for
each family, or a table.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from meta_policy_search.envs.base import BatchMetaEnv
    from meta_policy_search.envs.mujoco_envs.base import MujocoMetaEnv

POINT = "MetaPointEnvCorner"
HEAD = (
    "| family | raw physics, env steps/s | sampler, env steps/s | ratio | ratio by CPU time |",
    "|---|---|---|---|---|",
)


class Replay:
    """The controls and resets of a sampling round."""

    def __init__(self, env: "MujocoMetaEnv", sample: Callable[[], object]):
        self._env = env
        self._events: list[tuple[str, list[np.ndarray | None]]] = []
        step, set_state = env.sims.step, env.sims.set_state

        def recorded(kind: str, method: Callable[..., None], *arguments: np.ndarray | int | None) -> None:
            self._events.append((kind, [np.array(argument) if argument is not None else None for argument in arguments]))
            method(*arguments)

        own = vars(env.sims)  # in front of the methods of the class
        own["step"] = lambda ctrl, num_steps: recorded("step", step, ctrl, num_steps)
        own["set_state"] = lambda qpos, qvel, sims=None: recorded("set_state", set_state, qpos, qvel, sims)
        sample()
        del own["step"], own["set_state"]
        self._end = env.sims.qpos.copy()
        self.env_steps = env.num_envs * sum(kind == "step" for kind, _ in self._events)

    def __call__(self) -> tuple[float, float]:
        """Wall and CPU seconds of the steps."""
        seconds = np.zeros(2)
        for kind, arguments in self._events:
            begin = clocks()
            getattr(self._env.sims, kind)(*arguments)
            seconds += (clocks() - begin) * (kind == "step")
        np.testing.assert_array_equal(self._env.sims.qpos, self._end)
        return float(seconds[0]), float(seconds[1])


def clocks() -> np.ndarray:
    """Wall and CPU time [2] in s."""
    return np.array([time.perf_counter(), time.process_time()])


def main() -> None:
    """Measure each family and print its row."""
    from experiment_utils.tensorflow_setup import configure_tensorflow

    arguments = parse_arguments()
    configure_tensorflow()
    if arguments.markdown:
        print(*HEAD, sep="\n", flush=True)
    for row in measurements(arguments):
        print(markdown(row) if arguments.markdown else json.dumps(row), flush=True)


def parse_arguments() -> argparse.Namespace:
    """The flags of this benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", nargs="*", help="some families instead of all on MuJoCo and a point mass")
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds of each kind")
    parser.add_argument("--max_path_length", type=int, default=100, help="steps of a round, 800 environments each")
    parser.add_argument("--markdown", action="store_true", help="a table instead of JSON")
    return parser.parse_args()


def measurements(arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    """A row for each family."""
    from meta_policy_search.envs import FAMILIES
    from meta_policy_search.envs.mujoco_envs.base import MujocoMetaEnv

    mujoco_families = [name for name, where in FAMILIES.items() if ".mujoco_envs." in where]
    for family in arguments.families or [*mujoco_families, POINT]:
        sample, env = make_round(family, arguments.max_path_length)
        if isinstance(env, MujocoMetaEnv):
            yield {"family": family, **measure_physics(sample, env, arguments.rounds)}
        else:
            yield {"family": family, **measure_alone(sample, arguments.rounds)}


def make_round(family: str, max_path_length: int) -> tuple[Callable[[], object], "BatchMetaEnv"]:
    """A function that samples one round of 40 tasks x 20 rollouts, always the same one, and the environments."""
    from experiment_utils import builders
    from experiment_utils.algorithm_configs import ProMPConfig
    from experiment_utils.environments import make_env
    from meta_policy_search.envs.normalized_env import NormalizedEnv

    hidden_sizes = (128, 128) if family.startswith("Humanoid") else (64, 64)
    config = ProMPConfig(env=family, max_path_length=max_path_length, hidden_sizes=hidden_sizes)
    rng = np.random.default_rng(config.seed)
    env = make_env(config)
    policy = builders.make_policy(config, env, rng)
    sampler = builders.make_sampler(config, env, policy)
    sampler.update_tasks(rng)
    params = policy.stacked_theta(config.meta_batch_size)
    envs = sampler.envs
    if not isinstance(envs, NormalizedEnv):
        raise TypeError(f"the sampler's environments are {type(envs).__name__}, not a NormalizedEnv")
    return lambda: sampler.obtain_samples(params, np.random.default_rng(0)), envs.env


def measure_physics(sample: Callable[[], object], env: "MujocoMetaEnv", rounds: int) -> dict[str, float]:
    """Medians of the sampler and the replay, in turns."""
    replay, sampling, physics = Replay(env, sample), [], []
    for _ in range(rounds):
        begin = clocks()
        sample()
        sampling.append(clocks() - begin)
        physics.append(replay())
    (wall, cpu), (raw_wall, raw_cpu) = np.median(sampling, axis=0), np.median(physics, axis=0)
    side_by_side = raw_cpu / env.sims.num_threads
    return {
        "env_steps": replay.env_steps,
        "raw_steps_per_second": round(replay.env_steps / raw_wall),
        "sampler_steps_per_second": round(replay.env_steps / wall),
        "ratio": round(float(raw_wall / wall), 3),
        "ratio_by_cpu": round(float(side_by_side / (side_by_side + max(cpu - raw_cpu, 0.0))), 3),
    }


def measure_alone(sample: Callable[[], object], rounds: int) -> dict[str, float]:
    """Median of the sampler."""
    sample()
    sampling = []
    for _ in range(rounds):
        begin = clocks()
        sample()
        sampling.append(clocks() - begin)
    wall, cpu = (statistics.median(column) for column in zip(*sampling, strict=True))
    return {"round_seconds": round(float(wall), 3), "round_cpu_seconds": round(float(cpu), 3)}


def markdown(row: Mapping[str, object]) -> str:
    """A row of the table of docs/measured.md."""
    if "ratio" not in row:
        return f"| {row['family']} | | a round in {row['round_seconds']} s | | |"
    speeds = f"{row['raw_steps_per_second']:,} | {row['sampler_steps_per_second']:,}"
    return f"| {row['family']} | {speeds} | {row['ratio']:.2f} | {row['ratio_by_cpu']:.2f} |"


if __name__ == "__main__":
    main()
