import csv

import numpy as np
import pytest

from meta_policy_search.utils.logger import LogError, ProgressLog, whole_lines


def read(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_numbers_come_back_bit_for_bit(tmp_path):
    value = float(np.nextafter(0.1, 1))
    ProgressLog(tmp_path / "p.csv").write({"Itr": 0, "x": value, "y": np.float32(0.1)})
    row = read(tmp_path / "p.csv")[0]
    assert row["Itr"] == "0"
    assert float(row["x"]) == value
    assert np.float32(row["y"]) == np.float32(0.1)


def test_a_row_with_other_columns_is_refused(tmp_path):
    log = ProgressLog(tmp_path / "p.csv")
    log.write({"Itr": 0})
    with pytest.raises(LogError, match="Extra"):
        log.write({"Itr": 1, "Extra": 2.0})


def test_resuming_keeps_the_rows_so_far_and_cuts_the_rest(tmp_path):
    path = tmp_path / "p.csv"
    log = ProgressLog(path)
    for itr in range(3):
        log.write({"Itr": itr, "x": 1.0})
    path.write_text(path.read_text() + "3,0.")
    ProgressLog(path, keep=2).write({"x": 5.0, "Itr": 2})
    assert [(row["Itr"], row["x"]) for row in read(path)] == [("0", "1.0"), ("1", "1.0"), ("2", "5.0")]


@pytest.mark.parametrize(
    ("damage", "whole"),
    [
        (lambda text: text, 3),
        (lambda text: text[:-1], 2),  # the end of the last line
        (lambda text: text.replace("1,", "1;"), 1),
        (lambda text: text.replace("1,2.0\n", ""), 1),
        (lambda text: text.replace("2.0", "two"), 0),
        (lambda text: text.replace("Itr", "Its"), 0),
        (lambda text: "", 0),
    ],
)
def test_rows_count_up_to_the_first_damage(tmp_path, damage, whole):
    path = tmp_path / "p.csv"
    log = ProgressLog(path)
    for itr in range(3):
        log.write({"Itr": itr, "a, b": 2.0})
    path.write_text(damage(path.read_text()))
    assert max(len(whole_lines(path)) - 1, 0) == whole


def test_a_log_shorter_than_the_checkpoint_is_refused(tmp_path):
    path = tmp_path / "p.csv"
    ProgressLog(path).write({"Itr": 0})
    with pytest.raises(LogError, match="has 1 whole rows, but the checkpoint is after 2"):
        ProgressLog(path, keep=2)
