"""The directory of a run and what lies in it."""

import contextlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from experiment_utils.algorithms import same_class
from experiment_utils.config import Config
from experiment_utils.config_files import config_to_dict
from experiment_utils.validation import ConfigError
from meta_policy_search import __version__
from meta_policy_search.utils.atomic_write import atomic_write

LOG_NAME = "run.log"  # what a run of a sweep prints
RECORDED_PACKAGES = ("tensorflow", "tensorflow-probability", "numpy", "mujoco", "gymnasium")
RECORDED_VARIABLES = ("TF_ENABLE_ONEDNN_OPTS",)  # what else of the environment changes the last digits


class InvalidRunError(ConfigError):
    """A directory whose files don't describe a run."""


class RunDir:
    """params.json, progress.csv, tb/, checkpoints/, policies/, tasks.jsonl and learning_curve.pdf, .png of one run."""

    def __init__(self, path: Path):
        self.path = path
        self.params, self.progress = path / "params.json", path / "progress.csv"
        self.checkpoints, self.tensorboard = path / "checkpoints", path / "tb"
        self.policies, self.task_log = path / "policies", path / "tasks.jsonl"
        self._lock_path = path / ".lock"
        self._lock = FileLock(self._lock_path, blocking=False, fallback_to_soft=False)
        self._earlier: frozenset[Path] = frozenset()

    @staticmethod
    def default_path(algo: str) -> Path:
        """A folder of its own for a run that was given none."""
        return Path("data") / algo.lower() / f"run_{time.time_ns() // 1_000_000}"

    def holds_a_run(self) -> bool:
        """Whether there is a run, or what is left of one."""
        return self.params.exists() or self.progress.exists()

    def require_free(self) -> None:
        """Raise ConfigError if there is a run already: it is never overwritten."""
        if self.holds_a_run():
            raise ConfigError(f"{self.path} already holds a run; go on with it by --resume, or choose another --dump_path")

    def create(self) -> None:
        """Make the directory, or raise ConfigError. What an earlier run left there is noted, for `remove_unless_kept`."""
        try:
            self._earlier = frozenset(self._files())
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise ConfigError(f"can't write to the dump path {self.path}: {error.strerror}") from error

    def lock(self) -> None:
        """Make this process the only one that writes here; when it ends, however, the system takes the lock back.

        Raises:
          ConfigError: another process has it.
        """
        try:
            self._lock.acquire()
        except Timeout:
            owner = self._lock_path.read_text(errors="replace")[:100].strip() or "another process"
            where = "wait for its end, stop it, or choose another --dump_path"
            raise ConfigError(f"{self.path} is being written by {owner}; {where}") from None
        except OSError as error:  # some network file systems have no locks
            print(f"warning: {self.path} can't be locked ({error.strerror}); start no other run there", file=sys.stderr)
        else:
            self._lock_path.write_text(f"process {os.getpid()} on {platform.node()}\n")

    def unlock(self) -> None:
        """Undo `lock` before the process ends."""
        self._lock.release()

    def is_locked(self) -> bool:
        """Whether another process has the lock."""
        if not self._lock_path.exists():  # to ask is no reason to make it
            return False
        try:
            with self._lock:
                return False
        except Timeout:
            return True
        except OSError:  # the file system has no locks
            return False

    def require_no_links(self) -> None:
        """Raise ConfigError for links out of the directory: what they point to would be overwritten. No run makes any."""
        inside = self.path.resolve()
        for path in self.path.rglob("*"):
            if path.is_symlink() and not path.resolve().is_relative_to(inside):
                raise ConfigError(f"{path} is a link out of the run's directory; replace it by what it points to")

    def is_kept(self) -> bool:
        """Whether the run stays when this process ends: an earlier one began it, or it has a finished iteration."""
        if self._earlier & {self.params, self.progress}:
            return True
        return self.progress.exists() and self.progress.read_bytes().count(b"\n") > 1  # a header and a row

    def remove_unless_kept(self) -> None:
        """Undo `create` and `lock` where nothing came of the run, so that the same command can be given again."""
        if self.is_kept():
            return
        for path in sorted(set(self._files()) - self._earlier, reverse=True):  # contents before their directory
            path.rmdir() if path.is_dir() else path.unlink()
        if [path.name for path in self.path.iterdir()] == [self._lock_path.name]:
            self._lock_path.unlink()
        with contextlib.suppress(OSError):  # it is not empty
            self.path.rmdir()

    def _files(self) -> Iterator[Path]:
        """The files and directories of a run that exist, but for its pictures."""
        for path in (self.params, self.progress, self.task_log, self.checkpoints, self.tensorboard, self.policies):
            if path.exists():
                yield path
            yield from path.rglob("*")

    def read_config(self) -> dict[str, Any] | None:
        """Return the config in params.json, or None if there is no run here."""
        if not self.params.exists():
            return None
        try:
            return read_params(self.params)["config"]
        except InvalidRunError as error:
            raise ConfigError(f"{error}; put it back, or choose another --dump_path") from error

    def require_config(self) -> dict[str, Any]:
        """Return the config in params.json; raise ConfigError if there is no run here."""
        saved = self.read_config()
        if saved is None:
            raise ConfigError(f"there is no run in {self.path}: it has no {self.params.name}")
        return saved

    def require_class(self, name: str) -> None:
        """Raise ConfigError if the run was trained by another class of algorithm than that of this name."""
        saved = read_params(self.params).get("algorithm_class")
        if isinstance(saved, str) and not same_class(saved, name):
            what = f"the run in {self.path} was trained by the algorithm {saved}, not by {name}"
            raise ConfigError(f"{what}; register_algorithm gives an algorithm of your own an entry and a config class")

    def write_params(self, config: Config, algorithm_class: str) -> None:
        """Write params.json of a run that begins, whole or not at all."""
        self._write_params({"config": config_to_dict(config), "algorithm_class": algorithm_class, **_provenance()})

    def add_resumption(self, config: Config, itr: int) -> None:
        """Notes in params.json by which code the run goes on from iteration `itr`, and what settings have changed."""
        params = read_params(self.params)
        earlier = params.get("resumed")
        resumed = [*(earlier if isinstance(earlier, list) else []), {"itr": itr, **_provenance()}]
        self._write_params({**params, "config": config_to_dict(config), "resumed": resumed})

    def _write_params(self, params: dict[str, object]) -> None:
        atomic_write(self.params, json.dumps(params, indent=2) + "\n")


def read_params(path: Path) -> dict[str, Any]:
    """Return what a params.json holds; its "config" is an object.

    Raises:
      InvalidRunError: the file can't be read, or is not what a run writes.
    """
    try:
        params = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(params["config"], dict):
            raise TypeError("its config is no JSON object")
    except OSError as error:
        raise InvalidRunError(f"{path} can't be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidRunError(f"{path} does not hold the settings of a run ({error})") from error
    return params


def _provenance() -> dict[str, object]:
    """What the numbers of a run depend on, besides its settings."""
    versions = {name: importlib.metadata.version(name) for name in RECORDED_PACKAGES}
    return {
        "versions": {"python": sys.version.split()[0], "meta_policy_search": __version__, **versions},
        "environment": {name: os.environ.get(name) for name in RECORDED_VARIABLES},
        "git_commit": _git_commit(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


def _git_commit() -> str | None:
    """The commit of the code that runs; "-dirty" if it was changed since. Outside a repository: GIT_COMMIT, or None."""
    here = Path(__file__).parent
    try:
        command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        result = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return os.environ.get("GIT_COMMIT") or None  # as the Docker image has it
    return result.stdout.strip()
