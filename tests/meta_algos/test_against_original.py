"""Every algorithm computes what the original code computed, to the tolerances that `tests.meta_algos.reference` states."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests import reference
from tests.meta_algos import reference as algorithms
from tests.meta_algos.original import Original

DATA = Path(__file__).parents[1] / "data"
QUICK = [
    "promp_offpolicy_k1",
    "dicemaml_padded_k1",
]
SLOW = [
    "vpgmaml_loglik_explore_onpolicy_k2",
    "vpgdicemaml_padded_k1",
    "vpgmaml_ratio_plain_offpolicy_k1",
    "promp_onpolicy_k2",
    "promp_nearpolicy_k1",
    "trpomaml_ratio_plain_onpolicy_k2",
    "trpomaml_ratio_explore_offpolicy_k1",
    "vpgmaml_loglik_plain_nearpolicy_k1",
    "vpgmaml_ratio_explore_onpolicy_k1",
    "dicemaml_full_k2",
    "vpgdicemaml_full_k2",
]
# Each compiles for half a minute; the other two of TRPO take the same ways.
LONG = ["trpomaml_loglik_explore_nearpolicy_k1", "trpomaml_loglik_plain_offpolicy_k1"]
FILES = [
    *QUICK,
    *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW),
    *(pytest.param(name, marks=[pytest.mark.slow, pytest.mark.long]) for name in LONG),
]
NOT_COMPARED = {  # of TRPO's files: float32 conjugate gradient on finite differences, and the text of the log
    "after_optimize_policy",
    "descent_direction",
    "descent_direction_xHx",
    "exact_hvp/descent_direction_xHx",  # is in exact_hvp/initial_step_size
    "initial_step_size",
    "optimize_policy",
}


@pytest.mark.parametrize("name", FILES)
def test_package_agrees_with_the_original_in_every_recorded_number(name, monkeypatch):
    files = []
    monkeypatch.setattr(algorithms, "Original", lambda path: files.append(Original(path)) or files[-1])
    results = reference.deviations(DATA / f"{name}.npz")
    assert {quantity: result for quantity, result in results.items() if not reference.within(*result)} == {}
    left = {re.sub("/(mean_network|log_std_network)/.*", "", key.removeprefix("out64/")) for key in files[0].unused()}
    assert {group for group in left if group not in NOT_COMPARED and group.split("/")[0] not in NOT_COMPARED} == set()


def _corrupted(tmp_path: Path, key: str, factor: float) -> Path:
    with np.load(DATA / "vpgmaml_ratio_plain_offpolicy_k1.npz") as data:
        arrays = dict(data)
    arrays[key] = arrays[key] * factor
    np.savez(tmp_path / "changed.npz", **arrays)
    return tmp_path / "changed.npz"


@pytest.mark.parametrize(
    ("key", "factor", "caught"),
    [("out64/grad/mean_network/hidden_0/kernel", 1 + 1e-7, True), ("out64/meta_objective", 1 + 1e-15, False)],
)
def test_a_wrong_number_is_reported_by_exit_code_1(tmp_path, key, factor, caught):
    assert reference.main([str(_corrupted(tmp_path, key, factor))]) == int(caught)


@pytest.mark.parametrize("content", [None, b"not numbers"])
def test_a_file_that_is_missing_or_foreign_gets_one_sentence_and_exit_code_2(tmp_path, capsys, content):
    path = tmp_path / "some.npz"
    if content:
        path.write_bytes(content)
    assert reference.main([str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"{path}: ")


def test_what_is_no_number_is_beyond_every_tolerance():
    assert not reference.within(algorithms.deviation("float64 grad", np.array([np.nan, 1.0]), np.ones(2)), np.inf)
