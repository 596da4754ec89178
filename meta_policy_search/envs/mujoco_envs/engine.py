"""The only module that knows MuJoCo's batch engine. Another engine, as `legacy_engine`, offers the same class."""

from collections.abc import Sequence
from types import SimpleNamespace

import mujoco
import numpy as np
from mujoco import batch as mujoco_batch

from meta_policy_search.envs.base import SimulationError

_UNSTABLE = {
    mujoco.mjtWarning.mjWARN_BADQPOS: "position",
    mujoco.mjtWarning.mjWARN_BADQVEL: "velocity",
    mujoco.mjtWarning.mjWARN_BADQACC: "acceleration",
    mujoco.mjtWarning.mjWARN_BADCTRL: "control",
}


class State(SimpleNamespace):
    """Fields of MjData of m simulations, by their names there: qpos [m, nq], qvel [m, nv], xpos [m, nbody, 3], ..."""


class Simulations:
    """M simulations of one model on a pool of threads, bit-identical for any number of threads.

    Args:
      model: the compiled model.
      num_sims: M.
      num_threads: 0 for one per core.
      derived_fields: what `state` has besides qpos and qvel.
    """

    def __init__(self, model: mujoco.MjModel, num_sims: int, num_threads: int = 0, derived_fields: Sequence[str] = ()):
        self._batch = mujoco_batch.Batch(model, num_sims, num_threads)
        self.num_threads = self._batch.nthread
        self.qpos, self.qvel = self._batch.bind("qpos"), self._batch.bind("qvel")  # [M, nq], [M, nv], live
        self._ctrl, self._warmstart = self._batch.bind("ctrl"), self._batch.bind("qacc_warmstart")
        self._qacc = self._batch.bind("qacc")
        self._fields = {name: self._batch.bind(name) for name in ("qpos", "qvel", *derived_fields)}

    def state(self, sims: np.ndarray | None = None) -> State:
        """The state of the given simulations (indices [m], a copy; None: all of them, live).

        After `step`, derived fields are up to one sub-step behind qpos, as mj_step leaves them.
        """
        rows = slice(None) if sims is None else sims
        return State(**{name: values[rows] for name, values in self._fields.items()})

    def model_field(self, name: str) -> np.ndarray:
        """A field of MjModel with one value per simulation, [M, ...], live. Derived constants are not recomputed."""
        return self._batch.expand(name)

    def set_state(self, qpos: np.ndarray, qvel: np.ndarray, sims: np.ndarray | None = None) -> None:
        """Clears the given simulations (ascending indices [m]; None: all), sets qpos [m, nq], qvel [m, nv]; mj_forward."""
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
          SimulationError: a position, velocity or acceleration became infinite, NaN or larger than 1e10.
        """
        self._ctrl[:] = ctrl
        try:
            self._batch.step(nstep=num_steps)
        except mujoco_batch.SimulationError as error:
            raise SimulationError(str(error), error.ids) from error
        if self._batch.warning.any():
            self._raise_if_unstable()

    def close(self) -> None:
        """Nothing is to be ended: the threads go with the object."""

    def _raise_if_unstable(self) -> None:
        counts = self._batch.warning[:, :, 1]  # [M, kind]; the other column is where it happened
        for warning, quantity in _UNSTABLE.items():
            sims = np.flatnonzero(counts[:, int(warning)])
            if len(sims):
                raise SimulationError(f"MuJoCo found a {quantity} that is not finite or exceeds 1e10", sims)
