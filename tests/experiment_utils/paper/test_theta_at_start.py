import numpy as np
import pandas as pd
import pytest

from experiment_utils.algorithm_configs import ProMPConfig
from experiment_utils.paper.run_theta_at_start import FOUND_ON, MEASURES, RETURN, _signal, measure, prediction_table

SMALL = ProMPConfig(meta_batch_size=4, rollouts_per_meta_task=3, max_path_length=10, hidden_sizes=(4,), parallel=False)


def test_the_signal_is_the_product_of_two_halves_of_the_rounds():
    """Noise of one half is independent of the other's; the square of one mean would have its variance on top."""
    rounds = np.array([[1.0, 2.0], [3.0, 2.0], [0.0, 1.0], [0.0, 3.0]])[:, None]  # halves: mean (2, 2) and (0, 2)
    assert _signal(rounds) == 4.0
    assert _signal(np.repeat(rounds, 2, axis=1)) == 4.0  # a mean over directions, not a sum


def test_the_measures_of_a_seed_are_its_own():
    first, again, other = (measure(ProMPConfig(**{**vars(SMALL), "seed": seed}), rounds=2) for seed in (1, 1, 2))
    assert first == again
    assert set(first) == set(MEASURES)
    assert all(np.isfinite(value) for value in first.values())
    assert all(first[name] != other[name] for name in MEASURES)


def test_a_measure_is_chosen_and_tested_on_different_seeds():
    seeds = np.arange(1, 19)
    table = pd.DataFrame({"seed": seeds, RETURN: seeds, **dict.fromkeys(MEASURES, seeds)})
    table.loc[table["seed"] > FOUND_ON, "drift"] *= -1
    row = prediction_table(table).set_index("measure").loc["drift"]
    assert row["seeds that choose (n=8)"] == pytest.approx(1.0)
    assert row["seeds that test (n=10)"] == pytest.approx(-1.0)
