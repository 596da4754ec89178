"""How long a meta-iteration takes, as a multiple of the raw physics of its environment steps in the same process.

    python benchmarks/meta_iteration.py --iterations 5

Raw physics is the same number of environment steps with nothing but MuJoCo: all cores, open loop, the same model and
initial states, and random controls of the size that the policy's have. It is measured before and after the iterations, in
turns with them, and medians are compared, because the machine may be shared. Prints one JSON object.
"""

import argparse
import json
import resource
import statistics
import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from experiment_utils.algorithms import Algorithm, Build
    from experiment_utils.config import Config
    from meta_policy_search.envs.mujoco_envs.base import MujocoMetaEnv

PROCESS_START = time.perf_counter()


def main() -> None:
    """Measure, and print the report."""
    from experiment_utils.tensorflow_setup import configure_tensorflow

    arguments = parse_arguments()
    configure_tensorflow()
    from meta_policy_search.envs.mujoco_envs.base import MujocoMetaEnv
    from meta_policy_search.meta_trainer import MetaTrainer

    config, build = load(arguments.algo)
    rng = np.random.default_rng(config.seed)
    components = build(config, rng)
    trainer = MetaTrainer(*components, rng=rng, n_itr=arguments.iterations)
    env = getattr(components.sampler.envs, "unwrapped", None)
    if not isinstance(env, MujocoMetaEnv):
        raise TypeError(f"raw physics is that of MuJoCo, which {config.env} does without")
    rows: list[dict[str, float]] = []
    physics: list[float] = []
    trainer.meta_iteration(0)  # traces the graphs
    first = time.perf_counter() - PROCESS_START
    for iteration in range(1, arguments.iterations + 1):
        begin = time.perf_counter()
        metrics = trainer.meta_iteration(iteration)
        seconds = time.perf_counter() - begin
        rows.append({"meta_iteration": seconds, "sampling": metrics["Time-Sampling"], **stages(metrics)})
        physics.append(raw_physics(env, config, rng))
    print(json.dumps(report(arguments.algo, config, rows, physics, first), indent=2))


def parse_arguments() -> argparse.Namespace:
    """The flags of this benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--algo", default="pro-mp", choices=sorted(by_script()), help="which run script's defaults")
    parser.add_argument("--iterations", type=int, default=5, help="measured iterations, after one that traces the graphs")
    return parser.parse_args()


def load(algo: str) -> tuple["Config", "Build"]:
    """The config and the build function of a run script."""
    entry = by_script()[algo]
    return entry.defaults, entry.build


def by_script() -> dict[str, "Algorithm"]:
    """The algorithms by the beginning of their scripts' names."""
    from experiment_utils.algorithms import algorithms

    return {entry.script.name.removesuffix("_run_mujoco.py"): entry for entry in reversed(algorithms())}


def raw_physics(env: "MujocoMetaEnv", config: "Config", rng: np.random.Generator) -> float:
    """Seconds for the environment steps of one meta-iteration, MuJoCo only."""
    rounds, steps = config.num_inner_grad_steps + 1, config.max_path_length
    low, high = env.action_space.low, env.action_space.high
    seconds = 0.0
    for _ in range(rounds):
        controls = np.clip(0.1 * rng.standard_normal((steps, env.num_envs, len(low))) * high, low, high)
        env.reset_envs(rng)
        begin = time.perf_counter()
        for control in controls:
            env.sims.step(control, env.frame_skip)
        seconds += time.perf_counter() - begin
    return seconds


def stages(metrics: dict[str, float]) -> dict[str, float]:
    """The seconds of the stages."""
    return {name.removeprefix("Time-"): metrics[name] for name in ("Time-SampleProc", "Time-InnerStep", "Time-OuterStep")}


def report(
    algo: str, config: "Config", rows: list[dict[str, float]], physics: list[float], first: float
) -> dict[str, object]:
    """Medians, and their multiples of the raw physics."""
    medians = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    raw = statistics.median(physics)
    steps = (
        config.meta_batch_size * config.rollouts_per_meta_task * config.max_path_length * (config.num_inner_grad_steps + 1)
    )
    return {
        "algo": algo,
        "env_steps_per_iteration": steps,
        "raw_physics_seconds": round(raw, 3),
        "raw_physics_env_steps_per_second": round(steps / raw),
        "median_seconds": {name: round(value, 3) for name, value in medians.items()},
        "sampling_over_raw_physics": round(medians["sampling"] / raw, 3),
        "meta_iteration_over_raw_physics": round(medians["meta_iteration"] / raw, 3),
        "first_iteration_done_after_seconds": round(first, 1),
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        "iterations": len(rows),
    }


if __name__ == "__main__":
    main()
