"""Any grid over settings x seeds, each run a process of its run script; resumable, on joblib's pools.

python experiment_utils/run_sweep.py run_scripts/pro-mp_run_mujoco.py --seeds 1 2 3 --jobs 2 --dump_path data/sweep \\
    --grid inner_lr=0.05,0.1 hidden_sizes=64x64,128x128 --fixed n_itr=100

The same command goes on where it was stopped, and leaves alone what is finished. On a cluster: --backend ray or dask (both
are joblib's; the pool must be up, and the folder shared).
"""

import dataclasses
import itertools
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import joblib
import tyro

from experiment_utils.run_data import BrokenRun, load_run
from experiment_utils.sweep_status import LOG_NAME, Outcome, showing

Value = int | float | bool | str | tuple[int, ...]
Settings = Mapping[str, Value]
State = Literal["new", "begun", "finished"]

STARTED_HERE = "loky"  # joblib's own pool of processes
SCRIPTS = Path(__file__).resolve().parent.parent / "run_scripts"


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a sweep: a run script, where it writes, and the settings that are not the script's defaults."""

    script: Path
    folder: Path
    settings: Settings

    def command(self) -> list[str]:
        """What starts the run, or goes on with it."""
        flags = [word for name, value in self.settings.items() for word in as_flags(name, value)]
        return [sys.executable, str(self.script), "--resume", "--dump_path", str(self.folder), *flags]

    def state(self) -> State:
        """What is in the folder. `n_itr` iterations or more with these settings are a finished run."""
        if not (self.folder / "params.json").exists():
            return "new"
        try:
            run = load_run(self.folder)
        except BrokenRun:
            return "begun"
        rows, saved = len(run.progress), run.config
        n_itr = self.settings.get("n_itr", saved.get("n_itr"))
        same = all(_same(saved.get(name), value) for name, value in self.settings.items() if name != "n_itr")
        return "finished" if same and rows >= n_itr else "begun"


def grid(
    script: Path, root: Path, axes: Mapping[str, Sequence[Value]], seeds: Sequence[int], fixed: Settings | None = None
) -> list[Run]:
    """All combinations of the axes' values, each with every seed, in <root>/<name>-<value>,.../seed_<n>."""
    runs = []
    for values in itertools.product(*axes.values()):
        point = dict(zip(axes, values, strict=True))
        name = ",".join(f"{key}-{as_word(value)}" for key, value in point.items()) or "defaults"
        for seed in seeds:
            runs.append(Run(script, root / name / f"seed_{seed}", {**(fixed or {}), **point, "seed": seed}))
    return runs


def run_sweep(runs: Sequence[Run], jobs: int = 1, backend: str = STARTED_HERE) -> list[Outcome]:
    """Runs what isn't finished, `jobs` at a time; a line of status for each. Failed runs stop nothing.

    Args:
      jobs: runs at a time. One run already simulates on all cores (`parallel`).
      backend: any of joblib's: "loky", "threading", "ray", "dask", or one registered by `joblib.register_parallel_backend`.

    Returns:
      What became of each run, in the order of `runs`.
    """
    folders = [run.folder for run in runs]
    if len(set(folders)) < len(folders):
        raise ValueError("two runs of the sweep have the same folder")
    _register(backend)
    pool = joblib.Parallel(n_jobs=jobs, backend=backend, batch_size=1, pre_dispatch="all")
    with showing(folders):
        return pool(joblib.delayed(execute)(run) for run in runs)


def execute(run: Run) -> Outcome:
    """Starts, resumes or reuses one run, and waits for it. What it prints goes to run.log in its folder."""
    if run.state() == "finished":
        return Outcome(run.folder, 0, reused=True)
    run.folder.mkdir(parents=True, exist_ok=True)
    with (run.folder / LOG_NAME).open("a") as log:
        code = subprocess.run(run.command(), stdout=log, stderr=subprocess.STDOUT, check=False).returncode
    return Outcome(run.folder, code, reused=False)


def report(outcomes: Sequence[Outcome]) -> int:
    """Says what became of the runs and names the failed ones with their logs; returns the exit code."""
    failed = [outcome for outcome in outcomes if outcome.code]
    reused = sum(outcome.reused for outcome in outcomes)
    ran = len(outcomes) - reused - len(failed)
    print(f"{len(outcomes)} runs: {reused} were finished already, {ran} ran, {len(failed)} failed")
    for outcome in failed:
        log = outcome.folder / LOG_NAME
        print(f"failed (exit code {outcome.code}): {outcome.folder}, log {log}: {outcome.last_line()}", file=sys.stderr)
    return 1 if failed else 0


def as_flags(name: str, value: Value) -> list[str]:
    """The command-line words of a setting."""
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    values = value if isinstance(value, tuple) else (value,)
    return [f"--{name}", *map(str, values)]


def as_word(value: Value) -> str:
    """A value in the name of a folder, and on the command line: 64x64 for (64, 64)."""
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def as_value(word: str) -> Value:
    """The inverse of `as_word`."""
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    parts = word.split("x")
    if len(parts) > 1 and all(part.isdigit() for part in parts):
        return tuple(map(int, parts))
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def _same(saved: object, value: Value) -> bool:
    if isinstance(saved, list):
        return saved == (list(value) if isinstance(value, tuple) else [value])
    return saved == value


def _register(backend: str) -> None:
    if backend == "ray":
        from ray.util.joblib import register_ray  # an optional package

        register_ray()


@dataclasses.dataclass(frozen=True)
class Arguments:
    """The command line."""

    script: tyro.conf.Positional[Path]
    """A run script."""
    grid: tuple[str, ...] = ()
    """name=value,value,... for each axis of the grid; 64x64 is a list."""
    fixed: tuple[str, ...] = ()
    """name=value for what all runs share."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """Each point of the grid runs once with each."""
    dump_path: Path = Path("data/sweep")
    """The runs lie below it."""
    jobs: int = 1
    """Runs at a time."""
    backend: str = STARTED_HERE
    """Pool of joblib's: loky, threading, ray, dask, ..."""


def main(argv: list[str] | None = None) -> int:
    """Runs the sweep that the arguments describe; returns the exit code."""
    asked = tyro.cli(Annotated[Arguments, tyro.conf.arg(name="")], args=argv, description=__doc__, use_underscores=True)
    odd = [word for word in asked.grid + asked.fixed if not word.partition("=")[2]]
    if odd or not asked.script.is_file():
        what = f"{odd[0]!r} is not name=value" if odd else f"there is no run script {asked.script}"
        print(f"error: {what}", file=sys.stderr)
        return 2
    axes = {name: [as_value(word) for word in words.split(",")] for name, _, words in (w.partition("=") for w in asked.grid)}
    fixed = {name: as_value(word) for name, _, word in (w.partition("=") for w in asked.fixed)}
    return report(run_sweep(grid(asked.script, asked.dump_path, axes, asked.seeds, fixed), asked.jobs, asked.backend))


if __name__ == "__main__":
    sys.exit(main())
