"""Any grid over settings x seeds, each run a process of its run script; resumable, on joblib's pools.

python experiment_utils/run_sweep.py run_scripts/pro-mp_run_mujoco.py --seeds 1 2 3 --jobs 2 --dump_path data/sweep \\
    --grid inner_lr=0.05,0.1 hidden_sizes=64x64,128x128 --fixed n_itr=100

The same command goes on where it was stopped, and leaves alone what is finished. On a Ray cluster: --cluster auto, or
--cluster ray://host:10001; --dump_path must be a folder that all its machines share.
"""

import ctypes
import dataclasses
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import joblib
import tyro

from experiment_utils.algorithms import find_algorithm
from experiment_utils.cli import flags_of, parse_arguments
from experiment_utils.config import Config, ConfigError, Count, InvalidSetting, Natural, Validated, expected_values, nearest
from experiment_utils.display import Outcome, showing
from experiment_utils.runs.run_dir import LOG_NAME, RunDir
from experiment_utils.runs.run_spec import Run, Settings, Value, as_flags, as_word, config_of, defaults_of
from experiment_utils.script import run_script
from experiment_utils.train_args import require_usable

PR_SET_PDEATHSIG = 1  # of Linux's prctl
PATIENCE = 60.0  # s that a run of a lost machine may take to end there, where the machine itself is not lost
RAY_TOKEN = "~/.ray/auth_token"  # made by Ray where a cluster was started
STARTED_HERE = "loky"  # joblib's own pool of processes
SAID_BY_FLAGS = {"seed": "--seeds gives the seeds", "dump_path": "--dump_path gives the folder of all runs"}
SAID_BY_FLAGS |= dict.fromkeys(("resume", "resume_or_start"), "runs are resumed anyway")
SAID_BY_FLAGS |= {"config_file": "--fixed gives what all runs share"}


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


def as_value(word: str) -> Value:
    """The inverse of `as_word`; {...} is a JSON object."""
    if word.startswith("{"):
        return json.loads(word)
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


def as_values(words: str) -> list[Value]:
    """Return the values of an axis of the grid: separated by commas, of which those within a JSON object are none.

    Raises:
      ValueError: a value that begins with { is no JSON object, or a value is empty.
    """
    values, rest = [], words
    while True:
        if rest.startswith("{"):
            value, end = _leading_object(rest)
            values.append(value)
        else:
            end = rest.index(",") if "," in rest else len(rest)
            if not rest[:end]:
                raise ValueError(f"{words!r} has an empty value")
            values.append(as_value(rest[:end]))
        if end == len(rest):
            return values
        if rest[end] != ",":
            raise ValueError(f"{words!r} has {rest[end:]!r} after a JSON object; a comma separates values")
        rest = rest[end + 1 :]


def _leading_object(words: str) -> tuple[dict, int]:
    """Return the JSON object that the words begin with, and where it ends."""
    try:
        return json.JSONDecoder().raw_decode(words)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{words!r} is no JSON object ({error})") from error


def _name_and_rest(word: str) -> tuple[str, str]:
    name, _, rest = word.partition("=")
    return name.replace("-", "_"), rest


def _ray_pool(address: str, jobs: int) -> tuple[joblib.Parallel, Callable]:
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


@dataclasses.dataclass(frozen=True)
class Args(Validated):
    """The command line."""

    script: tyro.conf.Positional[Path]
    """A run script, or the name of an algorithm."""
    grid: tuple[str, ...] = ()
    """name=value,value,... for each axis of the grid; 64x64 is a list."""
    fixed: tuple[str, ...] = ()
    """name=value for what all runs share."""
    seeds: tuple[Natural, ...] = (1, 2, 3)
    """Each point of the grid runs once with each."""
    dump_path: Path = Path("data/sweep")
    """The runs lie below it."""
    jobs: Count = 1
    """Runs at a time."""
    backend: str = STARTED_HERE
    """Pool of joblib's: loky, threading or multiprocessing."""
    cluster: str | None = None
    """A Ray cluster to run on instead: auto, or ray://host:port."""
    cpus_per_run: Count = 1
    """Cores of the cluster that each run reserves."""


def main(argv: list[str] | None = None) -> int:
    """Run the sweep that the arguments describe; return the exit code."""
    return run_script(lambda: _main(argv), interrupted="Stopped. The same command goes on where it was.")


def _main(argv: list[str] | None) -> int:
    args = parse_arguments(Args, __doc__, argv)
    try:
        runs = _planned(args)
        outcomes = run_sweep(runs, args.jobs, args.backend, args.cluster, args.cpus_per_run)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return report(outcomes)


def _planned(args: Args) -> list[Run]:
    """Return the runs that the arguments describe.

    Raises:
      ValueError: no run could begin.
    """
    _require_settings(args.grid + args.fixed)
    script, variant = _script(args.script)
    if not args.seeds:
        raise ValueError("--seeds needs a seed or several")
    if args.cluster is None and args.cpus_per_run != Args.cpus_per_run:
        raise ValueError("--cpus_per_run has no effect without --cluster; leave it out")
    if args.cluster is not None and args.backend != Args.backend:
        raise ValueError("--backend has no effect on --cluster; leave it out")
    axes = {name: as_values(words) for name, words in map(_name_and_rest, args.grid)}
    fixed = {name: _one_value(name, words) for name, words in map(_name_and_rest, args.fixed)}
    _require_known(script, [*axes, *fixed])
    fixed = {**variant, **fixed}
    runs = grid(script, args.dump_path, axes, args.seeds, fixed)
    for run in runs[:: len(args.seeds)]:  # one of each point of the grid
        _require_valid(run)
    return runs


def _script(script: Path) -> tuple[Path, Settings]:
    """Return the run script, and the settings that make it train the algorithm that was named instead of it."""
    if script.is_file():
        return script, {}
    try:
        entry = find_algorithm(str(script))
    except ConfigError as error:
        raise ValueError(f"there is no run script {script}, and {str(error).removeprefix('there is ')}") from error
    return entry.script, entry.variant


def _require_settings(words: Sequence[str]) -> None:
    """Raise ValueError for what is no name=value, is given twice, or has a flag of its own."""
    names = [_name_and_rest(word)[0] for word in words]
    for name, word in zip(names, words, strict=True):
        if not word.partition("=")[2]:
            raise ValueError(f"{word!r} is not name=value")
        if name in SAID_BY_FLAGS:
            raise ValueError(f"{name} is no setting of the grid; {SAID_BY_FLAGS[name]}")
        if names.count(name) > 1:
            raise ValueError(f"{name} is given twice in --grid and --fixed")


def _one_value(name: str, words: str) -> Value:
    values = as_values(words)
    if len(values) > 1:
        raise ValueError(f"{name}={words} are {len(values)} values for what all runs share; --grid takes several")
    return values[0]


def _require_valid(run: Run) -> None:
    """Raise ConfigError where the run's script would refuse its settings, as far as the script says what it takes."""
    defaults = config_of(run.script)
    if not isinstance(defaults, Config):
        return
    for flag in flags_of(type(defaults)):
        value = run.settings.get(flag.name)
        if value is not None and flag.is_switch is not isinstance(value, bool):
            raise InvalidSetting(flag.name, value, expected_values(flag.hint))
    words = [word for name, value in run.settings.items() for word in as_flags(name, value)]
    try:
        config = parse_arguments(type(defaults), "", words, defaults)
    except ConfigError as error:
        raise ConfigError(str(error.__cause__ or error)) from error
    require_usable(config, defaults)


def _require_known(script: Path, names: Sequence[str]) -> None:
    """Raise ValueError for a name that is no setting of the run script, if the script declares its settings."""
    known = [name for name in defaults_of(script) if name != "algo" and name not in SAID_BY_FLAGS]
    for name in names:
        if known and name not in known:
            raise ValueError(f"{name} is no setting of {script.name}; {nearest(name, known)}")


if __name__ == "__main__":
    sys.exit(main())
