"""The committed runs say what the documentation says of them."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from experiment_utils.trained import load_trained
from meta_policy_search.policies.base import stack_params
from meta_policy_search.samplers.meta_sample_processor import task_returns

RESULTS = Path(__file__).parent.parent / "results"
RUNS = sorted(path.parent for path in RESULTS.glob("*/*/seed_*/params.json"))
PRETRAINED = sorted(path.parent for path in RESULTS.glob("*/*/seed_*/policies"))


def column(run: Path, name: str) -> list[float]:
    with (run / "progress.csv").open() as file:
        return [float(row[name]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_promp_learns_half_cheetah_in_30_iterations(seed):
    run = RESULTS / "half_cheetah" / "ProMP" / f"seed_{seed}"
    before, after = (column(run, f"Step_{step}-AverageReturn")[:30] for step in (0, 1))
    assert len(after) == 30
    assert after[-1] > 50
    assert all(-25 < value < 25 for value in before)


def test_promp_learns_half_cheetah_over_its_seeds():
    rows = [column(RESULTS / "half_cheetah" / "ProMP" / f"seed_{seed}", "Step_1-AverageReturn")[29] for seed in (1, 2, 3)]
    assert np.mean(rows) > 75


@pytest.mark.parametrize("run", RUNS, ids=lambda run: "-".join(run.parts[-3:]))
def test_a_committed_run_is_whole(run):
    config = json.loads((run / "params.json").read_text())["config"]
    assert f"seed_{config['seed']}" == run.name
    assert column(run, "Itr") == list(range(len(column(run, "Itr"))))
    steps = config["meta_batch_size"] * config["rollouts_per_meta_task"] * config["max_path_length"]
    rounds = config["num_inner_grad_steps"] + 1
    assert column(run, "n_timesteps")[-1] == len(column(run, "Itr")) * steps * rounds


@pytest.mark.slow
@pytest.mark.parametrize("run", PRETRAINED, ids=lambda run: "-".join(run.parts[-3:]))
def test_a_pretrained_policy_adapts(run):
    """In a few tasks it comes near to what its card and its run say: far from what it does unadapted."""
    trained = load_trained(run)
    rng = np.random.default_rng(1)
    theta = stack_params(trained.rooms.algo.policy.theta, 2)
    with trained.tester(trained.sample_tasks(2, rng)) as tester:
        rounds = tester.rounds(theta, steps=1, rng=rng)
        before, after = (np.concatenate(task_returns(trajectories)).mean() for _, trajectories in rounds)
    logged = {step: column(run, f"Step_{step}-AverageReturn")[trained.itr] for step in (0, 1)}
    gain = logged[1] - logged[0]
    assert abs(before - logged[0]) < gain / 3
    assert abs(after - logged[1]) < gain / 3
    assert (run / "CARD.md").exists()
