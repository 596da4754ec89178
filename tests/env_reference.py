"""Compares the environments with recordings of the original code and of MuJoCo 2.1.0.

Three kinds of files, told apart by their keys:

* `env_<module>.npz`, `env_<module>_norne.npz`: a trajectory of one of the original's environments on MuJoCo 4.0.0. The
  package's `observation`, `reward` and `terminated` get the recorded states; the contact forces are the recorded ones, and
  what lags the state (body positions, inertias, velocities) comes from repeating each step from the recorded state before
  it: by the package's engine, or, for a model with a free joint, by `tests.mujoco4`, whose result is compared too
  (`next_qpos`, `next_qvel`, `cfrc_ext`).
* `point_envs.npz`: trajectories of the point environments; every step is repeated from the recorded state before it.
* `mujoco210/<model>.npz`: single steps of MuJoCo 2.1.0, against the package's engine under paper physics.
"""

from collections.abc import Callable
from pathlib import Path

import mujoco
import numpy as np

from meta_policy_search.envs import FAMILIES, load_class
from meta_policy_search.envs.mujoco_envs.base import MujocoMetaEnv
from meta_policy_search.envs.mujoco_envs.engine import Simulations, State
from meta_policy_search.envs.mujoco_envs.physics import compile_model, load_spec
from tests import mujoco4

Data = dict[str, np.ndarray]

EXACT = 1e-9
TOLERANCES = {  # where it isn't 1e-9
    "cfrc_ext": 1e-8,  # relative to the largest
    "mujoco210/next_qpos": 1e-12,
    "mujoco210/next_qvel": 1e-9,
    "mujoco210/next_qpos (free joint)": 1e-7,
    "mujoco210/next_qpos (free joint, median)": 1e-12,
    "mujoco210/next_qvel (free joint)": 1e-5,
}

# (an info that tells, size of the observation, size of the task) -> family
FAMILY_OF = {
    ("reward_run", 17, 1): "HalfCheetahRandDirecEnv",
    ("forward_vel", 17, 1): "HalfCheetahRandVelEnv",
    ("reward_contact", 111, 1): "AntRandDirecEnv",
    ("reward_contact", 111, 2): "AntRandDirec2DEnv",
    ("reward_contact", 113, 2): "AntRandGoalEnv",
    ("reward_linvel", 376, 1): "HumanoidRandDirecEnv",
    ("reward_linvel", 376, 2): "HumanoidRandDirec2DEnv",
    ("reward_fwd", 8, 1): "SwimmerRandVelEnv",
    (None, 17, 1): "Walker2DRandDirecEnv",  # or Walker2DRandVelEnv, by the task
    (None, 17, 0): "Walker2DRandParamsEnv",
    (None, 11, 0): "HopperRandParamsEnv",
}
TELLING_INFOS = ("forward_vel", "reward_run", "reward_contact", "reward_linvel", "reward_fwd")

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


def deviation(value: np.ndarray, recorded: np.ndarray) -> float:
    """The largest absolute difference; infinite if the shapes differ."""
    value, recorded = np.asarray(value, np.float64), np.asarray(recorded, np.float64)
    if value.shape != recorded.shape:
        return np.inf
    return float(np.abs(value - recorded).max(initial=0.0))


# --- one of the original's environments on MuJoCo -------------------------------------------------------------------


def family_name(data: Data) -> str:
    """Which family the recording is of."""
    info = next((name for name in TELLING_INFOS if f"env_infos/{name}" in data), None)
    task_size = data["task"].size if "task" in data else 0
    observation_size = data["obs"].shape[1]
    if (info, observation_size, task_size) not in FAMILY_OF:
        raise ValueError(f"no family has {observation_size} observations, tasks of size {task_size}, and the info {info}")
    name = FAMILY_OF[info, observation_size, task_size]
    if name == "Walker2DRandDirecEnv" and abs(data["task"]) != 1:
        return "Walker2DRandVelEnv"
    return name


def recorded_task(env: MujocoMetaEnv, data: Data) -> np.ndarray | dict[str, np.ndarray]:
    if "task" in data:
        return data["task"]
    return {name: data[f"task/{name}"].reshape(value.shape) for name, value in env.default_task().items()}


def compare_family(data: Data) -> dict[str, float]:
    steps = len(data["actions"])
    env = load_class(FAMILIES[family_name(data)])(physics="modern", num_envs=steps, num_threads=1)
    env.set_tasks([recorded_task(env, data)] * steps)
    repeated = repeat_steps(env, data)
    found = {} if "cfrc_ext" not in env.derived_fields else forces_deviation(data, repeated)
    after = states_after(data, repeated)
    before = np.concatenate([env.position(start_state(env, data, "start")), env.position(after)[:-1]])
    rewards, infos = env.reward(before, after, data["actions"])
    recorded_infos = {name.removeprefix("env_infos/") for name in data if name.startswith("env_infos/")}
    return found | {
        "action_low": deviation(env.action_space.low, data["action_low"]),
        "action_high": deviation(env.action_space.high, data["action_high"]),
        "dt": deviation(env.dt, data["dt"]),
        "init_qpos": deviation(env.model.qpos0, data["init_qpos"]),
        "obs_start": deviation(env.observation(start_state(env, data, "start"))[0], data["obs_start"]),
        "reset_obs": deviation(env.observation(start_state(env, data, "reset_seed123/"))[0], data["reset_seed123/obs"]),
        "obs": deviation(env.observation(after), data["obs"]),
        "rewards": deviation(rewards, data["rewards"]),
        "dones": deviation(env.terminated(after), data["dones"]),
        "env_infos": float(len(recorded_infos ^ set(infos))),
        **{f"env_infos/{name}": deviation(infos[name], data[f"env_infos/{name}"]) for name in recorded_infos & set(infos)},
        "next_qpos": deviation(repeated.qpos, data["qpos"]),
        "next_qvel": deviation(repeated.qvel, data["qvel"]),
    }


def has_forces(data: Data) -> bool:
    """Whether the recording has contact forces; MuJoCo 2.0 and later left them at 0."""
    return bool(data["cfrc_ext"].any())


def forces_deviation(data: Data, repeated: State) -> dict[str, float]:
    if not has_forces(data):
        return {}
    return {"cfrc_ext": deviation(repeated.cfrc_ext, data["cfrc_ext"]) / max(1.0, np.abs(data["cfrc_ext"]).max())}


def states_after(data: Data, repeated: State) -> State:
    """The recorded states after each step, [T]; only what the recording doesn't have is from repeating the step."""
    recorded = {"qpos": data["qpos"], "qvel": data["qvel"]}
    if hasattr(repeated, "cfrc_ext"):
        recorded["cfrc_ext"] = data["cfrc_ext"]
    return State(**(vars(repeated) | recorded))


def start_state(env: MujocoMetaEnv, data: Data, prefix: str) -> State:
    """The state before the first step or after the recorded reset, [1], its derived fields from the package's engine."""
    names = ("start_qpos", "start_qvel") if prefix == "start" else (f"{prefix}qpos", f"{prefix}qvel")
    env.sims.set_state(*(data[name] for name in names), np.array([0]))
    state = env.sims.state(np.array([0]))
    if hasattr(state, "cfrc_ext") and not has_forces(data):
        state.cfrc_ext[:] = 0
    return state


def repeat_steps(env: MujocoMetaEnv, data: Data) -> State:
    """The states [T] after one environment step from each recorded state, with the constraint solver's warm start."""
    free = (env.model.jnt_type == mujoco.mjtJoint.mjJNT_FREE).any()
    states = (free_joint_steps if free else engine_steps)(env, data)
    return State(**{name: np.concatenate([getattr(state, name) for state in states]) for name in vars(states[0])})


def engine_steps(env: MujocoMetaEnv, data: Data) -> list[State]:
    env = env.batch(1)
    env.set_task(recorded_task(env, data))
    env.sims.set_state(data["start_qpos"], data["start_qvel"])
    env.sims.set_warmstart(0.0)  # where MuJoCo 4.0.0 starts from
    states = []
    for t, action in enumerate(data["actions"]):
        if t > 0:
            env.sims.qpos[:], env.sims.qvel[:] = data["qpos"][t - 1], data["qvel"][t - 1]
        env.sims.step(action[np.newaxis], env.frame_skip)
        states.append(env.sims.state(np.array([0])))
    return states


def free_joint_steps(env: MujocoMetaEnv, data: Data) -> list[State]:
    simulation, states = mujoco.MjData(env.model), []
    for t, action in enumerate(data["actions"]):
        qpos, qvel = (data["start_qpos"], data["start_qvel"]) if t == 0 else (data["qpos"][t - 1], data["qvel"][t - 1])
        simulation.qpos[:], simulation.qvel[:], simulation.ctrl[:] = qpos, qvel, action
        for _ in range(env.frame_skip):
            mujoco4.step(env.model, simulation)
        mujoco.mj_rnePostConstraint(env.model, simulation)  # as the recording did
        fields = ("qpos", "qvel", *env.derived_fields)
        states.append(State(**{name: getattr(simulation, name)[np.newaxis].copy() for name in fields}))
    return states


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
