"""Compares the package with numbers that the original code recorded: `python -m tests.reference FILE...`.

Prints the deviation of every quantity in every file beside its tolerance. Exit code 0: all are within it; 1: some are not;
2: a file is missing or of no known kind. What a file holds is recognised by its keys or its name, and all settings are read
from the file. Each kind of file has a module with `compare(path)`, the deviations by quantity, and
`tolerance(path, quantity)`.
"""

import argparse
import importlib
import os
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

ALGORITHMS, ENVIRONMENTS, PROCESSING = "tests.meta_algos.reference", "tests.env_reference", "tests.processing_reference"

KIND_OF_KEY = {"config/algo": ALGORITHMS, "start_qpos": ENVIRONMENTS, "qacc_warmstart": ENVIRONMENTS}
KIND_OF_PREFIX = {"corner_": ENVIRONMENTS, "momentum_": ENVIRONMENTS, "walls_": ENVIRONMENTS, "v2/": ENVIRONMENTS}
KIND_OF_NAME = {
    name: PROCESSING for name in ("baselines", "sample_processors", "dice_sample_processors", "normalized_env", "misc")
}


class UnknownFileError(ValueError):
    """The file is missing, unreadable or of no kind that is known here; the message is one sentence."""


def module_for(path: Path) -> ModuleType:
    """The module that compares files of this kind, imported only now: TensorFlow and MuJoCo take seconds."""
    if not path.is_file():
        raise UnknownFileError(f"{path}: there is no such file")
    try:
        with np.load(path, allow_pickle=False) as data:
            keys = data.files
    except (ValueError, OSError, AttributeError, zipfile.BadZipFile) as error:
        raise UnknownFileError(f"{path}: not an .npz file with the original's numbers") from error
    kinds = [kind for key, kind in KIND_OF_KEY.items() if key in keys]
    kinds += [kind for prefix, kind in KIND_OF_PREFIX.items() if any(key.startswith(prefix) for key in keys)]
    kinds += [kind for name, kind in KIND_OF_NAME.items() if path.stem == name]
    if not kinds:
        raise UnknownFileError(f"{path}: neither its keys nor its name tell what the original's numbers in it are")
    return importlib.import_module(kinds[0])


def deviations(path: Path) -> dict[str, tuple[float, float]]:
    """(deviation, tolerance) of every quantity in a file."""
    module = module_for(path)
    return {name: (value, module.tolerance(path, name)) for name, value in module.compare(path).items()}


def nans_agree(value: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both arrays of one shape with 0 where both are NaN: the original's own step is NaN off-policy in two cases."""
    agree = np.isnan(value) & np.isnan(expected)
    return np.where(agree, 0.0, value), np.where(agree, 0.0, expected)


def within(deviation: float, tolerance: float) -> bool:
    """Whether a deviation is tolerated. A NaN never is."""
    return bool(deviation <= tolerance)


def report(path: Path) -> bool:
    """Prints the comparison of a file; True if everything in it is within its tolerance."""
    print(path)
    results = deviations(path)
    for name, (deviation, tolerance) in results.items():
        mark = "ok  " if within(deviation, tolerance) else "FAIL"
        print(f"  {mark} {deviation:9.2e} <= {tolerance:7.1e}  {name}")
    return bool(results) and all(within(*result) for result in results.values())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reference", description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help=".npz with numbers of the original code")
    files = parser.parse_args(arguments).files
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        for path in files:
            module_for(path)
        good = [report(path) for path in files]
    except UnknownFileError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{sum(good)} of {len(good)} files agree with the original")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
