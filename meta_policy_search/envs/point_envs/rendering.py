"""Draws one point and its goal, as an image or in a window."""

import contextlib

import matplotlib.figure
import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.registry import BackendFilter, backend_registry

from meta_policy_search.envs.base import SimulationError

LIMIT = 3.0  # m, half the width of the picture


def _matplotlibs_style() -> contextlib.AbstractContextManager[None]:
    """matplotlib's defaults, whatever a matplotlibrc of the user's says."""
    return matplotlib.style.context({}, after_reset=True)


class PointRenderer:
    """The plane around the origin with a goal (star) and a point (dot).

    Args:
      mode: "rgb_array" to get images, "human" for a window.
      fps: pictures per second in the window.
    """

    def __init__(self, mode: str, fps: int):
        self.fps = fps
        self._image: FigureCanvasAgg | None = None  # if there is no window
        if mode == "human":
            import matplotlib.pyplot as plt  # chooses a window system

            if plt.get_backend().lower() in backend_registry.list_builtin(BackendFilter.NON_INTERACTIVE):
                what = f"no window can be opened here: matplotlib has no toolkit for it and draws with {plt.get_backend()}"
                raise SimulationError(f"{what}; a film needs no display", [])
            self.figure = plt.figure(figsize=(4, 4))
        else:
            self.figure = matplotlib.figure.Figure(figsize=(4, 4))
            self._image = FigureCanvasAgg(self.figure)
        with _matplotlibs_style():
            axes = self.figure.add_subplot(xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT), aspect="equal")
            (self.goal,) = axes.plot([], [], "*", markersize=14, color="tab:green")
            (self.point,) = axes.plot([], [], "o", color="tab:blue")

    def draw(self, position: np.ndarray, goal: np.ndarray) -> np.ndarray | None:
        """The image [400, 400, 3] uint8 of position [2] and goal [2], in m; in mode "human" it goes to the window."""
        self.point.set_data(position[:1], position[1:])
        self.goal.set_data(goal[:1], goal[1:])
        with _matplotlibs_style():
            self.figure.canvas.draw()
        if self._image is None:
            import matplotlib.pyplot as plt

            plt.pause(1 / self.fps)
            return None
        return np.asarray(self._image.buffer_rgba())[..., :3].copy()

    def close(self) -> None:
        """Closes the window, if there is one."""
        if self._image is None:
            import matplotlib.pyplot as plt

            plt.close(self.figure)
