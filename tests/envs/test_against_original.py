"""The environments against recordings of the original code and of MuJoCo 2.1.0."""

from pathlib import Path

import numpy as np
import pytest

from tests import env_reference

DATA = Path(__file__).parents[1] / "data" / "envs"
RECORDINGS = sorted(DATA.rglob("*.npz"))


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_recordings_are_reproduced(path):
    too_far = {
        name: value
        for name, value in env_reference.compare(path).items()
        if not value <= env_reference.tolerance(path, name)
    }
    assert not too_far


def test_all_kinds_of_recordings_are_there():
    assert len(RECORDINGS) == 19
    kinds = {env_reference.comparison(dict(np.load(path))).__name__ for path in RECORDINGS}
    assert kinds == {"compare_family", "compare_engine", "compare_points"}


@pytest.mark.parametrize("quantity", ["obs", "rewards", "env_infos/reward_contact", "next_qvel", "cfrc_ext"])
def test_a_small_error_in_a_recording_is_noticed(tmp_path, quantity):
    data = dict(np.load(DATA / "env_ant_rand_direc_2d.npz"))
    name = quantity.replace("next_", "")
    data[name] = data[name] + 1e-4
    np.savez(tmp_path / "other_name.npz", **data)
    found = env_reference.compare(tmp_path / "other_name.npz")
    assert found[quantity] > env_reference.tolerance(tmp_path, quantity)


def test_a_wrong_end_of_an_episode_is_noticed(tmp_path):
    data = dict(np.load(DATA / "env_walker2d_rand_direc.npz"))
    data["dones"][0] = not data["dones"][0]
    np.savez(tmp_path / "recording.npz", **data)
    assert env_reference.compare(tmp_path / "recording.npz")["dones"] == 1
