"""What the environment shows while policies act in one task, next to each other."""

from collections.abc import Iterator, Sequence

import numpy as np

from experiment_utils.evaluation.tasks import task_text
from experiment_utils.evaluation.video import captioned, side_by_side
from meta_policy_search.envs.base import BatchMetaEnv, SimulationError, Task
from meta_policy_search.envs.environment_errors import environment_code
from meta_policy_search.envs.single_env import SingleEnv
from meta_policy_search.envs.spaces import kind_of
from meta_policy_search.policies.actor import Actor


def episodes(
    envs: Sequence[BatchMetaEnv | SingleEnv],
    actors: Sequence[Actor],
    task: Task,
    max_path_length: int,
    seed: int,
    sample: bool = False,
) -> Iterator[tuple[list[np.ndarray | None], list[float]]]:
    """One episode of each actor in its environment, from the same start, in lock-step.

    An episode that ends early keeps its last picture. With `sample`, both actors draw the same noise.

    Yields:
      After each step, what each environment renders, and its return so far.
    """
    observations = []
    for env in envs:
        with environment_code:
            env.set_task(task)
            observations.append(env.reset(seed=seed)[0])
    generators = [np.random.default_rng(seed) if sample else None for _ in envs]
    returns, over = [0.0] * len(envs), [False] * len(envs)
    pictures = [_picture(env) for env in envs]
    for _ in range(max_path_length):
        for i, (env, actor) in enumerate(zip(envs, actors, strict=True)):
            if over[i]:
                continue
            action = actor.act(observations[i], generators[i])
            with environment_code:
                observations[i], reward, terminated, truncated, _ = env.step(action)
            over[i] = terminated or truncated
            returns[i] += reward
            pictures[i] = _picture(env)
        yield pictures, returns
        if all(over):
            return


def _picture(env: BatchMetaEnv | SingleEnv) -> np.ndarray | None:
    """What the environment renders, [h, w, 3] uint8; None where it shows it in a window."""
    with environment_code:
        picture = env.render()
    if env.render_mode == "human":
        return None
    if not isinstance(picture, np.ndarray) or picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        what = f"render of the environment returned {kind_of(picture)}"
        raise SimulationError(f"{what}; a film needs arrays [height, width, 3] of type uint8", [])
    return picture


def captioned_frames(
    shown: Iterator[tuple[list[np.ndarray | None], list[float]]],
    titles: Sequence[str],
    task: Task,
    seconds: float | None = None,
) -> Iterator[np.ndarray]:
    """Frames [h, w, 3] uint8: the pictures side by side below "title: return r", below the task and the time.

    Args:
      seconds: that one step lasts in the simulation; None where an environment has no such time.
    """
    for step, (pictures, returns) in enumerate(shown, start=1):
        captions = [f"{title}: return {r:z.1f}" for title, r in zip(titles, returns, strict=True)]
        drawn = [picture for picture in pictures if picture is not None]
        yield captioned(side_by_side(drawn, captions), heading(task, step, seconds))


def heading(task: Task, step: int, seconds: float | None) -> str:
    """The line over a frame; a task that is too long to be read, such as body parameters, is left out."""
    text = task_text(task)
    time = f"step {step}" if seconds is None else f"step {step}, {step * seconds:.2f} s"
    return f"task {text}, {time}" if text else time
