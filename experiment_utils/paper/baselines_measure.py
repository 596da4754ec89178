"""How a trained policy adapts to the test tasks of the comparison with baselines."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from experiment_utils.evaluation.k_shot import in_trial, k_shot
from experiment_utils.evaluation.trained_policy import TrainedPolicy, load_trained
from experiment_utils.paper.baselines import INNER, MEMORY, META, ORACLE, PPO, RANDOM, RL2, TRPO
from experiment_utils.tensorflow_setup import configure_tensorflow
from meta_policy_search.envs.base import Tasks
from meta_policy_search.meta_algos.per_task_ppo import PerTaskPPO
from meta_policy_search.meta_algos.per_task_trpo import PerTaskTRPO
from meta_policy_search.meta_tester import MetaTester
from meta_policy_search.policies.base import stack_params
from meta_policy_search.samplers.meta_sample_processor import task_returns
from meta_policy_search.types import Params

TEST_STREAM = 1  # beside the run's seed: training draws from the seed alone
N_TASKS = 20
STEPS = 5  # inner steps
UPDATES = 30  # of PPO and TRPO in a task
Row = dict[str, str | int | float]


def measured_rows(folder: Path, method: str) -> Iterator[Row]:
    """Rows of `adaptation.csv` for the run's last policy; for ProMP's also those of a random initialisation.

    The tasks and the random initialisation depend on the run's seed alone, so all methods meet the same ones.
    """
    configure_tensorflow()
    trained = load_trained(folder, "last", parallel=True)
    rng = np.random.default_rng((trained.config.seed, TEST_STREAM))
    tasks, sampling, initial, of_trpo = trained.sample_tasks(N_TASKS, rng), *rng.spawn(3)
    policy = trained.components.algo.policy
    if method == RL2:
        yield from ({"policy": method, **row} for row in _of_memory(trained, tasks, sampling))
        return
    thetas = {method: dict(policy.theta)}
    if method == META:
        thetas[RANDOM] = {name: tf.cast(value, policy.dtype) for name, value in policy.init_params(initial).items()}
    for name, theta in thetas.items():
        streams = {PPO: sampling, TRPO: of_trpo} if method != ORACLE else {}
        for row in _of_theta(trained, tasks, theta, sampling, streams):
            yield {"policy": name, **row}


def _of_theta(
    trained: TrainedPolicy,
    tasks: Tasks,
    theta: Params,
    rng: np.random.Generator,
    learners: Mapping[str, np.random.Generator],
) -> Iterator[Row]:
    """Of inner steps and of the named learners, each with the generator it samples with; not adapted if there are none."""
    params = stack_params(theta, len(tasks))
    with trained.tester(tasks) as tester:
        for shot in k_shot(tester, params, STEPS if learners else 1, rng):
            if learners or shot.steps == 0:
                yield from _rows(INNER, shot.steps, shot.steps * shot.rollouts, shot.returns)
        for how, stream in learners.items():
            learner = PerTaskPPO(tester.algo, params) if how == PPO else PerTaskTRPO(tester.algo.policy, params)
            for update, returns in enumerate(returns_of(learner, tester, UPDATES, stream)):
                yield from _rows(how, update, update * tester.sampler.batch_shape[1], returns)


def _of_memory(trained: TrainedPolicy, tasks: Tasks, rng: np.random.Generator) -> Iterator[Row]:
    with trained.tester(tasks) as tester:
        for shot in in_trial(tester, stack_params(trained.components.algo.policy.theta, len(tasks)), rng):
            yield from _rows(MEMORY, 0, shot.rollouts, shot.returns)


def returns_of(
    learner: PerTaskPPO | PerTaskTRPO, tester: MetaTester, updates: int, rng: np.random.Generator
) -> Iterator[list[np.ndarray]]:
    """Returns of the episodes of each task after 0 .. `updates` of the learner's updates, each on a round of R rollouts."""
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
