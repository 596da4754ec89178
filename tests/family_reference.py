"""Compares the MuJoCo families with trajectories of the original's environments, recorded on MuJoCo 4.0.0.

The package's `observation`, `reward` and `terminated` get the recorded states and contact forces. What lags the state (body
positions, inertias, velocities) isn't recorded; it comes from repeating each step from the recorded state before it: by the
package's engine, or, for a model with a free joint, by `tests.mujoco4`. The result of that is compared too (`next_qpos`,
`next_qvel`, `cfrc_ext`).
"""

import mujoco
import numpy as np

from meta_policy_search.envs import FAMILIES, load_class
from meta_policy_search.envs.mujoco_envs.base import MujocoMetaEnv
from meta_policy_search.envs.mujoco_envs.engine import State
from tests import mujoco4
from tests.reference import nans_agree

Data = dict[str, np.ndarray]

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


def deviation(value: np.ndarray, recorded: np.ndarray) -> float:
    """The largest absolute difference; infinite if the shapes differ."""
    value, recorded = np.asarray(value, np.float64), np.asarray(recorded, np.float64)
    if value.shape != recorded.shape:
        return np.inf
    value, recorded = nans_agree(value, recorded)
    return float(np.abs(value - recorded).max(initial=0.0))


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
