"""What sampling on Ray costs against sampling in this process, on the same cores, and what more machines would bring.

    python benchmarks/scaling.py --rounds 3

Measured: a round of the local sampler on all cores; the same round by Ray workers with one core each, as many as there are
cores; of that, what the trainer spends after the simulation (bringing trajectories over and joining them); and the work of
an iteration that stays central (processing, adaptation, meta-update). From these parts follows the time of an iteration on
W machines like this one; the network between them, which one machine doesn't have, is an assumption. Prints JSON.
"""

import argparse
import dataclasses
import json
import math
import os
import statistics
import time

import numpy as np
from meta_iteration import load

MACHINES = (1, 2, 4, 8, 16, 32, 64)


def main() -> None:
    from experiment_utils.experiment import configure_tensorflow

    arguments = parse_arguments()
    configure_tensorflow()
    from meta_policy_search.meta_trainer import STAGES, MetaTrainer

    cores = os.cpu_count()
    config, build = load(arguments.algo)
    rng = np.random.default_rng(config.seed)
    local = build(config, rng)
    trainer = MetaTrainer(*local, rng=rng, n_itr=2)
    trainer.meta_iteration(0)  # traces the graphs
    metrics = trainer.meta_iteration(1)
    ray_config = dataclasses.replace(config, sampler="ray", num_workers=cores, cpus_per_worker=1)
    remote = build(ray_config, rng).sampler
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
    parts["central"] = sum(metrics[stage] for stage in STAGES if stage != "Time-Sampling")
    parts["megabytes"] = sum(array.nbytes for array in leaves(trajectories)) / 1e6
    rounds = config.num_inner_grad_steps + 1
    print(json.dumps(report(parts, rounds, config.meta_batch_size, cores, arguments.gigabits), indent=2))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--algo", default="pro-mp", help="which run script's defaults: pro-mp, maml, e-maml, vpg, dice")
    parser.add_argument("--rounds", type=int, default=3, help="measured sampling rounds of each kind, in turns")
    parser.add_argument("--gigabits", type=float, default=10.0, help="assumed network into the trainer, Gbit/s")
    return parser.parse_args()


def timed(sampler) -> list[float]:
    """Notes how long the workers simulate in each round."""
    ask, spans = sampler._ask, []

    def timing(method, jobs, steps):
        begin = time.perf_counter()
        answers = ask(method, jobs, steps)
        if method == "simulate":
            spans.append(time.perf_counter() - begin)
        return answers

    sampler._ask = timing
    return spans


def leaves(trajectories) -> list[np.ndarray]:
    """All arrays of a round."""
    values = [value for field in trajectories for value in (field.values() if isinstance(field, dict) else [field])]
    return [np.asarray(value) for value in values]


def report(parts: dict[str, float], rounds: int, n_tasks: int, cores: int, gigabits: float) -> dict:
    """The parts, and the seconds of an iteration on W machines that follow."""
    network = parts["megabytes"] * 8e-3 / gigabits
    stays = parts["central"] + rounds * (parts["collecting"] + network)
    predicted = {}
    for machines in MACHINES:
        workers = min(machines * cores, n_tasks)
        simulation = rounds * parts["local"] * cores * math.ceil(n_tasks / workers) / n_tasks
        predicted[machines] = {"simulation": round(simulation, 2), "iteration": round(simulation + stays, 2)}
    limit = next((w for w, row in predicted.items() if row["simulation"] < stays), None)
    return {
        "seconds": {name: round(value, 3) for name, value in parts.items()},
        "ray_over_local": round(parts["ray"] / parts["local"], 3),
        "cores": cores,
        "predicted_seconds": predicted,
        "what_stays_central": round(stays, 2),
        "central_work_is_the_larger_part_from_machines": limit,
    }


if __name__ == "__main__":
    main()
