"""A film of a trained meta-policy before and after adaptation to one task, side by side.

python run_scripts/visualize.py data/promp/run_1 --video film.mp4
"""

import contextlib
import dataclasses
import os
from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta
from typing_extensions import override

from experiment_utils.evaluation.tasks import parse_task, task_text
from experiment_utils.evaluation.use_run import RunArgs, use_run
from experiment_utils.evaluation.video import has_display, require_display, require_format, write_video
from experiment_utils.script import require_place
from experiment_utils.validation import ConfigError, Count, Natural


@dataclasses.dataclass(frozen=True, kw_only=True)
class Args(RunArgs):
    """What to film."""

    video: Path | None = None
    """The film, .mp4 or .gif. Default: video.mp4 in the run's directory."""
    window: bool = False
    """Show it in windows instead."""
    task: str | None = None
    """The task as JSON, e.g. -1 or [2.0, 2.0]. Default: one drawn as in training."""
    steps: Natural | None = None
    """Adaptation steps. Default: as many as in training."""
    rollouts: Count | None = None
    """Rollouts that each step adapts on. Default: as many as in training."""
    sample: bool = False
    """Draw the actions as in training. Default: the most probable ones."""
    max_path_length: Count | None = None
    """Length of the film in env steps. Default: as long as an episode in training."""
    width: Annotated[int, Meta(ge=16, description="a whole number, 16 or more")] | None = None
    """Width of the film in pixels."""

    @property
    def target(self) -> Path:
        """Where the film goes."""
        return self.run_dir / "video.mp4" if self.video is None else self.video

    @property
    @override
    def task_words(self) -> tuple[str, ...]:
        return () if self.task is None else (self.task,)

    @override
    def check(self) -> None:
        if self.window:
            for name in ("video", "width"):
                if getattr(self, name) is not None:
                    raise ConfigError(f"--{name} has no effect on --window; leave one of them out")
            require_display()
        else:
            require_format(self.target)
            require_place(self.target)
        super().check()


def main(argv: list[str] | None = None) -> int:
    """Films what the arguments ask for; returns the exit code."""
    if not has_display():
        os.environ.setdefault("MUJOCO_GL", "egl")  # draws without a screen; MuJoCo reads it when it is imported
    return use_run(Args, __doc__, argv, run, failed="there is no film")


def run(args: Args) -> list[Path]:
    """Film, or show windows; return the files."""
    from experiment_utils.environments import closing
    from experiment_utils.evaluation.film import captioned_frames, episodes
    from experiment_utils.evaluation.trained_policy import load_trained
    from experiment_utils.progress import announce, tracked

    trained = load_trained(args.run_dir, args.itr, env=args.env)
    if trained.has_memory:
        what = "the policy adapts by its memory, and a film shows one before and after adaptation"
        raise ConfigError(f"{what}; meta_test.py shows the returns of a trial's rollouts")
    rng = np.random.default_rng(args.seed)
    task = trained.sample_tasks(1, rng)[0]
    if args.task is not None:
        task = parse_task(args.task, like=task)
    steps = trained.config.num_inner_grad_steps if args.steps is None else args.steps
    announce("adapting to the task")
    adapted = trained.adapt(task, rng=rng, steps=steps, rollouts=args.rollouts)
    after = f"after {steps} step{'s' if steps != 1 else ''}"
    print(f"task {task_text(task) or 'drawn'}, {after} on {args.rollouts or trained.config.rollouts_per_meta_task} rollouts")
    length = args.max_path_length or trained.config.max_path_length
    with contextlib.ExitStack() as stack:
        mode = "human" if args.window else "rgb_array"
        envs = [stack.enter_context(closing(trained.make_env(render_mode=mode))) for _ in range(2)]
        shown = episodes(envs, [trained.actor(), adapted], task, length, args.seed, args.sample)
        if args.window:
            for _ in shown:  # each is shown when it is drawn
                pass
            return []
        titles, seconds = ["before adaptation", after], getattr(envs[0].unwrapped, "dt", None)
        frames = tracked(captioned_frames(shown, titles, task, seconds), "frames of the film, at most", length)
        write_video(frames, args.target, envs[0].metadata.get("render_fps", 30), args.width)
    return [args.target]
