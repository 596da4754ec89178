"""What every task family must hold to, whoever wrote it."""

from collections.abc import Callable, Sequence

import numpy as np
from gymnasium.spaces import Space

from meta_policy_search.envs.base import BatchMetaEnv, BatchStep, Tasks
from meta_policy_search.samplers.rollout import PerTaskRng


def check_env(make: Callable[..., BatchMetaEnv], *, steps: int = 20, n_envs: int = 3, seed: int = 0) -> None:
    """Shapes, finite numbers, reproducibility, and that an environment of a batch is the same as one alone.

    Args:
      make: (num_envs=...) -> a batch; the class of a family is one.
      steps: of each rollout.

    Raises:
      AssertionError: what doesn't hold, in one sentence.
    """
    batch = make(num_envs=n_envs)
    tasks = _check_tasks(batch, n_envs, seed)
    actions = _actions(batch.action_space, steps, n_envs, seed)
    first = _roll_out(batch, tasks, actions, range(n_envs), seed)
    name = batch.family_name
    again = _roll_out(make(num_envs=n_envs), tasks, actions, range(n_envs), seed)
    _require(_equal(first, again), f"{name} does other things with the same tasks, actions and random numbers")
    _require(_equal(first, _roll_out(batch, tasks, actions, range(n_envs), seed)), f"{name} remembers the episode before")
    for i in range(n_envs):
        alone = _roll_out(batch.batch(1), [tasks[i]], actions[:, i : i + 1], [i], seed)
        of_batch = [(observations[i : i + 1], rewards[i : i + 1]) for observations, rewards in first]
        _require(_equal(of_batch, alone), f"environment {i} of a batch of {name} is not the same as one alone")


def _check_tasks(batch: BatchMetaEnv, n_envs: int, seed: int) -> Tasks:
    name = batch.family_name
    tasks, again = (batch.sample_tasks(n_envs, np.random.default_rng(seed)) for _ in range(2))
    _require(len(tasks) == n_envs, f"{name} was asked for {n_envs} tasks and drew {len(tasks)}")
    _require(repr(list(tasks)) == repr(list(again)), f"{name} draws other tasks from the same generator")
    try:
        batch.set_tasks(list(tasks)[1:])
    except ValueError:
        return tasks
    raise AssertionError(f"{name} takes {n_envs - 1} tasks for {n_envs} environments without a ValueError")


def _roll_out(
    env: BatchMetaEnv, tasks: Tasks, actions: np.ndarray, streams: Sequence[int], seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Observations [M, O] and rewards [M] of each step; an environment that ends starts anew, from its own generator."""
    env.set_tasks(tasks)
    generators = [np.random.default_rng([seed, stream]) for stream in streams]
    observations = np.array(_reset(env, generators, None))
    found = [(observations, np.zeros(len(tasks)))]
    for of_step in actions:
        after = env.step_envs(of_step)
        _check_step(env, after)
        observations = np.array(after.observations)
        found.append((observations.copy(), np.array(after.rewards)))
        ended = np.flatnonzero(after.terminated)
        if len(ended):
            observations[ended] = _reset(env, generators, ended)
    return found


def _reset(env: BatchMetaEnv, generators: Sequence[np.random.Generator], envs: np.ndarray | None) -> np.ndarray:
    observations = np.asarray(env.reset_envs(PerTaskRng(generators, 1, envs), envs))
    expected = (env.num_envs if envs is None else len(envs), *env.observation_space.shape)
    what = f"reset_envs of {env.family_name} returns observations"
    _require(observations.shape == expected, f"{what} of the shape {list(observations.shape)}, not {list(expected)}")
    _require(bool(np.isfinite(observations).all()), f"{what} that are not finite")
    return observations


def _check_step(env: BatchMetaEnv, after: BatchStep) -> None:
    what, n_envs = f"step_envs of {env.family_name} returns", env.num_envs
    arrays = {"rewards": after.rewards, "terminated": after.terminated, **after.infos}
    shapes = {name: (n_envs,) for name in arrays} | {"observations": (n_envs, *env.observation_space.shape)}
    for name, values in {"observations": after.observations, **arrays}.items():
        shape = np.shape(values)
        _require(shape == shapes[name], f"{what} {name} of the shape {list(shape)}, not {list(shapes[name])}")
    for name in ("observations", "rewards"):
        _require(bool(np.isfinite(getattr(after, name)).all()), f"{what} {name} that are not finite")
    _require(np.asarray(after.terminated).dtype == bool, f"{what} terminated that is not bool")


def _actions(space: Space[object], steps: int, n_envs: int, seed: int) -> np.ndarray:
    space.seed(seed)
    return np.array([[space.sample() for _ in range(n_envs)] for _ in range(steps)])


def _equal(first: list[tuple[np.ndarray, np.ndarray]], second: list[tuple[np.ndarray, np.ndarray]]) -> bool:
    pairs = zip(first, second, strict=True)
    return all(np.array_equal(a, b) for step, other in pairs for a, b in zip(step, other, strict=True))


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)
