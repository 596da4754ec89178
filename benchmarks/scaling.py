"""What sampling on Ray costs against sampling in this process, on the same cores, and what more machines would bring.

    python benchmarks/scaling.py --rounds 3

Measured: a round of the local sampler on all cores; the same round by Ray workers with one core each, as many as there are
cores; of that, what the trainer spends after the simulation (bringing trajectories over and joining them); and the work of
an iteration that stays central (processing; adaptation and meta-update, which use the cores in slices of tasks). From these
parts follows the time of an iteration on W machines like this one, with a central machine of more cores; the network
between them, which one machine doesn't have, is an assumption. Prints JSON. How the parts grow is measured by `growth.py`.
"""

import argparse
import dataclasses
import json
import math
import os
import statistics
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from meta_iteration import load

if TYPE_CHECKING:
    from experiment_utils.config import Config
    from meta_policy_search.samplers.ray_sampler import RaySampler
    from meta_policy_search.types import Trajectories

MACHINES = (1, 2, 4, 8, 16, 32, 64)
CENTRAL_CORES = (2, 8, 32)


def main() -> None:
    """Measure, and print the report."""
    from experiment_utils.tensorflow_setup import configure_tensorflow

    arguments = parse_arguments()
    configure_tensorflow()
    from meta_policy_search.meta_trainer import MetaTrainer
    from meta_policy_search.samplers.ray_sampler import RaySampler

    cores = os.cpu_count() or 1
    config, build = load(arguments.algo)
    rng = np.random.default_rng(config.seed)
    local = build(config, rng)
    trainer = MetaTrainer(*local, rng=rng, n_itr=2)
    trainer.meta_iteration(0)  # traces the graphs
    metrics = trainer.meta_iteration(1)
    ray_config = dataclasses.replace(config, sampler="ray", num_workers=cores, cpus_per_worker=1)
    remote = build(ray_config, rng).sampler
    if not isinstance(remote, RaySampler):
        raise TypeError(f"the sampler of {ray_config.sampler} is a {type(remote).__name__}")
    spans = timed(remote)
    params, tasks = local.algo.policy.stacked_theta(config.meta_batch_size), local.sampler.tasks
    rows = []
    for _ in range(arguments.rounds + 1):  # the first one starts the workers
        seconds, bits = {}, {}
        for name, sampler in (("local", local.sampler), ("ray", remote)):
            sampler.set_tasks(tasks)
            begin = time.perf_counter()
            trajectories, _ = sampler.obtain_samples(params, np.random.default_rng(0))
            seconds[name] = time.perf_counter() - begin
            bits[name] = trajectories.rewards.tobytes() + trajectories.observations.tobytes()
        assert bits["local"] == bits["ray"]
        rows.append({**seconds, "collecting": seconds["ray"] - spans[-1]})
    parts = {name: statistics.median(row[name] for row in rows[1:]) for name in rows[0]}
    parts["processing"] = metrics["Time-SampleProc"]
    parts["sliced"] = metrics["Time-InnerStep"] + metrics["Time-OuterStep"]
    parts["megabytes"] = sum(array.nbytes for array in leaves(trajectories)) / 1e6
    print(json.dumps(report(parts, config, cores, arguments.gigabits), indent=2))


def parse_arguments() -> argparse.Namespace:
    """The flags of this benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--algo", default="pro-mp", help="which run script's defaults: pro-mp, maml, e-maml, vpg, dice")
    parser.add_argument("--rounds", type=int, default=3, help="measured sampling rounds of each kind, in turns")
    parser.add_argument("--gigabits", type=float, default=10.0, help="assumed network into the trainer, Gbit/s")
    return parser.parse_args()


def timed(sampler: "RaySampler") -> list[float]:
    """Notes how long the workers simulate in each round."""
    ask = sampler._ask
    spans: list[float] = []

    def timing(method: str, jobs: Sequence[object], steps: int) -> list[object]:
        begin = time.perf_counter()
        answers = ask(method, jobs, steps)
        if method == "simulate":
            spans.append(time.perf_counter() - begin)
        return answers

    vars(sampler)["_ask"] = timing
    return spans


def leaves(trajectories: "Trajectories") -> list[np.ndarray]:
    """All arrays of a round."""
    values = [value for field in trajectories for value in (field.values() if isinstance(field, dict) else [field])]
    return [np.asarray(value) for value in values]


def report(parts: dict[str, float], config: "Config", cores: int, gigabits: float) -> dict[str, object]:
    """The parts, and the seconds of an iteration on W machines that follow, by the cores of the central one."""
    from meta_policy_search.utils.compiled import slice_sizes

    rounds, n_tasks = config.num_inner_grad_steps + 1, config.meta_batch_size
    slices = len(slice_sizes(n_tasks, config.rollouts_per_meta_task))
    network = parts["megabytes"] * 8e-3 / gigabits
    stays, predicted = {}, {}
    for central in CENTRAL_CORES:
        sliced = parts["sliced"] * math.ceil(slices / central) / math.ceil(slices / cores)
        stays[central] = parts["processing"] + sliced + rounds * (parts["collecting"] + network)
    for machines in MACHINES:
        workers = min(machines * cores, n_tasks)
        simulation = rounds * parts["local"] * cores * math.ceil(n_tasks / workers) / n_tasks
        iterations = {central: round(simulation + rest, 2) for central, rest in stays.items()}
        predicted[machines] = {"simulation": round(simulation, 2), "iteration_by_central_cores": iterations}
    return {
        "seconds": {name: round(value, 3) for name, value in parts.items()},
        "ray_over_local": round(parts["ray"] / parts["local"], 3),
        "cores": cores,
        "slices": slices,
        "what_stays_central_by_cores": {central: round(rest, 2) for central, rest in stays.items()},
        "predicted_seconds": predicted,
    }


if __name__ == "__main__":
    main()
