"""The dial in MuJoCo: one theta, one set of tasks, the same samples for every lambda."""

import numpy as np
import pandas as pd
import pytest

from experiment_utils.algorithm_configs import VPGMAMLConfig
from experiment_utils.paper import dial
from experiment_utils.paper.estimators import LAMBDAS
from tests.experiment_utils.small_runs import small, train

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture
def run(tmp_path):
    train(tmp_path, small(VPGMAMLConfig(), n_itr=1))
    return tmp_path


def arguments(run) -> dial.Args:
    return dial.Args(run, rounds=3, tasks=2, rollouts=2)


def test_only_the_second_order_part_of_the_meta_gradient_depends_on_lambda(run):
    gradients = np.array(list(dial._gradients(arguments(run))))
    assert gradients.shape[:2] == (3, len(LAMBDAS))
    assert (gradients[0, 0] != gradients[1, 0]).any()  # rounds are new samples
    steps = np.diff(gradients[0], axis=0)
    assert all(np.abs(step).max() > 0 for step in steps)
    assert np.abs(steps).max() < np.abs(gradients[0]).max()


def test_a_seed_fixes_the_table_and_the_command_writes_it(run, tmp_path):
    argv = ["--run", str(run), "--rounds", "3", "--tasks", "2", "--rollouts", "2", "--out", str(tmp_path / "out")]
    assert dial.main(argv) == 0
    found = pd.read_csv(tmp_path / "out" / "estimators_dial.csv")
    pd.testing.assert_frame_equal(found, dial.dial(arguments(run)))
    assert found["lambda"].tolist() == list(LAMBDAS)


def test_a_run_that_is_not_there_is_reported_in_one_sentence(tmp_path, capsys):
    assert dial.main(["--run", str(tmp_path / "none")]) != 0
    assert len(capsys.readouterr().err.splitlines()) == 1
