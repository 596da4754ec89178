"""What a sweep is to run: from the words of its command line to planned runs, each checked before the first begins."""

import dataclasses
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import tyro

from experiment_utils.algorithms import find_algorithm
from experiment_utils.cli import parse_arguments
from experiment_utils.config import Config
from experiment_utils.flags import flags_of
from experiment_utils.runs.run_spec import Run, Settings, as_flags, as_word, config_of, defaults_of
from experiment_utils.train_args import require_usable
from experiment_utils.validation import ConfigError, Count, InvalidSetting, Natural, Validated, expected_values, nearest

STARTED_HERE = "loky"  # joblib's own pool of processes
SAID_BY_FLAGS = {"seed": "--seeds gives the seeds", "dump_path": "--dump_path gives the folder of all runs"}
SAID_BY_FLAGS |= dict.fromkeys(("resume", "resume_or_start"), "runs are resumed anyway")
SAID_BY_FLAGS |= {"config_file": "--fixed gives what all runs share"}


def grid(
    script: Path, root: Path, axes: Mapping[str, Sequence[object]], seeds: Sequence[int], fixed: Settings | None = None
) -> list[Run]:
    """All combinations of the axes' values, each with every seed, in <root>/<name>-<value>,.../seed_<n>."""
    runs = []
    for values in itertools.product(*axes.values()):
        point = dict(zip(axes, values, strict=True))
        name = ",".join(f"{key}-{as_word(value)}" for key, value in point.items()) or "defaults"
        for seed in seeds:
            runs.append(Run(script, root / name / f"seed_{seed}", {**(fixed or {}), **point, "seed": seed}))
    return runs


def as_value(word: str) -> object:
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


def as_values(words: str) -> list[object]:
    """Return the values of an axis of the grid: separated by commas, of which those within a JSON object are none.

    Raises:
      ValueError: a value that begins with { is no JSON object, or a value is empty.
    """
    values: list[object] = []
    rest = words
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


def _leading_object(words: str) -> tuple[dict[str, object], int]:
    """Return the JSON object that the words begin with, and where it ends."""
    try:
        return json.JSONDecoder().raw_decode(words)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{words!r} is no JSON object ({error})") from error


def _name_and_rest(word: str) -> tuple[str, str]:
    name, _, rest = word.partition("=")
    return name.replace("-", "_"), rest


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


def planned(args: Args) -> list[Run]:
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


def _one_value(name: str, words: str) -> object:
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
