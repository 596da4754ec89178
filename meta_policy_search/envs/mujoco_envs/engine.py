"""The only module that knows MuJoCo's batch engine. Another engine takes its place by offering the same class."""

import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError

from meta_policy_search.envs.base import EnvironmentFailure

_UNSTABLE = {
    mujoco.mjtWarning.mjWARN_BADQPOS: "position",
    mujoco.mjtWarning.mjWARN_BADQVEL: "velocity",
    mujoco.mjtWarning.mjWARN_BADQACC: "acceleration",
    mujoco.mjtWarning.mjWARN_BADCTRL: "control",
}


class Simulations:
    """M simulations of one model on a pool of threads, bit-identical for any number of threads.

    Args:
      model: the compiled model.
      num_sims: M.
      num_threads: 0 for one per core.
    """

    def __init__(self, model: mujoco.MjModel, num_sims: int, num_threads: int = 0):
        self._batch = Batch(model, num_sims, num_threads)
        self.num_threads = self._batch.nthread
        self.qpos, self.qvel = self._batch.bind("qpos"), self._batch.bind("qvel")  # [M, nq], [M, nv], live
        self._ctrl, self._warmstart = self._batch.bind("ctrl"), self._batch.bind("qacc_warmstart")
        self._qacc = self._batch.bind("qacc")

    def field(self, name: str) -> np.ndarray:
        """A derived field of MjData, [M, ...], as of the last call; one sub-step behind qpos after `step`, as in mj_step."""
        return self._batch.bind(name)

    def model_field(self, name: str) -> np.ndarray:
        """A field of MjModel with one value per simulation, [M, ...], live. Derived constants are not recomputed."""
        return self._batch.expand(name)

    def model_of(self, sim: int) -> mujoco.MjModel:
        """Simulation `sim`'s model, for rendering."""
        return self._batch.get_model(sim)

    def data_of(self, sim: int) -> mujoco.MjData:
        """Simulation `sim`'s state in a new MjData, for rendering."""
        return self._batch.get_data(sim)

    def set_state(self, qpos: np.ndarray, qvel: np.ndarray, sims: np.ndarray | None = None) -> None:
        """Clears the given simulations (indices [m]; None: all), sets qpos [m, nq] and qvel [m, nv], and runs mj_forward."""
        self._batch.reset(sims, stage=mujoco.mjtStage.mjSTAGE_NONE)
        rows = slice(None) if sims is None else sims
        self.qpos[rows], self.qvel[rows] = qpos, qvel
        self._batch.forward(sims)
        self._warmstart[rows] = self._qacc[rows]  # as mj_forward left it until MuJoCo 3.3.5

    def set_warmstart(self, qacc: np.ndarray) -> None:
        """The accelerations [M, nv] that the constraint solver starts from."""
        self._warmstart[:] = qacc

    def step(self, ctrl: np.ndarray, num_steps: int) -> None:
        """`num_steps` sub-steps of all simulations with the controls [M, nu] held.

        Raises:
          EnvironmentFailure: a position, velocity or acceleration became infinite, NaN or larger than 1e10.
        """
        self._ctrl[:] = ctrl
        try:
            self._batch.step(nstep=num_steps)
        except SimulationError as error:
            raise EnvironmentFailure(str(error), error.ids) from error
        if self._batch.warning.any():
            self._raise_if_unstable()

    def _raise_if_unstable(self) -> None:
        counts = self._batch.warning.reshape(len(self.qpos), -1)
        for warning, quantity in _UNSTABLE.items():
            sims = np.flatnonzero(counts[:, int(warning)])
            if len(sims):
                raise EnvironmentFailure(f"MuJoCo found a {quantity} that is not finite or exceeds 1e10", sims)
