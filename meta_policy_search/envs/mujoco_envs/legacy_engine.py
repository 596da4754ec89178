"""MuJoCo 2.1.0 in the place of the batch engine: gym's own environments on mujoco-py, in worker processes. For checking.

This process never imports mujoco-py: it can't live beside TensorFlow.
"""

import contextlib
import functools
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import joblib
import mujoco
import numpy as np
from gymnasium.vector import AsyncVectorEnv

from meta_policy_search.envs.base import SimulationError
from meta_policy_search.envs.gymnasium_vector_env import largest_divisor
from meta_policy_search.envs.mujoco_envs.engine import State
from meta_policy_search.envs.mujoco_envs.legacy_worker import GYM_IDS, LegacyShard
from meta_policy_search.utils.child_processes import without_working_directory

INSTALL = "`make legacy` installs it (docker/README.md says what that needs, and how to build an image that has it)"


class LegacySimulations:
    """What `engine.Simulations` is, on gym and mujoco-py. Slow: every step goes through Python, once per environment.

    Args:
      xml: the model, one of gym's files.
      model: the same model as compiled today; its time step is used, and its sizes.
      num_sims: M.
      num_threads: worker processes at most; 0 for one per core. Results don't depend on it.
      derived_fields: what `state` has besides qpos and qvel.

    Raises:
      ValueError: gym, mujoco-py or MuJoCo 2.1.0 can't be used, or gym has no environment of this model.
    """

    def __init__(
        self, xml: str, model: mujoco.MjModel, num_sims: int, num_threads: int = 0, derived_fields: Sequence[str] = ()
    ):
        if xml not in GYM_IDS:
            raise ValueError(f"the backend mujoco-py knows {', '.join(GYM_IDS)}, not {xml}")
        require_mujoco_py()
        self.num_threads = largest_divisor(num_sims, num_threads or joblib.cpu_count())
        share = num_sims // self.num_threads
        shard = functools.partial(LegacyShard, xml, model.opt.timestep, ("qpos", "qvel", *derived_fields), num_envs=share)
        shards = [functools.partial(shard, first=first) for first in range(0, num_sims, share)]
        with _environment_of_mujoco_py():
            self._workers = AsyncVectorEnv(shards, context="spawn", shared_memory=False)
        self._fields = self._ask("fields")
        self.qpos, self.qvel = self._fields["qpos"], self._fields["qvel"]
        self._model_fields: dict[str, np.ndarray] = {}  # those that somebody may have changed
        self._sent: dict[str, np.ndarray] = {}

    def state(self, sims: np.ndarray | None = None) -> State:
        """The state of the given simulations (indices [m], a copy; None: all of them, live)."""
        rows = slice(None) if sims is None else sims
        return State(**{name: values[rows] for name, values in self._fields.items()})

    def model_field(self, name: str) -> np.ndarray:
        """A field of the model with one value per simulation, [M, ...], live. Derived constants are not recomputed."""
        if name not in self._model_fields:
            self._model_fields[name] = self._ask("model_fields", (name,))[name]
            self._sent[name] = self._model_fields[name].copy()
        return self._model_fields[name]

    def set_state(self, qpos: np.ndarray, qvel: np.ndarray, sims: np.ndarray | None = None) -> None:
        """Resets the given simulations (ascending indices [m]; None: all) to qpos [m, nq], qvel [m, nv]."""
        rows = np.arange(len(self.qpos)) if sims is None else np.asarray(sims)
        self._send_model()
        self._take(self._ask("set_state", rows, np.broadcast_to(qpos, (len(rows), *self.qpos.shape[1:])), qvel))

    def set_warmstart(self, qacc: np.ndarray) -> None:
        """The accelerations [M, nv] that the constraint solver starts from."""
        self._ask("set_warmstart", np.broadcast_to(qacc, self.qvel.shape))

    def step(self, ctrl: np.ndarray, num_steps: int) -> None:
        """`num_steps` sub-steps of all simulations with the controls [M, nu] held.

        Raises:
          SimulationError: mujoco-py found a simulation unstable, or a worker died.
        """
        self._send_model()
        self._take(self._ask("advance", np.asarray(ctrl, np.float64), num_steps))

    def close(self) -> None:
        """Ends the workers."""
        self._workers.close()

    def _take(self, fields: dict[str, np.ndarray]) -> None:
        for name, values in fields.items():
            self._fields[name][:] = values

    def _send_model(self) -> None:
        changed = {name: x for name, x in self._model_fields.items() if not np.array_equal(x, self._sent[name])}
        if changed:
            self._ask("set_model_fields", changed)
            self._sent |= {name: values.copy() for name, values in changed.items()}

    def _ask(self, method: str, *args: Any) -> dict[str, np.ndarray]:
        """What all workers answer to `method`: arrays by name, [M, ...] together."""
        try:
            answers = self._workers.call(method, *args)
        except (EOFError, ConnectionError) as error:
            self._workers.close(terminate=True)
            raise SimulationError("a worker process of the backend mujoco-py died", []) from error
        for answer in answers:
            if answer.failed is not None:
                raise SimulationError(answer.message, [answer.failed])
        return {name: np.concatenate([answer.arrays[name] for answer in answers]) for name in answers[0].arrays}


@functools.cache
def require_mujoco_py() -> None:
    """Check, in a process of its own, that mujoco-py can be used; the message has the command that mends it.

    Raises:
      ValueError: something is missing.
    """
    code = "import gym, mujoco_py; mujoco_py.MjSim"
    with _environment_of_mujoco_py():
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if result.returncode:
        why = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        missing = [name for name in ("gym", "mujoco_py") if f"No module named '{name}'" in why]
        what = f"{missing[0]} is not installed" if missing else f"mujoco-py can't be imported: {why.strip()}"
        raise ValueError(f"the backend mujoco-py needs gym, mujoco-py and MuJoCo 2.1.0, but {what}; {INSTALL}")


@contextlib.contextmanager
def _environment_of_mujoco_py() -> Iterator[None]:
    """Lets processes that start now find MuJoCo 2.1.0, where mujoco-py looks for it."""
    before = dict(os.environ)
    home = Path(before.get("MUJOCO_PY_MUJOCO_PATH", Path.home() / ".mujoco" / "mujoco210"))
    path = [str(home / "bin"), *filter(None, [before.get("LD_LIBRARY_PATH")])]
    os.environ |= {"LD_LIBRARY_PATH": ":".join(path), "MUJOCO_PY_FORCE_CPU": "1", "OMP_NUM_THREADS": "1"}
    try:
        with without_working_directory():
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
