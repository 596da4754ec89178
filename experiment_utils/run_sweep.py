"""Any grid over settings x seeds, each run a process of its run script; resumable, on joblib's pools.

python experiment_utils/run_sweep.py run_scripts/pro-mp_run_mujoco.py --seeds 1 2 3 --jobs 2 --dump_path data/sweep \\
    --grid inner_lr=0.05,0.1 hidden_sizes=64x64,128x128 --fixed n_itr=100

The same command goes on where it was stopped, and leaves alone what is finished. On a Ray cluster: --cluster auto, or
--cluster ray://host:10001; --dump_path must be a folder that all its machines share.
"""

import ctypes
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import joblib

from experiment_utils.cli import parse_arguments
from experiment_utils.display import Outcome, showing
from experiment_utils.runs.run_dir import LOG_NAME, RunDir
from experiment_utils.runs.run_spec import Run
from experiment_utils.script import run_script
from experiment_utils.sweep_plan import STARTED_HERE, Args, grid, planned
from experiment_utils.validation import ConfigError

__all__ = ["Run", "execute", "grid", "main", "report", "run_sweep"]

PR_SET_PDEATHSIG = 1  # of Linux's prctl
PATIENCE = 60.0  # s that a run of a lost machine may take to end there, where the machine itself is not lost
RAY_TOKEN = "~/.ray/auth_token"  # noqa: S105, a path; made by Ray where a cluster was started


def run_sweep(
    runs: Sequence[Run], jobs: int = 1, backend: str = STARTED_HERE, cluster: str | None = None, cpus_per_run: int = 1
) -> list[Outcome]:
    """Runs what isn't finished, `jobs` at a time; a line of status for each. Failed runs stop nothing.

    Args:
      jobs: runs at a time. One run already simulates on all cores (`parallel`).
      backend: any of joblib's: "loky", "threading", "dask", or one registered by `joblib.register_parallel_backend`.
      cluster: instead, a Ray cluster: "auto" or "ray://host:port". A run whose machine is lost goes on on another.
      cpus_per_run: cores of the cluster that each run reserves.

    Returns:
      What became of each run, in the order of `runs`.

    Raises:
      ValueError: two runs have the same folder, or there is no such cluster.
    """
    folders = [run.folder for run in runs]
    if len(set(folders)) < len(folders):
        raise ConfigError("two runs of the sweep have the same folder")
    if cluster is None:
        with joblib.parallel_config(backend=backend):  # unlike Parallel's argument, it knows joblib's external backends
            pool = joblib.Parallel(n_jobs=jobs, batch_size=1, pre_dispatch="all")
        calls = [joblib.delayed(execute)(run) for run in runs]
    else:
        pool, on_any_machine = _ray_pool(cluster, jobs)
        runs = [dataclasses.replace(run, script=run.script.absolute(), folder=run.folder.absolute()) for run in runs]
        calls = [joblib.delayed(on_any_machine)(execute, cpus_per_run, run, PATIENCE) for run in runs]
    with showing(folders, {run.folder for run in runs if run.state() == "finished"}):
        return pool(calls)


def execute(run: Run, patience: float = 0.0) -> Outcome:
    """Starts, resumes or reuses one run, and waits for it. What it prints goes to run.log in its folder.

    The run's process ends with the one that calls this, also if that is killed. One that still has the folder is waited
    for, `patience` seconds at most.
    """
    try:
        return _execute(run, patience)
    except OSError as error:
        return Outcome(run.folder, 1, reused=False, error=f"can't write {error.filename} ({error.strerror or error})")


def _execute(run: Run, patience: float) -> Outcome:
    if run.state() == "finished":
        return Outcome(run.folder, 0, reused=True)
    if differing := run.differing():
        error = f"{run.folder} has a run with another {', '.join(differing)}; move it, or choose another --dump_path"
        return Outcome(run.folder, 2, reused=False, error=error)
    run.folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + patience
    while RunDir(run.folder).is_locked() and time.monotonic() < deadline:
        time.sleep(0.5)
    with (run.folder / LOG_NAME).open("a") as log:
        process = subprocess.run(run.command(), stdout=log, stderr=log, preexec_fn=_end_with_parent, check=False)
    return Outcome(run.folder, process.returncode, reused=False)


def report(outcomes: Sequence[Outcome]) -> int:
    """Says what became of the runs and names the failed ones with their logs; returns the exit code."""
    failed = [outcome for outcome in outcomes if outcome.code]
    reused = sum(outcome.reused for outcome in outcomes)
    ran = len(outcomes) - reused - len(failed)
    print(f"{len(outcomes)} runs: {reused} were finished already, {ran} ran, {len(failed)} failed")
    for outcome in failed:
        print(f"failed (exit code {outcome.code}): {outcome.what_failed()}", file=sys.stderr)
    return 1 if failed else 0


def _ray_pool(address: str, jobs: int) -> tuple[joblib.Parallel, Callable[..., object]]:
    if address.startswith("ray://") and Path(os.path.expanduser(RAY_TOKEN)).exists():
        os.environ.setdefault("RAY_AUTH_MODE", "token")  # Ray does it by itself for other addresses; before the import
    try:
        from experiment_utils.ray_cluster import on_any_machine, ray_pool
    except ImportError as error:
        raise ConfigError(f"a cluster needs the package ray ({error}): pip install 'ray>=2.50'") from error
    try:
        return ray_pool(address, jobs), on_any_machine
    except ConnectionError as error:
        raise ConfigError(f"there is no Ray cluster at {address!r}; `ray start --head` starts one ({error})") from error


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main(argv: list[str] | None = None) -> int:
    """Run the sweep that the arguments describe; return the exit code."""
    return run_script(lambda: _main(argv), interrupted="Stopped. The same command goes on where it was.")


def _main(argv: list[str] | None) -> int:
    args = parse_arguments(Args, __doc__, argv)
    try:
        runs = planned(args)
        outcomes = run_sweep(runs, args.jobs, args.backend, args.cluster, args.cpus_per_run)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return report(outcomes)


if __name__ == "__main__":
    sys.exit(main())
