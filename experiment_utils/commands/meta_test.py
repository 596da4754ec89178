"""Adapts a trained policy to newly drawn tasks exactly as in training, and says how well it does.

python run_scripts/meta_test.py data/promp/run_1 --num_tasks 40 --rollouts 20 --steps 3

Writes, into <run>/meta_test/ or --out, k_shot.pdf and .png (return against adaptation steps and against the number of
rollouts adapted on), the numbers in k_shot.csv and .md, and those of each task in tasks.csv and .md. The references are
the policy before adaptation and a randomly initialised one, adapted likewise. Where the family knows of success, its rate
stands in a column. Of a policy with a memory (RL2) it is the return against the rollouts in its memory, without adaptation
steps.
"""

import dataclasses
from pathlib import Path

import numpy as np
from typing_extensions import override

from experiment_utils.config_files import config_to_dict
from experiment_utils.evaluation.tasks import parse_tasks
from experiment_utils.evaluation.use_run import RunArgs, use_run
from experiment_utils.script import require_place
from experiment_utils.validation import ConfigError, Count

TEST_STREAM = 1  # beside the run's seed: training draws from the seed alone


@dataclasses.dataclass(frozen=True, kw_only=True)
class Args(RunArgs):
    """What to test."""

    num_tasks: Count = 40
    """Tasks, drawn as in training."""
    rollouts: Count = 20
    """Rollouts per task: adapted on in each step, and measured by."""
    steps: Count = 3
    """Adaptation steps, also more than in training."""
    tasks: tuple[str, ...] = ()
    """These tasks instead of drawn ones: JSON each (-1, [2,2]), or a .json file with a list of them."""
    held_out: bool = False
    """Tasks that training never draws, such as Meta-World's test set, in place of those drawn as in training."""
    out: Path | None = None
    """Where to write. Default: meta_test in the run's directory."""

    @property
    @override
    def task_words(self) -> tuple[str, ...]:
        return self.tasks

    @property
    @override
    def of_held_out(self) -> bool:
        return self.held_out

    @override
    def check(self) -> None:
        if self.tasks and self.num_tasks != Args.num_tasks:
            raise ConfigError("--num_tasks has no effect on --tasks; leave one of them out")
        require_place(self.target)
        super().check()

    @property
    def target(self) -> Path:
        """Where to write."""
        return self.run_dir / "meta_test" if self.out is None else self.out


def main(argv: list[str] | None = None) -> int:
    """Tests as the arguments ask; returns the exit code."""
    return use_run(Args, __doc__, argv, run, failed="the test stopped")


def run(args: Args) -> list[Path]:
    """Tests and writes; returns the files."""
    from experiment_utils.algorithms import paper_name
    from experiment_utils.evaluation.k_shot import (
        compare,
        overall_table,
        rollouts_that_fit,
        task_table,
    )
    from experiment_utils.evaluation.k_shot_plot import k_shot_figure, trial_figure
    from experiment_utils.evaluation.trained_policy import load_trained
    from experiment_utils.plot_utils import markdown, save_figure, save_table

    trained = load_trained(args.run_dir, args.itr, env=args.env, parallel=True, held_out=args.held_out)
    if trained.has_memory and args.steps != Args.steps:
        raise ConfigError("--steps has no effect on a policy that adapts by its memory; leave it out")
    rng = np.random.default_rng((trained.config.seed, TEST_STREAM, args.seed))
    tasks = trained.sample_tasks(args.num_tasks, rng)
    if args.tasks:
        tasks = parse_tasks(args.tasks, like=tasks[0])
    results = compare(trained, tasks, args.steps, args.rollouts, rng)
    overall, in_training = overall_table(results), None if args.held_out else trained.drawn_in_training(tasks)
    name = paper_name(config_to_dict(trained.config))
    title = f"{name} on {trained.config.env}, iteration {trained.itr}"
    known = " that training never draws" if args.held_out else ""
    known = known if in_training is None else f", {sum(in_training) or 'none'} of which training drew too"
    print(f"{title}, {len(tasks)} tasks{known}\n\n{markdown(overall)}")
    out, table = args.target, task_table(results, tasks, in_training)
    if trained.has_memory:
        drawn = trial_figure(results, title, name)
    else:
        drawn = k_shot_figure(results, title, name, rollouts_that_fit(trained))
    figure = save_figure(drawn, out / "k_shot")
    return figure + save_table(overall, out / "k_shot") + save_table(table, out / "tasks")
