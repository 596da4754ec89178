"""How a trained policy adapts to the test tasks of the comparison with baselines."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from experiment_utils.evaluation.k_shot import in_trial, k_shot
from experiment_utils.evaluation.trained_policy import TrainedPolicy, load_trained
from experiment_utils.paper.baselines import INNER, MEMORY, META, ORACLE, PPO, RANDOM, RL2
from experiment_utils.tensorflow_setup import configure_tensorflow
from meta_policy_search.envs.base import Tasks
from meta_policy_search.meta_algos.per_task_ppo import PerTaskPPO
from meta_policy_search.meta_tester import MetaTester
from meta_policy_search.policies.base import stack_params
from meta_policy_search.samplers.meta_sample_processor import task_returns
from meta_policy_search.types import Params

TEST_STREAM = 1  # beside the run's seed: training draws from the seed alone
N_TASKS = 20
STEPS = 5  # inner steps
UPDATES = 30  # of PPO in a task
Row = dict[str, str | int | float]


def measured_rows(folder: Path, method: str) -> Iterator[Row]:
    """Rows of `adaptation.csv` for the run's last policy; for ProMP's also those of a random initialisation.

    The tasks and the random initialisation depend on the run's seed alone, so all methods meet the same ones.
    """
    configure_tensorflow()
    trained = load_trained(folder, "last", parallel=True)
    rng = np.random.default_rng((trained.config.seed, TEST_STREAM))
    tasks, sampling, initial = trained.sample_tasks(N_TASKS, rng), *rng.spawn(2)
    policy = trained.components.algo.policy
    if method == RL2:
        yield from ({"policy": method, **row} for row in _of_memory(trained, tasks, sampling))
        return
    thetas = {method: dict(policy.theta)}
    if method == META:
        thetas[RANDOM] = {name: tf.cast(value, policy.dtype) for name, value in policy.init_params(initial).items()}
    for name, theta in thetas.items():
        for row in _of_theta(trained, tasks, theta, sampling, is_adapted=method != ORACLE):
            yield {"policy": name, **row}


def _of_theta(
    trained: TrainedPolicy, tasks: Tasks, theta: Params, rng: np.random.Generator, is_adapted: bool
) -> Iterator[Row]:
    params = stack_params(theta, len(tasks))
    with trained.tester(tasks) as tester:
        for shot in k_shot(tester, params, STEPS if is_adapted else 1, rng):
            if is_adapted or shot.steps == 0:
                yield from _rows(INNER, shot.steps, shot.steps * shot.rollouts, shot.returns)
        for update, returns in enumerate(ppo_returns(tester, params, UPDATES if is_adapted else 0, rng)):
            yield from _rows(PPO, update, update * tester.sampler.batch_shape[1], returns)


def _of_memory(trained: TrainedPolicy, tasks: Tasks, rng: np.random.Generator) -> Iterator[Row]:
    with trained.tester(tasks) as tester:
        for shot in in_trial(tester, stack_params(trained.components.algo.policy.theta, len(tasks)), rng):
            yield from _rows(MEMORY, 0, shot.rollouts, shot.returns)


def ppo_returns(tester: MetaTester, params: Params, updates: int, rng: np.random.Generator) -> Iterator[list[np.ndarray]]:
    """Returns of the episodes of each task after 0 .. `updates` updates of PPO, each on a round of R rollouts."""
    learner = PerTaskPPO(tester.algo, params)
    for update in range(updates + 1):
        trajectories, _ = tester.sampler.obtain_samples(learner.params, rng)
        yield task_returns(trajectories)
        if update < updates:
            samples, _ = tester.sample_processor.process_samples(trajectories)
            learner.optimize(samples)


def _rows(how: str, updates: int, rollouts: int, returns: Sequence[np.ndarray]) -> Iterator[Row]:
    for task, values in enumerate(returns):
        yield {
            "adapted by": how,
            "updates": updates,
            "rollouts": rollouts,
            "task": task,
            "return": float(values.mean()),
        }
