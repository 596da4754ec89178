"""Algorithms that a user's own code registers, for commands that don't import it."""

import importlib
import os
import runpy  # noqa: TID251, of the file that the user names
import sys
from pathlib import Path

from experiment_utils.algorithms import algorithms
from experiment_utils.validation import ConfigError


def import_algorithms(module: str) -> None:
    """Execute a user's code that registers algorithms: a module that can be imported, or the path of a .py file.

    Raises:
      ConfigError: there is no such module, or it registers none.
    """
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    before = algorithms()
    try:
        if module.endswith(".py"):
            runpy.run_path(module, run_name=Path(module).stem)
        else:
            importlib.import_module(module)  # noqa: TID251, that the user names
    except (ImportError, OSError, ValueError) as error:
        raise ConfigError(f"can't import the algorithms of {module}: {error}") from error
    if algorithms() == before:
        raise ConfigError(f"{module} registers no algorithm; register_algorithm(Algorithm(...)) at its top level does")
