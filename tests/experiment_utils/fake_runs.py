"""Run directories as a run leaves them, with numbers that the tests choose."""

import json
from collections.abc import Sequence
from pathlib import Path

TIMES = {
    "Step_0-EnvExecTime": 1.0,
    "Step_1-EnvExecTime": 2.0,
    "Step_0-PolicyExecTime": 0.5,
    "Time-OuterStep": 1.0,
    "ItrTime": 6.0,
}


def write_run(folder: Path, returns: Sequence[float], extra: dict[str, Sequence[float]] | None = None, **config) -> Path:
    """A run with these returns after adaptation, 100 env steps per iteration, 6 s each."""
    config = {"algo": "ProMP", "seed": 1, "env": "HalfCheetahRandDirecEnv", "num_inner_grad_steps": 1, **config}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.json").write_text(json.dumps({"config": {"n_itr": len(returns), **config}}))
    last = f"Step_{config['num_inner_grad_steps']}-AverageReturn"
    columns = {
        "Itr": range(len(returns)),
        "n_timesteps": [100 * (i + 1) for i in range(len(returns))],
        last: returns,
        "Time": [6.0 * (i + 1) for i in range(len(returns))],
        **{name: [seconds] * len(returns) for name, seconds in TIMES.items()},
        **(extra or {}),
    }
    lines = [",".join(columns), *(",".join(map(repr, row)) for row in zip(*columns.values(), strict=True))]
    (folder / "progress.csv").write_text("\n".join(lines) + "\n")
    return folder
