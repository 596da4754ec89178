"""The cases: the input of one meta-update, and what comes out of it. Numpy only."""

import zipfile
from pathlib import Path
from typing import Literal, NamedTuple, TypedDict, cast

import numpy as np

CASES = Path(__file__).parent / "cases"

InnerObjective = Literal["likelihood_ratio", "log_likelihood", "loaded_dice", "dice"]
OuterObjective = Literal["clipped_ratio", "likelihood_ratio", "log_likelihood", "dice"]
Arrays = dict[str, np.ndarray]


class Settings(TypedDict):
    """The algorithm of a case. README.md says what each setting means."""

    inner_lr: float
    first_order: bool
    exploration: bool
    clip_eps: float
    kl_coeff: float
    loaded_dice_lambda: float
    inner_objective: InnerObjective
    outer_objective: OuterObjective
    learning_rate: float
    adam_steps: int
    num_inner_grad_steps: int


class Case(NamedTuple):
    """One meta-update of an algorithm. README.md says what each array is."""

    name: str
    settings: Settings
    params: Arrays  # theta by name
    batches: list[Arrays]  # of the steps 0..K, as they were sampled
    expected: Arrays  # quantities by name; an adapter gets none of them

    def inputs(self) -> "Case":
        """What an adapter gets: copies, without what is expected."""
        copied = [{name: value.copy() for name, value in batch.items()} for batch in self.batches]
        return Case(self.name, self.settings.copy(), {name: value.copy() for name, value in self.params.items()}, copied, {})


def load_case(path: Path) -> Case:
    """Read a case.

    Raises:
      ValueError: the file is none.
    """
    try:
        with np.load(path, allow_pickle=False) as data:  # noqa: TID251
            arrays = dict(data)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no case: {error}") from error
    settings = cast("Settings", {name: value.item() for name, value in _below("settings", arrays).items()})
    if "num_inner_grad_steps" not in settings:
        raise ValueError(f"{path} is no case: it has no settings/num_inner_grad_steps")
    batches = [_below(f"batch{k}", arrays) for k in range(settings["num_inner_grad_steps"] + 1)]
    return Case(path.stem, settings, _below("params", arrays), batches, _below("expected", arrays))


def save_case(case: Case, folder: Path) -> None:
    """Write a case to <folder>/<its name>.npz."""
    arrays = {f"settings/{name}": np.array(value) for name, value in case.settings.items()}
    arrays |= {f"params/{name}": value for name, value in case.params.items()}
    for k, batch in enumerate(case.batches):
        arrays |= {f"batch{k}/{name}": value for name, value in batch.items()}
    arrays |= {f"expected/{name}": value for name, value in case.expected.items()}
    np.savez_compressed(folder / f"{case.name}.npz", allow_pickle=False, **arrays)


def load_cases(folder: Path = CASES) -> list[Case]:
    """All cases of a folder, in order of their names."""
    return [load_case(path) for path in sorted(folder.glob("*.npz"))]


def _below(prefix: str, arrays: Arrays) -> Arrays:
    return {key.removeprefix(f"{prefix}/"): value for key, value in arrays.items() if key.startswith(f"{prefix}/")}
