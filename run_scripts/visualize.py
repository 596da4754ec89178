"""A film of a trained meta-policy before and after adaptation to one task, side by side.

python run_scripts/visualize.py data/promp/run_1 --video film.mp4
"""

import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tyro

from experiment_utils.cli import fail, parse_arguments
from experiment_utils.config import ConfigError
from experiment_utils.experiment import configure_tensorflow, notes
from experiment_utils.run_folder import RunFolder
from experiment_utils.tasks import parse_task
from experiment_utils.video import VideoError, require_format, write_video


@dataclasses.dataclass(frozen=True)
class Request:
    """What to film."""

    run_dir: tyro.conf.Positional[Path]
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
    try:
        request = parse_arguments(Request, __doc__, sys.argv[1:] if argv is None else argv)
        RunFolder(request.run_dir).require_config()
        target = request.video or request.run_dir / "video.mp4"
        require_format(target)
    except (ConfigError, VideoError) as error:
        return fail(str(error))
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("MUJOCO_GL", "egl")  # draws without a screen
    configure_tensorflow()
    from meta_policy_search.meta_trainer import AdaptationError
    from meta_policy_search.samplers.meta_sampler import SamplingError
    from meta_policy_search.utils.snapshots import SnapshotError

    try:
        fps, frames = film(request)
        if request.window:
            return sum(0 for _ in frames)
        write_video(frames, target, fps, request.width)
    except (ConfigError, SnapshotError, OSError) as error:
        return fail(str(error))
    except (AdaptationError, SamplingError) as error:
        print(*notes(error), sep="\n", end="", file=sys.stderr)
        return fail(f"{error}; there is no film", code=1)
    print(target)
    return 0


def film(request: Request) -> tuple[float, Iterator]:
    """Pictures per second, and the frames; in windows the frames are shown and empty."""
    from experiment_utils.film import captioned_frames, episodes
    from experiment_utils.trained import load_trained

    trained = load_trained(request.run_dir, request.itr, env=request.env)
    rng = np.random.default_rng(request.seed)
    task = trained.sample_tasks(1, rng)[0]
    if request.task is not None:
        task = parse_task(request.task, like=task)
    steps = trained.config.num_inner_grad_steps if request.steps is None else request.steps
    adapted = trained.adapt(task, rng=rng, steps=steps, rollouts=request.rollouts)
    after = f"after {steps} step{'s' if steps != 1 else ''}"
    print(f"task {task}, {after} on {request.rollouts or trained.config.rollouts_per_meta_task} rollouts")
    envs = [trained.make_env(render_mode="human" if request.window else "rgb_array") for _ in range(2)]
    length = request.max_path_length or trained.config.max_path_length
    shown = episodes(envs, [trained.actor(), adapted], task, length, request.seed, request.sample)
    fps = envs[0].metadata.get("render_fps", 30)
    return fps, shown if request.window else captioned_frames(shown, ["before adaptation", after])


if __name__ == "__main__":
    sys.exit(main())
