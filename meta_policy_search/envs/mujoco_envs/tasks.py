"""Task distributions and termination rules that several families share."""

import numpy as np

from meta_policy_search.envs.base import Task
from meta_policy_search.envs.mujoco_envs.engine import State

UNIT_TOLERANCE = 0.01  # of a length


def draw_directions(n_tasks: int, rng: np.random.Generator) -> np.ndarray:
    """-1 or +1 [n], each with probability 1/2: backward or forward."""
    return rng.choice([-1.0, 1.0], n_tasks)


def require_direction(task: Task) -> None:
    """Raise ValueError if `draw_directions` can't draw the task."""
    if np.abs(np.asarray(task)) != 1.0:
        raise ValueError(f"the task is {task}; it must be -1 or 1")


def draw_unit_vectors(n_tasks: int, rng: np.random.Generator) -> np.ndarray:
    """Directions in the plane [n, 2], uniform on the circle."""
    gaussian = rng.standard_normal((n_tasks, 2))
    return gaussian / np.linalg.norm(gaussian, axis=-1, keepdims=True)


def require_unit_vector(task: Task) -> None:
    """Raise ValueError if the task [2] has not the length 1, to two digits as a user would type it."""
    if abs(np.linalg.norm(np.asarray(task)) - 1.0) > UNIT_TOLERANCE:
        raise ValueError(f"the task is {np.asarray(task).tolist()}; it must be a direction of length 1, such as [0.6, -0.8]")


def draw_in_disc(n_tasks: int, rng: np.random.Generator, radius: float) -> np.ndarray:
    """Points [n, 2], uniform on the disc of the given radius around the origin."""
    angle = rng.uniform(0, 2 * np.pi, n_tasks)
    distance = radius * np.sqrt(rng.uniform(0, 1, n_tasks))
    return distance[:, np.newaxis] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def is_finite(state: State) -> np.ndarray:
    """Whether all positions and velocities are finite, [m]."""
    return np.isfinite(state.qpos).all(axis=-1) & np.isfinite(state.qvel).all(axis=-1)
