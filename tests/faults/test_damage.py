"""Run directories that something happened to: an older checkpoint whose rows are there, or one sentence; never a loss."""

import os
import shutil
from pathlib import Path

import pytest

from tests.experiment_utils.test_experiment import rows
from tests.faults.forkserver import Answer, ForkServer
from tests.faults.runs import SCRIPT, assert_one_sentence

pytestmark = pytest.mark.slow


def resume(server: ForkServer, folder: Path) -> tuple[Answer, str]:
    log = folder.with_name("log")
    answer = server.run(SCRIPT, "--resume", "--dump_path", str(folder), log=log)
    return answer, log.read_text()


def checkpoint(folder: Path, number: int, part: str = "index") -> Path:
    return folder / "checkpoints" / f"ckpt-{number}.{part}"


def garbage(folder: Path) -> None:
    for number in (4, 5):
        for path in folder.glob(f"checkpoints/ckpt-{number}.*"):
            path.write_bytes(os.urandom(900))


def truncated(folder: Path) -> None:
    for number, part in ((5, "index"), (4, "data-00000-of-00001")):
        path = checkpoint(folder, number, part)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def lost_checkpoint(folder: Path) -> None:
    checkpoint(folder, 5).unlink()


def cut_line(folder: Path) -> None:
    progress = folder / "progress.csv"
    progress.write_bytes(progress.read_bytes()[:-30])


def lost_rows(folder: Path) -> None:
    progress = folder / "progress.csv"
    progress.write_text("".join(progress.read_text().splitlines(keepends=True)[:-2]))


def garbled_row(folder: Path) -> None:
    progress = folder / "progress.csv"
    lines = progress.read_bytes().split(b"\n")
    lines[-2] = b"\xff\x00" + lines[-2][2:]
    progress.write_bytes(b"\n".join(lines))


def lost_events(folder: Path) -> None:
    shutil.rmtree(folder / "tb")


HARMLESS = [garbage, truncated, lost_checkpoint, cut_line, lost_rows, garbled_row, lost_events]


@pytest.mark.parametrize("damage", HARMLESS)
def test_the_run_goes_on_from_an_older_checkpoint_and_gives_the_same_numbers(server, whole, tmp_path, damage):
    folder = Path(shutil.copytree(whole, tmp_path / "run"))
    damage(folder)
    answer, output = resume(server, folder)
    assert answer.code == 0, output
    assert "Traceback" not in output
    assert ("can't be used" in output) == (damage not in (lost_checkpoint, lost_events))
    assert rows(folder) == rows(whole)


def all_checkpoints_broken(folder: Path) -> None:
    for path in (folder / "checkpoints").iterdir():
        path.write_bytes(b"\x80\x04c")


def all_checkpoints_lost(folder: Path) -> None:
    shutil.rmtree(folder / "checkpoints")


def progress_lost(folder: Path) -> None:
    (folder / "progress.csv").unlink()


def other_header(folder: Path) -> None:
    progress = folder / "progress.csv"
    progress.write_text(progress.read_text().replace("Itr", "It", 1))


def broken_params(folder: Path) -> None:
    (folder / "params.json").write_text((folder / "params.json").read_text()[:100])


WITHOUT_REMEDY = [all_checkpoints_broken, all_checkpoints_lost, progress_lost, other_header, broken_params]


@pytest.mark.parametrize("damage", WITHOUT_REMEDY)
def test_what_cannot_be_gone_on_with_is_left_alone_and_the_sentence_says_what_to_do(server, whole, tmp_path, damage):
    folder = Path(shutil.copytree(whole, tmp_path / "run"))
    damage(folder)
    before = contents(folder)
    answer, _ = resume(server, folder)
    assert answer.code == 2
    assert contents(folder) == before
    assert_one_sentence(folder.with_name("log"), "another --dump_path")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock"}


@pytest.mark.parametrize("name", ["learning_curve.png", ".progress.csv.tmp", "tb", ".lock"])
def test_links_out_of_the_folder_are_refused(server, whole, tmp_path, name):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = Path(shutil.copytree(whole, tmp_path / "run", ignore=shutil.ignore_patterns(name)))
    (folder / name).symlink_to(victim)
    answer, output = resume(server, folder)
    assert answer.code == 2
    assert "is a link out of the run's directory" in output
    assert victim.read_text() == "precious"
