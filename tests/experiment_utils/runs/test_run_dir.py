"""A folder has one writer, no links out of it, and settings that say by which code each part of the run was made."""

import dataclasses
import json
import subprocess
import sys

import pytest

from experiment_utils.algorithm_configs import ProMPConfig
from experiment_utils.runs.run_dir import RunDir
from experiment_utils.train_args import parse
from experiment_utils.validation import ConfigError

HOLDER = """
import sys, time, pathlib
from experiment_utils.runs.run_dir import RunDir
folder = RunDir(pathlib.Path(sys.argv[1]))
folder.create()
folder.lock()
print("locked", flush=True)
time.sleep(60)
"""


def test_the_lock_of_another_process_is_respected_until_it_is_killed(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "locked\n"
    with pytest.raises(ConfigError, match=rf"is being written by process {holder.pid} on .*another --dump_path"):
        RunDir(tmp_path).lock()
    holder.kill()
    holder.communicate()
    RunDir(tmp_path).lock()


def test_a_second_run_is_refused_and_the_first_ones_lock_stays(tmp_path):
    first = parse(ProMPConfig(), "", ["--dump_path", str(tmp_path / "run")])
    for argv in ([], ["--resume_or_start"]):
        with pytest.raises(ConfigError, match="is being written by process"):
            parse(ProMPConfig(), "", [*argv, "--dump_path", str(tmp_path / "run")])
    assert first.run_dir.path.exists()


def begun(path) -> RunDir:
    """The files that are there before the first iteration."""
    folder = RunDir(path)
    folder.create()
    folder.lock()
    folder.params.write_text("{}")
    for directory, name in ((folder.checkpoints, "ckpt-0.index"), (folder.tensorboard, "events.1")):
        directory.mkdir(exist_ok=True)
        (directory / name).touch()
    folder.progress.write_text("Itr,Step_0-AverageReturn\n0,")
    return folder


def test_a_run_without_a_finished_iteration_leaves_nothing(tmp_path):
    folder = begun(tmp_path / "run")
    assert not folder.is_kept()
    folder.remove_unless_kept()
    assert not folder.path.exists()


def test_a_run_with_a_finished_iteration_or_of_an_earlier_process_stays(tmp_path):
    folder = begun(tmp_path / "run")
    folder.progress.write_text("Itr,Step_0-AverageReturn\n0,1.0\n")
    for path in (folder.path, begun(tmp_path / "killed").path):
        again = RunDir(path)
        again.create()
        assert again.is_kept()
        before = set(path.rglob("*"))
        again.remove_unless_kept()
        assert set(path.rglob("*")) == before


def test_only_what_the_run_wrote_is_removed(tmp_path):
    own = [tmp_path / "notes.txt", tmp_path / "tb" / "events.0", tmp_path / "run.log"]
    (tmp_path / "tb").mkdir()
    for path in own:
        path.write_text("mine")
    folder = begun(tmp_path)
    later = tmp_path / "of_a_callback.csv"
    later.write_text("")
    folder.remove_unless_kept()
    assert {path for path in tmp_path.rglob("*") if path.is_file()} - {tmp_path / ".lock"} == {*own, later}


def test_links_inside_the_folder_and_to_the_folder_are_no_matter(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "a").write_text("")
    (tmp_path / "run" / "b").symlink_to("a")
    (tmp_path / "link").symlink_to(tmp_path / "run")
    RunDir(tmp_path / "link").require_no_links()
    (tmp_path / "run" / "c").symlink_to("../d")
    with pytest.raises(ConfigError, match="is a link out of the run's directory"):
        RunDir(tmp_path / "link").require_no_links()


def test_settings_keep_how_the_run_began_and_note_how_it_went_on(tmp_path):
    folder, config = RunDir(tmp_path), ProMPConfig(n_itr=20)
    folder.write_params(config, "meta_policy_search.meta_algos.pro_mp.ProMP")
    began = json.loads(folder.params.read_text())
    longer = dataclasses.replace(config, n_itr=30)
    for itr in (20, 25):
        folder.add_resumption(longer, itr)
    params = json.loads(folder.params.read_text())
    assert params["config"] == {**began["config"], "n_itr": 30}
    assert {name: params[name] for name in ("versions", "git_commit", "command")} == {
        name: began[name] for name in ("versions", "git_commit", "command")
    }
    assert [entry["itr"] for entry in params["resumed"]] == [20, 25]
    assert params["resumed"][0]["git_commit"] == began["git_commit"]


@pytest.mark.parametrize("odd", [{"itr": 3}, 7, None, "text"])
def test_an_untrusted_list_of_resumptions_is_replaced_if_it_is_none(tmp_path, odd):
    folder = RunDir(tmp_path)
    folder.params.write_text(json.dumps({"config": {}, "resumed": odd}))
    folder.add_resumption(ProMPConfig(), 5)
    assert [entry["itr"] for entry in json.loads(folder.params.read_text())["resumed"]] == [5]
