"""Compares the environments with recordings of the original code and of MuJoCo 2.1.0.

Three kinds of files, distinguished by their keys:

* `env_<module>.npz`, `env_<module>_norne.npz`: trajectories of the MuJoCo environments, see `tests.family_reference`.
* `point_envs.npz`: trajectories of the point environments; every step is repeated from the recorded state before it.
* `mujoco210/<model>.npz`: single steps of MuJoCo 2.1.0, against the package's engine under paper physics.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from meta_policy_search.envs import FAMILIES, load_class
from meta_policy_search.envs.mujoco_envs.engine import Simulations
from meta_policy_search.envs.mujoco_envs.physics import compile_model, load_spec
from tests.family_reference import Data, compare_family, deviation

EXACT = 1e-9
TOLERANCES = {  # where it isn't 1e-9
    "cfrc_ext": 1e-8,  # relative to the largest
    "mujoco210/next_qpos": 1e-12,
    "mujoco210/next_qvel": 1e-9,
    "mujoco210/next_qpos (free joint)": 1e-7,
    "mujoco210/next_qpos (free joint, median)": 1e-12,
    "mujoco210/next_qvel (free joint)": 1e-5,
}

POINT_FAMILY_OF = {
    "point": "MetaPointEnv",
    "v2": "MetaPointEnv",
    "corner": "MetaPointEnvCorner",
    "walls": "MetaPointEnvWalls",
    "momentum": "MetaPointEnvMomentum",
}

# (nq, nu, 1000 * time step) -> XML file, sub-steps
MODEL_OF = {
    (9, 6, 10): ("half_cheetah.xml", 5),
    (15, 8, 10): ("ant.xml", 5),
    (6, 3, 2): ("hopper.xml", 4),
    (9, 6, 2): ("walker2d.xml", 4),
}


def compare(path: Path) -> dict[str, float]:
    """The largest deviation of every quantity in the file."""
    with np.load(path) as file:
        data = dict(file)
    return comparison(data)(data)


def tolerance(path: Path, quantity: str) -> float:
    """How large a deviation may be."""
    del path
    return TOLERANCES.get(quantity, EXACT)


def comparison(data: Data) -> Callable[[Data], dict[str, float]]:
    """The function that compares such data."""
    if "start_qpos" in data:
        return compare_family
    if "qacc_warmstart" in data:
        return compare_engine
    if any(name.endswith("/start_state") for name in data):
        return compare_points
    raise ValueError(f"no recording of environments has the keys {', '.join(sorted(data)[:5])}, ...")


# --- point environments ---------------------------------------------------------------------------------------------


def compare_points(data: Data) -> dict[str, float]:
    found = {}
    for group in sorted({name.split("/")[0] for name in data}):
        recording = {name.removeprefix(f"{group}/"): data[name] for name in data if name.startswith(f"{group}/")}
        found |= {f"{group}/{name}": value for name, value in compare_point(group, recording).items()}
    return found


def compare_point(group: str, data: Data) -> dict[str, float]:
    name, _, reward_type = group.partition("_")
    env = load_class(FAMILIES[POINT_FAMILY_OF[name]])(reward_type=reward_type or None, num_envs=len(data["actions"]))
    env.set_task(point_task(data))
    env.states[1:] = data["obs"][:-1]
    env.states[0] = first_state(data, env.max_action)
    step = env.step_envs(data["actions"])
    dones = data["dones"]
    if name == "v2":  # the original's are near the origin; fixed
        dones = (np.abs(data["obs"] - data["task"]) < 0.01).all(axis=-1)
    return {
        "obs": deviation(step.observations, data["obs"]),
        "rewards": deviation(step.rewards, np.nan_to_num(data["rewards"], nan=0.0)),  # None in the original; fixed
        "dones": deviation(step.terminated, dones),
    }


def point_task(data: Data) -> np.ndarray | dict[str, np.ndarray]:
    if "task" in data:
        return data["task"]
    parts = {name.removeprefix("task/"): value for name, value in data.items() if name.startswith("task/")}
    return parts or np.zeros(2)


def first_state(data: Data, max_action: float) -> np.ndarray:
    """The state before the first step. The velocity of a point with inertia isn't recorded; it follows from the next."""
    if data["obs"].shape[1] == data["start_state"].size:
        return data["start_state"]
    velocity = data["obs"][0, 2:] - np.clip(data["actions"][0], -max_action, max_action)
    return np.concatenate([data["start_state"], velocity])


# --- MuJoCo 2.1.0 ---------------------------------------------------------------------------------------------------


def compare_engine(data: Data) -> dict[str, float]:
    sizes = data["qpos"].shape[1], data["actions"].shape[1], round(1000 * float(data["dt"]))
    xml, frame_skip = MODEL_OF[sizes]
    model = compile_model(load_spec(xml), "paper")
    sims = Simulations(model, len(data["qpos"]), num_threads=1)
    sims.set_state(data["qpos"], data["qvel"])
    sims.set_warmstart(data["qacc_warmstart"])
    sims.step(data["actions"], frame_skip)
    errors = {name: np.abs(getattr(sims, name) - data[f"next_{name}"]).max(axis=-1) for name in ("qpos", "qvel")}
    joint = " (free joint)" if model.nq != model.nv else ""
    found = {f"mujoco210/next_{name}{joint}": float(error.max()) for name, error in errors.items()}
    if joint:
        found["mujoco210/next_qpos (free joint, median)"] = float(np.median(errors["qpos"]))
    constants = ("body_mass", "body_inertia", "body_ipos", "dof_invweight0")
    found |= {name: deviation(getattr(model, name), data[name]) for name in constants}
    return found | {"geom_margin": deviation(2 * model.geom_margin, data["geom_margin"])}  # halved under paper physics
