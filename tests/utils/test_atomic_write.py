"""What is written is there whole, or what was there before."""

import pytest

from meta_policy_search.utils.atomic_write import write_whole


def test_what_was_there_stays_if_the_disk_is_full(tmp_path, monkeypatch):
    target = tmp_path / "table.csv"
    write_whole(target, "old")
    assert target.read_text() == "old"
    write_whole(target, b"older")

    def fill_up(path, content):
        with path.open("wb") as file:
            file.write(content[:2])
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("pathlib.Path.write_bytes", fill_up)
    with pytest.raises(OSError, match="No space left"):
        write_whole(target, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]
    assert target.read_text() == "older"
