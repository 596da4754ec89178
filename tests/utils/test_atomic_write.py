"""What is written is there whole, or what was there before."""

import pytest

from meta_policy_search.utils.atomic_write import atomic_write


def test_what_was_there_stays_if_the_disk_is_full(tmp_path, monkeypatch):
    target = tmp_path / "table.csv"
    atomic_write(target, "old")
    assert target.read_text() == "old"
    atomic_write(target, b"older")

    def fill_up(path, content):
        with path.open("wb") as file:
            file.write(content[:2])
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("pathlib.Path.write_bytes", fill_up)
    with pytest.raises(OSError, match="No space left"):
        atomic_write(target, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]
    assert target.read_text() == "older"
