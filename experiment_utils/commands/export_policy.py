"""Exports a trained policy as a TensorFlow SavedModel, which acts without this package.

python run_scripts/export_policy.py data/promp/run_1 model                     the meta-policy
python run_scripts/export_policy.py data/promp/run_1 model --task -1           adapted to a task, as in training
"""

import dataclasses
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from typing_extensions import override

from experiment_utils.evaluation.tasks import parse_task
from experiment_utils.evaluation.use_run import RunArgs, use_run
from experiment_utils.progress import announce
from experiment_utils.script import require_place
from experiment_utils.validation import ConfigError, Count, Natural


@dataclasses.dataclass(frozen=True, kw_only=True)
class Args(RunArgs):
    """What to export."""

    out: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="OUT")]]
    """Where to: a new folder."""
    task: str | None = None
    """Adapt to this task first: JSON (-1, [2,2]). Default: the meta-policy, not adapted."""
    steps: Natural | None = None
    """Adaptation steps. Default: as in training."""
    rollouts: Count | None = None
    """Rollouts that each step adapts on. Default: as in training."""

    @property
    @override
    def task_words(self) -> tuple[str, ...]:
        return () if self.task is None else (self.task,)

    @override
    def check(self) -> None:
        for name in ("steps", "rollouts"):
            if self.task is None and getattr(self, name) is not None:
                raise ConfigError(f"--{name} has no effect without --task: the meta-policy is not adapted")
        if self.out.exists() and (not self.out.is_dir() or any(self.out.iterdir())):
            raise ConfigError(f"{self.out} exists already; choose another place for the model")
        require_place(self.out)
        super().check()


def main(argv: list[str] | None = None) -> int:
    """Exports what the arguments ask for; returns the exit code."""
    return use_run(Args, __doc__, argv, run, failed="nothing was exported")


def run(args: Args) -> list[str]:
    """Exports; returns what was."""
    from experiment_utils.evaluation.trained_policy import load_trained
    from meta_policy_search.policies.export import ExportError, export_policy

    trained = load_trained(args.run_dir, args.itr, env=args.env, parallel=True)
    actor, what = trained.actor(), "the meta-policy"
    if args.task is not None:
        rng = np.random.default_rng(args.seed)
        task = parse_task(args.task, like=trained.sample_tasks(1, rng)[0])
        actor = trained.adapt(task, rng=rng, steps=args.steps, rollouts=args.rollouts)
        what = f"the policy adapted to the task {args.task}"
    announce("exporting")
    try:
        export_policy(actor, args.out)
    except ExportError as error:
        raise ConfigError(str(error)) from error
    return [f"{args.out}: {what} of iteration {trained.itr}"]
