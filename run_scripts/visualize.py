"""A film of a trained meta-policy before and after adaptation to one task, side by side.

python run_scripts/visualize.py data/promp/run_1 --video film.mp4
"""

import dataclasses
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from experiment_utils.config import ConfigError
from experiment_utils.experiment import configure_tensorflow


@dataclasses.dataclass(frozen=True)
class Request:
    """What to film."""

    run: tyro.conf.Positional[Path]
    """The run's folder."""
    video: Path | None = None
    """The film, .mp4 or .gif. Default: video.mp4 in the run's folder."""
    window: bool = False
    """Show it in windows instead."""
    task: str | None = None
    """The task as JSON, e.g. -1 or [2.0, 2.0]. Default: one drawn as in training."""
    steps: int | None = None
    """Adaptation steps. Default: as many as in training."""
    rollouts: int | None = None
    """Rollouts that each step adapts on. Default: as many as in training."""
    itr: str = "best"
    """Which policy: best, last, or an iteration of which there is a snapshot."""
    sample: bool = False
    """Draw the actions as in training. Default: the most probable ones."""
    max_path_length: int | None = None
    """Length of the film in env steps. Default: as long as an episode in training."""
    width: int | None = None
    """Width of the film in pixels."""
    seed: int = 0
    """Of the task, the adaptation and the film."""
    env: str | None = None
    """The run's environment, where that is not one of this package's: its code is then trusted."""


def main(argv: list[str] | None = None) -> int:
    """Films what the arguments ask for; returns the exit code."""
    request = tyro.cli(Annotated[Request, tyro.conf.arg(name="")], args=argv, description=__doc__, use_underscores=True)
    from experiment_utils.video import VideoError, require_format, write_video

    target = request.video or request.run / "video.mp4"
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("MUJOCO_GL", "egl")  # draws without a screen
    try:
        require_format(target)
        configure_tensorflow()
        fps, frames = film(request)
        if request.window:
            return sum(0 for _ in frames)
        write_video(frames, target, fps, request.width)
    except (ConfigError, VideoError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(target)
    return 0


def film(request: Request) -> tuple[float, Iterator]:
    """Pictures per second, and the frames; in windows the frames are shown and empty."""
    from experiment_utils.film import captioned_frames, episodes
    from experiment_utils.trained import load_trained

    trained = load_trained(request.run, request.itr, env=request.env)
    rng = np.random.default_rng(request.seed)
    task = trained.sample_tasks(1, rng)[0] if request.task is None else _as_task(request.task)
    steps = trained.config.num_inner_grad_steps if request.steps is None else request.steps
    adapted = trained.adapt(task, rng=rng, steps=steps, rollouts=request.rollouts)
    after = f"after {steps} step{'s' if steps != 1 else ''}"
    print(f"task {task}, {after} on {request.rollouts or trained.config.rollouts_per_meta_task} rollouts")
    envs = [trained.make_env(render_mode="human" if request.window else "rgb_array") for _ in range(2)]
    length = request.max_path_length or trained.config.max_path_length
    shown = episodes(envs, [trained.actor(), adapted], task, length, request.seed, request.sample)
    fps = envs[0].metadata.get("render_fps", 30)
    return fps, shown if request.window else captioned_frames(shown, ["before adaptation", after])


def _as_task(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"--task {text} is not JSON: {error}") from error
    return np.array(value, float) if isinstance(value, list) else value


if __name__ == "__main__":
    sys.exit(main())
