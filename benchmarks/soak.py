"""Whether a long run grows: memory, traced graphs and files, over many iterations on the point mass.

    python benchmarks/soak.py --iterations 300

The run is one of `run_scripts/pro-mp_run_point_mass.py`, small, with its logs and checkpoints, in a temporary folder. Prints
one JSON object; the exit code is 1 if anything grew that should not.
"""

import argparse
import dataclasses
import gc
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from meta_policy_search.meta_algos.base import MAMLAlgo  # loads TensorFlow

SETTLED = 10  # iterations after which memory has to be flat
ALLOWED_GROWTH = 0.02  # of the memory then; a run of the default size has 40 times the arrays, but not more leaks


def main() -> int:
    """Train and measure; return 1 if something grew."""
    from experiment_utils.tensorflow_setup import configure_tensorflow

    arguments = parse_arguments()
    configure_tensorflow()
    with tempfile.TemporaryDirectory(prefix="soak_") as directory:
        report = soak(Path(directory), arguments.iterations)
    print(json.dumps(report, indent=2))
    return 1 if grown(report) else 0


def parse_arguments() -> argparse.Namespace:
    """The flags of this benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iterations", type=int, default=300)
    return parser.parse_args()


def soak(directory: Path, iterations: int) -> dict[str, Any]:
    """Trains, and measures after every iteration."""
    from experiment_utils.algorithms import algorithm
    from meta_policy_search.meta_trainer import MetaTrainer
    from meta_policy_search.utils.checkpoint import Checkpoints
    from meta_policy_search.utils.logger import ProgressLog, TensorBoardLog

    entry = algorithm("ProMP")
    config = dataclasses.replace(
        entry.defaults,
        env="MetaPointEnv",
        env_options={"reward_type": "dense"},
        hidden_sizes=(16, 16),
        meta_batch_size=4,
        rollouts_per_meta_task=4,
        max_path_length=20,
    )
    rng = np.random.default_rng(config.seed)
    components = entry.build(config, rng)
    trainer = MetaTrainer(
        *components, rng=rng, n_itr=iterations, checkpoints=Checkpoints(directory / "checkpoints", components.algo)
    )
    progress = ProgressLog(directory / "progress.csv")
    tensorboard = TensorBoardLog(directory / "tb", config.num_inner_grad_steps)
    memory: list[float] = []
    traces: list[int] = []
    files: list[dict[str, int]] = []

    def log(iteration: int, metrics: dict[str, float]) -> None:
        progress.write(metrics)
        tensorboard.write(iteration, metrics)
        memory.append(resident_megabytes())
        traces.append(trace_count(components.algo))
        files.append(file_sizes(directory))

    trainer.train(log)
    return report(memory, traces, files)


def report(memory: list[float], traces: list[int], files: list[dict[str, int]]) -> dict[str, Any]:
    """The numbers at the settled iteration, and at the end."""
    settled = min(SETTLED, len(memory) - 1)
    return {
        "iterations": len(memory),
        "settled_after": settled,
        "memory_mb": {"settled": round(memory[settled], 1), "end": round(memory[-1], 1), "most": round(max(memory), 1)},
        "memory_mb_every_50": [round(value, 1) for value in memory[49::50]],
        "traces": {"settled": traces[settled], "end": traces[-1]},
        "files": {"settled": len(files[settled]), "end": len(files[-1])},
        "checkpoint_bytes": {"settled": checkpoint_bytes(files[settled]), "end": checkpoint_bytes(files[-1])},
        "log_bytes_per_iteration": round((log_bytes(files[-1]) - log_bytes(files[settled])) / (len(files) - settled)),
    }


def grown(report: dict[str, Any]) -> list[str]:
    """What grew and should not have."""
    memory, traces, files, kept = (report[name] for name in ("memory_mb", "traces", "files", "checkpoint_bytes"))
    limits = {
        "memory_mb": memory["end"] > memory["settled"] * (1 + ALLOWED_GROWTH),
        "traces": traces["end"] > traces["settled"],
        "files": files["end"] > files["settled"],
        "checkpoint_bytes": kept["end"] > kept["settled"] + 200,  # numbers in it get longer
    }
    return [name for name, exceeded in limits.items() if exceeded]


def resident_megabytes() -> float:
    """Memory of this process that is in use now (Linux)."""
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def trace_count(algo: "MAMLAlgo") -> int:
    """How often anything compiled of the algorithm was traced."""
    from meta_policy_search.utils.compiled import trace_counts

    return sum(trace_counts(algo) + trace_counts(vars(algo)["optimizer"]))


def file_sizes(directory: Path) -> dict[str, int]:
    """Bytes of all files in the run's directory."""
    return {str(path.relative_to(directory)): path.stat().st_size for path in directory.rglob("*") if path.is_file()}


def checkpoint_bytes(sizes: dict[str, int]) -> int:
    """Of all checkpoints together."""
    return sum(size for name, size in sizes.items() if name.startswith("checkpoints"))


def log_bytes(sizes: dict[str, int]) -> int:
    """Of the logs, which may grow."""
    return sum(sizes.values()) - checkpoint_bytes(sizes)


if __name__ == "__main__":
    sys.exit(main())
