"""Runs kept in a repository: what is copied, and that a run goes on from a copy as if it had never moved."""

import shutil
from pathlib import Path

import pytest

from experiment_utils.runs.archive import checkpoint_files, copy_table, fetch, keep
from experiment_utils.runs.run_spec import Run
from tests.experiment_utils.fake_runs import write_run
from tests.experiment_utils.small_runs import make_trainer, small, train

SETTINGS = {"seed": 1, "n_itr": 2}


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def write_checkpoint(folder: Path, number: int) -> None:
    (folder / "checkpoints").mkdir(exist_ok=True)
    for ending in ("index", "data-00000-of-00001"):
        (folder / "checkpoints" / f"ckpt-{number}.{ending}").write_text(f"{number}")


def test_logs_policies_and_newest_checkpoint_are_kept_and_the_older_ones_replaced(tmp_path):
    source, target = write_run(tmp_path / "run", [1.0, 2.0]), tmp_path / "kept" / "seed_1"
    (source / "policies").mkdir()
    for name in ("run.log", "exploration.npz", "policies/last.npz", "policies/best.npz"):
        (source / name).write_text(name)
    for number in (8, 9, 10):  # 10 is newer than 9, though not by its name
        write_checkpoint(source, number)
    assert keep(source, target) is None
    kept = ["checkpoints/ckpt-10.data-00000-of-00001", "checkpoints/ckpt-10.index", "params.json", "policies/best.npz"]
    assert names(target) == [*kept, "policies/last.npz", "progress.csv"]
    write_checkpoint(source, 11)
    keep(source, target, also=("exploration.npz",))
    assert names(target) == [
        *["checkpoints/ckpt-11.data-00000-of-00001", "checkpoints/ckpt-11.index", "exploration.npz"],
        *["params.json", "policies/best.npz", "policies/last.npz", "progress.csv"],
    ]


def test_half_a_checkpoint_is_none(tmp_path):
    write_checkpoint(tmp_path, 4)
    (tmp_path / "checkpoints" / "ckpt-5.data-00000-of-00001").write_text("5")
    (tmp_path / "checkpoints" / "checkpoint").write_text("ckpt-5")
    assert [path.name for path in checkpoint_files(tmp_path / "checkpoints")] == [
        "ckpt-4.data-00000-of-00001",
        "ckpt-4.index",
    ]
    assert checkpoint_files(tmp_path / "nowhere") == []


def test_a_finished_run_is_fetched_without_a_checkpoint(tmp_path):
    kept, run = write_run(tmp_path / "kept", [1.0, 2.0]), Run(Path("x.py"), tmp_path / "run", SETTINGS)
    assert fetch(run, kept) is None
    assert run.state() == "finished"


def test_a_shorter_run_is_fetched_with_a_checkpoint_only(tmp_path):
    kept, run = write_run(tmp_path / "kept", [1.0]), Run(Path("x.py"), tmp_path / "run", SETTINGS)
    assert "begins anew" in fetch(run, kept)
    assert run.state() == "new"
    write_checkpoint(kept, 1)
    assert fetch(run, kept) is None
    assert (run.state(), names(run.folder)) == ("begun", names(kept))


@pytest.mark.parametrize("lost", [(), ("params.json",), ("progress.csv",), ("params.json", "progress.csv")])
def test_nothing_is_fetched_to_a_folder_that_is_not_empty(tmp_path, lost):
    kept = write_run(tmp_path / "kept", [1.0, 2.0])
    begun = Run(Path("x.py"), write_run(tmp_path / "begun", [5.0]), SETTINGS)
    (begun.folder / "notes.txt").write_text("mine")
    for name in lost:
        (begun.folder / name).unlink()
    before = {name: (begun.folder / name).read_text() for name in names(begun.folder)}
    message = f"{begun.folder} has no run, but notes.txt; {kept} is not copied there" if len(lost) == 2 else None
    assert fetch(begun, kept) == message
    assert {name: (begun.folder / name).read_text() for name in names(begun.folder)} == before


def test_a_log_without_a_run_is_not_in_the_way(tmp_path):
    """Of a run that was stopped in its first seconds."""
    kept, run = write_run(tmp_path / "kept", [1.0, 2.0]), Run(Path("x.py"), tmp_path / "run", SETTINGS)
    run.folder.mkdir()
    for name in ("run.log", ".lock"):
        (run.folder / name).write_text("stopped")
    assert fetch(run, kept) is None
    assert run.state() == "finished"
    assert (run.folder / "run.log").read_text() == "stopped"


def test_nothing_is_fetched_from_another_run(tmp_path):
    kept = write_run(tmp_path / "kept", [1.0, 2.0])
    for settings in ({**SETTINGS, "seed": 2}, {**SETTINGS, "inner_lr": 0.3}):
        other = Run(Path("x.py"), tmp_path / "other", settings)
        assert "is another run, or broken" in fetch(other, kept)
        assert other.state() == "new"
    assert fetch(Run(Path("x.py"), tmp_path / "other", SETTINGS), tmp_path / "nowhere") is None


@pytest.mark.parametrize("damage", ["{", '{"config": 3}'])
def test_a_broken_kept_run_is_left_alone(tmp_path, damage):
    kept = write_run(tmp_path / "kept", [1.0, 2.0])
    (kept / "params.json").write_text(damage)
    run = Run(Path("x.py"), tmp_path / "run", SETTINGS)
    assert "is another run, or broken" in fetch(run, kept)
    assert run.state() == "new"


def test_half_a_copy_of_a_killed_process_is_made_anew(tmp_path, monkeypatch):
    kept, run = write_run(tmp_path / "kept", [1.0, 2.0]), Run(Path("x.py"), tmp_path / "run", SETTINGS)
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        fetch(run, kept)
    assert run.state() == "new"
    monkeypatch.undo()
    assert fetch(run, kept) is None
    assert run.state() == "finished"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "run"]


def test_what_is_kept_gives_way_to_the_same_run_grown_longer_only(tmp_path):
    kept = tmp_path / "kept"
    assert keep(write_run(tmp_path / "long", [1.0, 2.0, 3.0], inner_lr=0.1), kept) is None
    before = (kept / "progress.csv").read_text()
    write_checkpoint(kept, 3)
    shorter, other = (
        write_run(tmp_path / "short", [9.0], inner_lr=0.1),
        write_run(tmp_path / "other", [9.0] * 5, inner_lr=0.2),
    )
    assert "is longer, 3 rows for 1" in keep(shorter, kept)
    assert "is a run with other settings (inner_lr)" in keep(other, kept)
    assert "seed" in keep(write_run(tmp_path / "seed", [9.0] * 5, inner_lr=0.1, seed=2), kept)
    assert "not kept" in keep(tmp_path / "nowhere", kept)
    assert (kept / "progress.csv").read_text() == before
    assert len(checkpoint_files(kept / "checkpoints")) == 2
    assert keep(write_run(tmp_path / "longer", [1.0, 2.0, 3.0, 4.0], inner_lr=0.1), kept) is None
    assert len((kept / "progress.csv").read_text().splitlines()) == 5
    assert checkpoint_files(kept / "checkpoints") == []


@pytest.mark.filterwarnings("ignore::experiment_utils.runs.results.RunDataWarning")
def test_a_broken_run_that_is_kept_is_not_replaced(tmp_path):
    run, kept = write_run(tmp_path / "run", [1.0, 2.0]), write_run(tmp_path / "kept", [1.0])
    (kept / "progress.csv").write_text("Itr,n_time")
    assert "has no complete row; remove it" in keep(run, kept)
    assert (kept / "progress.csv").read_text() == "Itr,n_time"


def test_a_copy_goes_on_as_the_run_would_have(tmp_path):
    config = small(n_itr=4)
    whole = train(tmp_path / "whole", config)
    train(tmp_path / "run", small(n_itr=2))
    keep(tmp_path / "run", tmp_path / "kept")
    shutil.rmtree(tmp_path / "run")
    run = Run(Path("x.py"), tmp_path / "else [where]", {"seed": config.seed, "n_itr": 4})
    assert fetch(run, tmp_path / "kept") is None
    trainer, rows = make_trainer(run.folder, config), []
    trainer.checkpoints.restore_latest(trainer.restore)
    trainer.train(lambda _, metrics: rows.append(metrics))
    numbers = [{name: value for name, value in row.items() if "Time" not in name} for row in (*rows, *whole[2:])]
    assert len(rows) == 2
    assert numbers[:2] == numbers[2:]


def test_a_table_gives_way_to_its_continuation_only(tmp_path):
    new, old = (tmp_path / name / "table.csv" for name in "ab")
    assert copy_table(new, old) is None
    assert not old.exists()
    new.parent.mkdir()
    for text in ("head\n1\n", "head\n1\n2\n"):
        new.write_text(text)
        assert copy_table(new, old) is None
        assert old.read_text() == text
    new.write_text("head\n3\n")
    assert copy_table(new, old) == f"{old} has other rows than {new}; not replaced"
    assert old.read_text() == "head\n1\n2\n"
