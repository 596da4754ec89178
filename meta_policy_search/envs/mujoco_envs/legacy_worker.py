"""What runs in a worker process of the legacy engine: environments of gym's. TensorFlow and today's MuJoCo are not here."""

import contextlib
import dataclasses
import functools
import io
import signal
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np

GYM_IDS = {
    "half_cheetah.xml": "HalfCheetah-v2",
    "ant.xml": "Ant-v2",
    "hopper.xml": "Hopper-v2",
    "walker2d.xml": "Walker2d-v2",
}

MUJOCO_PY_NAMES = {"xpos": "body_xpos"}  # of fields that mujoco-py calls otherwise

# Since 2.0 MuJoCo computes contact forces only for the sake of a sensor such as an accelerometer.
_SITE = '<worldbody><site name="contact_forces" group="5"/>'
_SENSOR = '<sensor><accelerometer name="contact_forces" site="contact_forces"/></sensor></mujoco>'


@dataclasses.dataclass(frozen=True)
class Answer:
    """Arrays [m, ...] by name, or the index of an environment that failed and why."""

    arrays: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    failed: int | None = None
    message: str = ""


class LegacyShard(gymnasium.Env):
    """m of gym's environments, driven together through their simulators. Arguments of methods are of all M of them.

    Args:
      xml: the model's file.
      timestep: in s, of a sub-step.
      fields: of mujoco-py's data, that every answer has.
      num_envs: m.
      first: the index of the first of them.
    """

    observation_space = action_space = gymnasium.spaces.Discrete(1)  # not used

    def __init__(self, xml: str, timestep: float, fields: Sequence[str], *, num_envs: int, first: int):
        self._xml, self._timestep, self._names = xml, timestep, fields
        self._rows = range(first, first + num_envs)

    @functools.cached_property
    def _envs(self) -> list[Any]:
        """Made when they are first needed: gymnasium makes a shard in the trainer's process too, to see what it is."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the trainer's affair
        with contextlib.redirect_stderr(io.StringIO()):  # gym says at each import that it is unmaintained
            import gym
        gym.logger.set_level(gym.logger.DISABLED)
        envs = [gym.make(GYM_IDS[self._xml], disable_env_checker=True).unwrapped for _ in self._rows]
        for env in envs:
            if "cfrc_ext" in self._names:
                _add_contact_forces(env)
            env.sim.model.opt.timestep = self._timestep
        return envs

    def fields(self) -> Answer:
        """The state."""
        return self._answer()

    def model_fields(self, names: Sequence[str]) -> Answer:
        """Fields of the models."""
        return Answer({name: np.stack([getattr(env.sim.model, name) for env in self._envs]) for name in names})

    def set_model_fields(self, fields: Mapping[str, np.ndarray]) -> Answer:
        """Gives each model its values [M, ...]."""
        for row, env in zip(self._rows, self._envs, strict=True):
            for name, values in fields.items():
                getattr(env.sim.model, name)[:] = values[row]
        return Answer()

    def set_state(self, rows: np.ndarray, qpos: np.ndarray, qvel: np.ndarray) -> Answer:
        """Resets the environments `rows` [k] to qpos [k, nq], qvel [k, nv]."""
        for row, position, velocity in zip(rows, qpos, qvel, strict=True):
            if row in self._rows:
                env = self._envs[row - self._rows.start]
                env.sim.reset()
                env.set_state(position, velocity)
        return self._answer()

    def set_warmstart(self, qacc: np.ndarray) -> Answer:
        """The accelerations [M, nv] that the constraint solvers start from."""
        for row, env in zip(self._rows, self._envs, strict=True):
            env.sim.data.qacc_warmstart[:] = qacc[row]
        return Answer()

    def advance(self, ctrl: np.ndarray, num_steps: int) -> Answer:
        """`num_steps` sub-steps with the controls [M, nu]."""
        from mujoco_py import MujocoException

        for row, env in zip(self._rows, self._envs, strict=True):
            try:
                env.do_simulation(ctrl[row], num_steps)
            except MujocoException as error:
                return Answer(failed=row, message=str(error))
        return self._answer()

    def _answer(self) -> Answer:
        theirs = {name: MUJOCO_PY_NAMES.get(name, name) for name in self._names}
        return Answer({name: np.stack([getattr(env.sim.data, its) for env in self._envs]) for name, its in theirs.items()})


def _add_contact_forces(env: Any) -> None:
    """Gives gym's environment a model that has an accelerometer besides."""
    import mujoco_py

    with open(env.fullpath) as file:
        text = file.read().replace("<worldbody>", _SITE).replace("</mujoco>", _SENSOR)
    env.model = mujoco_py.load_model_from_xml(text)
    env.sim = mujoco_py.MjSim(env.model)
    env.data = env.sim.data
