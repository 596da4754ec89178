"""A planned run: a run script, where it writes, its settings, and what is there already."""

import dataclasses
import json
import math
import re
import runpy  # noqa: TID251, of the script that the user names
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from experiment_utils.algorithms import of_script
from experiment_utils.config import Config
from experiment_utils.runs.results import MAY_DIFFER, RunData, load_run
from experiment_utils.runs.run_dir import InvalidRunError, RunDir
from meta_policy_search.utils.checkpoint_files import newest_checkpoint

Settings = Mapping[str, object]  # by the names of a config's fields
State = Literal["new", "begun", "finished"]

# a script that says what it sets, and does nothing else when it is imported
DECLARES = re.compile(r"^(DEFAULTS\b|[^\n#]*\bregister_algorithm\().*^if __name__ == .__main__.:", re.MULTILINE | re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a sweep: a run script, where it writes, and the settings that are not the script's defaults."""

    script: Path
    folder: Path
    settings: Settings

    def command(self) -> list[str]:
        """What starts the run, or goes on with it."""
        settings = {**self.settings, "n_itr": self.n_itr} if self.n_itr is not None else self.settings
        flags = [word for name, value in settings.items() for word in as_flags(name, value)]
        return [sys.executable, str(self.script), "--resume_or_start", "--dump_path", str(self.folder), *flags]

    @property
    def n_itr(self) -> int | None:
        """How many iterations the run has when it is finished; None if neither the settings nor the script tell."""
        n_itr = self.settings.get("n_itr", defaults_of(self.script).get("n_itr"))
        return n_itr if isinstance(n_itr, int) else None

    def state(self, folder: Path | None = None) -> State:
        """What is in the run's directory, or another. With `n_itr` iterations of these settings, or more, it is finished."""
        folder = folder or self.folder
        if not (folder / "params.json").exists():
            return "new"
        try:
            run = load_run(folder)
        except InvalidRunError:
            return "begun"
        n_itr = self.n_itr or run.config.get("n_itr", math.inf)  # params.json may have lost it
        saved = newest_checkpoint(RunDir(folder).checkpoints)  # a killed run may have its last row without a checkpoint
        whole = len(run.progress) >= n_itr and (saved is None or saved >= n_itr)
        return "finished" if whole and not self.differing_from(run) else "begun"

    def continues(self, folder: Path) -> bool:
        """Whether a run with these settings, but for `n_itr`, is in the folder."""
        try:
            return not self.differing_from(load_run(folder))
        except InvalidRunError:
            return False

    def differing(self) -> list[str]:
        """The settings in which the run in the folder is another one; none if there is no run that can be read."""
        try:
            return self.differing_from(load_run(self.folder)) if (self.folder / "params.json").exists() else []
        except InvalidRunError:
            return []

    def differing_from(self, run: RunData) -> list[str]:
        """The settings, `n_itr` aside, in which a run is another than this one.

        A setting that the run's params.json doesn't have is the script's default, as when it is resumed.
        """
        defaults = defaults_of(self.script)
        wanted = {**defaults, **self.settings}
        names = [name for name in wanted if name == "seed" or name not in MAY_DIFFER]
        return sorted(name for name in names if not _same(run.config.get(name, defaults.get(name)), wanted[name]))


def defaults_of(script: Path) -> Settings:
    """Return what a run script sets where nothing is given, and `algo`; nothing if it does not say so."""
    defaults = config_of(script)
    return {} if defaults is None else {"algo": defaults.algo, **dataclasses.asdict(defaults)}


def config_of(script: Path) -> Config | None:
    """Return the settings of a run script where nothing is given; None if it does not say so.

    A script that is in no entry of the registry is executed if it has DEFAULTS or registers an algorithm.
    """
    return _registered(script) or _declared(script)


def _registered(script: Path) -> Config | None:
    entry = of_script(script)
    return entry.defaults if entry else None


def _declared(script: Path) -> Config | None:
    if not script.is_file() or not DECLARES.search(script.read_text(encoding="utf-8")):
        return None
    try:
        names = runpy.run_path(str(script))
    except (Exception, SystemExit):  # its run will say what is wrong with it
        return None
    return names.get("DEFAULTS") or _registered(script)


def as_flags(name: str, value: object) -> list[str]:
    """The command-line words of a setting."""
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    if isinstance(value, dict):
        return [f"--{name}", json.dumps(value)]
    values = value if isinstance(value, tuple) else (value,)
    return [f"--{name}", *map(str, values)]


def as_word(value: object) -> str:
    """A value in the name of a folder, and on the command line: 64x64 for (64, 64)."""
    if isinstance(value, dict):
        return "_".join(f"{name}-{part}" for name, part in value.items())
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _same(saved: object, value: object) -> bool:
    if isinstance(saved, list):
        return saved == (list(value) if isinstance(value, tuple) else [value])
    return saved == value
