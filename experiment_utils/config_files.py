"""Settings from and to JSON: config files, also the original's, and what params.json holds."""

import dataclasses
import json
from pathlib import Path
from typing import Any, TypeVar

from experiment_utils.config import Config, Json
from experiment_utils.validation import ConfigError, InvalidSetting, nearest

C = TypeVar("C", bound="Config")
# Keys that params.json files of the original have and that it never reads.
UNREAD_BY_THE_ORIGINAL = {"scope", "exp_tag", "learning_rate", "positive_adv", "entropy_bonus"}


def load_config(path: Path, defaults: C) -> C:
    """`defaults` with the values of a JSON file: one of ours, or a params.json of the original.

    Raises:
      ConfigError: the file is missing or not JSON, or has an unknown key or a value of the wrong kind.
    """
    return config_from_dict(read_config_file(path), defaults, f"the config file {path}")


def read_config_file(path: Path) -> dict[str, Json]:
    """The settings in a JSON file, unchecked.

    Raises:
      ConfigError: the file is missing, or not JSON, or no object.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"can't read the config file {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"the config file {path} is not JSON: {error}") from error
    values = values.get("config", values) if isinstance(values, dict) else values
    if not isinstance(values, dict):
        raise ConfigError(f"the config file {path} holds no JSON object with settings")
    return values


def config_from_dict(values: object, defaults: C, source: str) -> C:
    """`defaults` with other values; class names of the original ({"$class": "module.Class"}) become plain names.

    Args:
      values: from a file, which may be untrusted: to import a module:Class that it names would run that code.
      source: what to call the file in messages.

    Raises:
      ConfigError: an unknown key, or a value of the wrong kind.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"{source} holds no JSON object with settings")
    known = [field.name for field in dataclasses.fields(defaults)]
    algo = values.get("algo", defaults.algo)
    if algo != defaults.algo:
        raise ConfigError(f"{source} is for {algo}, this script trains {defaults.algo}")
    changes: dict[str, Any] = {}  # the dataclass checks them
    for name, value in values.items():
        if name in known:
            changes[name] = _class_name(value)
        elif name != "algo" and name not in UNREAD_BY_THE_ORIGINAL:
            raise ConfigError(f"{source} has the unknown key {name!r}; {nearest(name, known)}")
    try:
        return dataclasses.replace(defaults, **changes)
    except InvalidSetting as error:
        raise ConfigError(f"{source} can't be used: {error}") from error


def config_to_dict(config: Config) -> dict[str, object]:
    """What params.json holds of a config."""
    return {"algo": config.algo, **dataclasses.asdict(config)}


def may_change(config_type: type[Config]) -> list[str]:
    """Return the settings that a resumed run may change: how long it is, and those that change no number."""
    fields = dataclasses.fields(config_type)
    return ["n_itr", *(field.name for field in fields if not field.metadata.get("changes_numbers", True))]


def _class_name(value: Json) -> Json:
    """Return the plain name where the original's params.json has a class."""
    kind = value.get("$class") if isinstance(value, dict) else None
    return kind.rpartition(".")[2] if isinstance(kind, str) else value
