"""Draws simulations with gymnasium's renderer, in a process of its own.

The process doesn't load TensorFlow: in one process, the LLVM in it and the LLVM of Mesa's software renderer (that is, of any
machine without a graphics card) crash each other.
"""

from concurrent.futures import BrokenExecutor

import mujoco
import numpy as np
from gymnasium.envs.mujoco.mujoco_rendering import MujocoRenderer
from joblib.externals.loky import ProcessPoolExecutor

from meta_policy_search.envs.base import SimulationError
from meta_policy_search.envs.environment_errors import LONGEST_MESSAGE, one_line
from meta_policy_search.utils.child_processes import without_working_directory

IMAGE_SIZE = 480  # pixels, gymnasium's
CAMERA = {"type": mujoco.mjtCamera.mjCAMERA_TRACKING, "trackbodyid": 1, "distance": 4.0}  # m; follows the torso

_renderers: list[MujocoRenderer] = []  # the one of this process


class ProcessRenderer:
    """Images of the states of one model, or a window that shows them.

    Args:
      model: the compiled model.
      mode: "rgb_array" to get images, "human" for a window.
    """

    def __init__(self, model: mujoco.MjModel, mode: str):
        self._mode = mode
        with without_working_directory():
            self._process = ProcessPoolExecutor(max_workers=1)
            self._process.submit(_open, model).result()

    def draw(self, qpos: np.ndarray, qvel: np.ndarray) -> np.ndarray | None:
        """The image [480, 480, 3] uint8 of the state qpos [nq], qvel [nv]; in mode "human" it goes to the window.

        Raises:
          SimulationError: there is no display or no OpenGL; `MUJOCO_GL=egl` needs none of the former.
        """
        try:
            return self._process.submit(_draw, qpos, qvel, self._mode).result()
        except RuntimeError as error:  # also of a process that has died, as of a display that doesn't answer
            why = "its process died" if isinstance(error, BrokenExecutor) else one_line(error, LONGEST_MESSAGE)
            what = "open a window" if self._mode == "human" else "draw"
            remedy = "a film needs no display" if self._mode == "human" else "it needs OpenGL: apt install libegl1 libgl1"
            raise SimulationError(f"MuJoCo can't {what} here ({why}); {remedy}", []) from error

    def close(self) -> None:
        """Ends the process, and with it the window."""
        self._process.shutdown(kill_workers=True)


def _open(model: mujoco.MjModel) -> None:
    data = mujoco.MjData(model)
    renderer = MujocoRenderer(model, data, default_cam_config=CAMERA, width=IMAGE_SIZE, height=IMAGE_SIZE)
    renderer.camera_id = None  # any number would undo the tracking at each picture
    _renderers[:] = [renderer]


def _draw(qpos: np.ndarray, qvel: np.ndarray, mode: str) -> np.ndarray | None:
    renderer = _renderers[0]
    renderer.data.qpos[:], renderer.data.qvel[:] = qpos, qvel
    mujoco.mj_forward(renderer.model, renderer.data)
    return renderer.render(mode)
