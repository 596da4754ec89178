import base64
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from experiment_utils.commands import report
from experiment_utils.evaluation.report import column_text, quantities, write_report
from experiment_utils.runs.results import InvalidRunError, load_run
from experiment_utils.validation import ConfigError

ROOT = Path(__file__).resolve().parents[3]
RUN = ROOT / "results" / "half_cheetah" / "ProMP" / "seed_1"
ATTACK = "<script>alert(1)</script>"


@pytest.fixture
def folder(tmp_path) -> Path:
    return Path(shutil.copytree(RUN, tmp_path / "run"))


def test_page_shows_every_logged_quantity_and_setting(folder):
    write_report(folder, folder / "report.html")
    page = (folder / "report.html").read_text()
    run = load_run(folder)
    for name in quantities(run.progress.columns):
        assert f"<!-- {name} -->" in page  # the title of its picture
    assert all(f"<th>{name}</th>" in page for name in run.config)
    assert f"{run.column('return').iloc[-1]:.2f}" in page


def test_quantities_leave_out_times_and_name_each_step_once():
    columns = ["Itr", "Step_0-AverageReturn", "Step_0-EnvExecTime", "Step_1-AverageReturn", "LossAfter", "Time-OuterStep"]
    assert quantities([*columns, "n_timesteps", "Time", "ItrTime"]) == ["AverageReturn", "LossAfter"]


def test_page_asks_for_nothing_from_outside(folder):
    (folder / "meta_test").mkdir()
    (folder / "meta_test" / "picture.png").write_bytes(b"\x89PNG")
    (folder / "video.mp4").write_bytes(b"film")
    (folder / "meta_test" / "steps.csv").write_text("steps,return\n0,1.25\n")
    write_report(folder, folder / "report.html")
    page = (folder / "report.html").read_text()
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page)
    assert base64.b64encode(b"film").decode() in page
    assert '<td class="number">1.250</td>' in page


def test_columns_have_equally_many_decimals_and_numbers_can_be_read():
    assert column_text(pd.Series([242.83, -0.3951, float("nan"), -0.04])) == ["242.8", "-0.4", "-", "0.0"]
    assert column_text(pd.Series([32_000_000, 7])) == ["32,000,000", "7"]
    assert column_text(pd.Series([32_000_000.0, 7.5])) == ["32,000,000", "8"]
    assert column_text(pd.Series([1e-7, 2e-12])) == ["1e-07", "2e-12"]
    assert column_text(pd.Series([0.0, 0.0])) == ["0", "0"]
    assert column_text(pd.Series([float("inf"), 1.5])) == ["inf", "1.500"]
    assert column_text(pd.Series(["meta-policy", 3])) == ["meta-policy", "3"]


@pytest.mark.parametrize(("rows", "is_folded"), [(15, False), (16, True)])
def test_a_long_table_is_folded(folder, rows, is_folded):
    (folder / "meta_test").mkdir()
    (folder / "meta_test" / "tasks.csv").write_text("task,return\n" + "1,2.5\n" * rows)
    write_report(folder, folder / "report.html")
    assert (f"<summary>{rows} rows</summary>" in (folder / "report.html").read_text()) == is_folded


def test_untrusted_text_stays_text(folder):
    params = json.loads((folder / "params.json").read_text())
    params["config"]["env"], params["git_commit"] = ATTACK, ATTACK
    (folder / "params.json").write_text(json.dumps(params))
    progress = (folder / "progress.csv").read_text()
    (folder / "progress.csv").write_text(progress.replace("LossAfter", r"$\notmath{<script>--><script>", 1))
    (folder / "video<script>.gif").write_bytes(b"film")
    write_report(folder, folder / "report.html")
    assert "<script" not in (folder / "report.html").read_text()


def test_what_an_untrusted_link_points_to_stays_out(folder, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (folder / "meta_test").mkdir()
    (folder / "meta_test" / "picture.png").symlink_to(secret)
    with pytest.raises(ConfigError, match="is a link out of the run's directory"):
        write_report(folder, folder / "report.html")


@pytest.mark.parametrize(("old", "new"), [("ItrTime", "Seconds"), ("Step_1-AverageReturn", "Return")])
def test_a_log_without_the_pages_columns_gets_a_sentence(folder, old, new):
    progress = folder / "progress.csv"
    progress.write_text(progress.read_text().replace(old, new))
    with pytest.raises(InvalidRunError, match="has no column"):
        write_report(folder, folder / "report.html")


def test_folder_without_a_run_gets_a_sentence(tmp_path, capsys):
    with pytest.raises(InvalidRunError, match="can't be read"):
        write_report(tmp_path, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_script_writes_the_page_into_the_folder_or_says_what_is_wrong(folder, tmp_path, capsys):
    assert report.main([str(folder)]) == 0
    assert capsys.readouterr().out.strip() == str(folder / "report.html")
    assert report.main([str(tmp_path / "nothing")]) == 2
    assert "error: " in capsys.readouterr().err
    assert report.main([str(folder), str(folder), "--out", "x.html"]) == 2


@pytest.mark.parametrize(
    ("known", "title"),
    [
        (None, "Adaptation (meta_test.py)"),
        ([False, False], "Adaptation to unseen tasks (meta_test.py)"),
        ([True, True], "Adaptation to tasks of which training drew all (meta_test.py)"),
        ([True, False], "Adaptation to tasks of which training drew 1 of 2 (meta_test.py)"),
    ],
)
def test_tasks_are_called_unseen_only_where_training_drew_none_of_them(folder, known, title):
    (folder / "meta_test").mkdir(exist_ok=True)
    table = pd.DataFrame({"policy": "meta-policy", "task": [0, 1], "return": [1.0, 2.0]})
    (table if known is None else table.assign(**{"in training": known})).to_csv(folder / "meta_test" / "tasks.csv")
    write_report(folder, folder / "report.html")
    assert f">{title}</h2>" in (folder / "report.html").read_text(encoding="utf-8")


def test_the_page_says_where_and_by_what_a_run_was_resumed(folder):
    params = json.loads((folder / "params.json").read_text())
    resumed = [{"itr": 12, "git_commit": "abc", "command": ["run.py", "--resume"], "versions": params["versions"]}]
    (folder / "params.json").write_text(json.dumps({**params, "resumed": resumed}))
    write_report(folder, folder / "report.html")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<th>resumed (1)</th><td>at iteration 12; command run.py --resume; commit abc</td>" in page
