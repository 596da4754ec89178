"""Disks that are full, files that can't grow, folders that can't be written: one sentence, and nothing saved is lost."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.experiment_utils.test_experiment import rows
from tests.faults.runs import assert_one_sentence, start

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def small_disk(directory: Path, kilobytes: int) -> Iterator[None]:
    """A file system in memory of that size, where one can be mounted."""
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(directory)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


@pytest.mark.parametrize("kilobytes", [4, 16, 20, 32])
def test_a_full_disk_stops_the_run_in_order_and_more_room_lets_it_go_on(server, whole, tmp_path, kilobytes):
    disk, log = tmp_path / "disk", tmp_path / "log"
    with small_disk(disk, kilobytes):
        assert start(server, disk / "run", log).code == 1
        is_kept = (disk / "run" / "progress.csv").exists()
        assert is_kept == (kilobytes == 32)
        assert_one_sentence(log, "No space left on device", "make room", "--resume" if is_kept else "start the run again")
        subprocess.run(["mount", "-o", "remount,size=10m", str(disk)], check=True)
        assert start(server, disk / "run", log, *(["--resume"] if is_kept else [])).code == 0, log.read_text()
        assert rows(disk / "run") == rows(whole)


@pytest.mark.parametrize("file_size", [500, 4000])
def test_files_that_cannot_grow_stop_the_run_in_order(server, whole, tmp_path, file_size):
    folder, log = tmp_path / "run", tmp_path / "log"
    assert start(server, folder, log, file_size=file_size).code == 1
    assert_one_sentence(log, "File too large", "make room")
    assert start(server, folder, log, "--resume_or_start").code == 0, log.read_text()
    assert rows(folder) == rows(whole)


def test_a_read_only_folder_is_refused_and_left_alone(server, whole, tmp_path):
    disk, log = tmp_path / "disk", tmp_path / "log"
    with small_disk(disk, 10000):
        assert start(server, disk / "run", log).code == 0
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert start(server, disk / "run", log, "--resume").code == 2
        assert_one_sentence(log, "can't write to the dump path", "Read-only file system")
        assert rows(disk / "run") == rows(whole)


def test_the_second_process_in_a_folder_refuses_and_the_first_goes_on(server, whole, tmp_path):
    from experiment_utils.runs.run_dir import RunDir

    log = tmp_path / "log"
    folder = RunDir(tmp_path / "run")
    folder.create()
    folder.lock()
    for argv in ([], ["--resume_or_start"]):
        assert start(server, folder.path, log, *argv).code == 2
        assert_one_sentence(log, "is being written by process", "choose another --dump_path")
    assert [path.name for path in folder.path.iterdir()] == [".lock"]
    folder.unlock()
    assert start(server, folder.path, log).code == 0
    assert rows(folder.path) == rows(whole)
