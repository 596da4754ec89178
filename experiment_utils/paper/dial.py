"""Loaded DiCE's dial in MuJoCo: figure 3's measure along lambda, at the same theta, in the same tasks, on the same samples.

python -m experiment_utils.paper.dial --run results/half_cheetah/LVC-VPG/seed_1
"""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from experiment_utils.cli import parse_arguments
from experiment_utils.paper.estimators import LAMBDAS
from experiment_utils.plot_utils import save_table
from experiment_utils.script import fail, say
from experiment_utils.tensorflow_setup import configure_tensorflow
from experiment_utils.validation import Count, Natural, Validated

COLUMNS = {"Meta-GradientRStd": "relative std", "Meta-GradientCosAbs": "cosine distance", "Meta-GradientStd": "std"}


@dataclasses.dataclass(frozen=True)
class Args(Validated):
    """At which theta, and how much is sampled there."""

    run: Path
    """A run directory of LVC-VPG or MAML-VPG; theta is its last."""
    rounds: Count = 20
    """Sampling rounds R; each gives one meta-gradient for every lambda."""
    tasks: Count = 20
    """Tasks, the same in all rounds."""
    rollouts: Count = 20
    """Rollouts per task, before and after adaptation."""
    seed: Natural = 1
    """Seed of tasks and samples."""
    out: Path = Path("docs/figures")
    """Where estimators_dial.csv and .md go."""


def main(argv: list[str] | None = None) -> int:
    """Measure and write the table; return the exit code."""
    try:
        args = parse_arguments(Args, __doc__, argv)
        configure_tensorflow()
        written = save_table(dial(args), args.out / "estimators_dial")
    except (ValueError, OSError) as error:
        return fail(str(error))
    say(written)
    return 0


def dial(args: Args) -> pd.DataFrame:
    """A row for each lambda: how the meta-gradient varies over the rounds.

    The inner gradient is the same for all lambda, so one round of samples serves them all.
    """
    from experiment_utils.paper.gradient_variance import meta_gradient_statistics

    gradients = np.array(list(_gradients(args)))  # [R, lambda, J]
    statistics = [meta_gradient_statistics(gradients[:, i]) for i in range(len(LAMBDAS))]
    rows = [
        {"lambda": decay, **{label: row[key] for key, label in COLUMNS.items()}}
        for decay, row in zip(LAMBDAS, statistics, strict=True)
    ]
    return pd.DataFrame(rows)


def _gradients(args: Args) -> Iterator[list[np.ndarray]]:
    from experiment_utils.evaluation.trained_policy import load_trained
    from experiment_utils.paper.gradient_variance import flat
    from meta_policy_search.meta_algos.vpg_maml import VPGMAML

    trained = load_trained(args.run, "last", parallel=True)
    policy, inner = trained.components.algo.policy, trained.components.algo.inner
    algos = [VPGMAML(policy, inner_type="loaded_dice", loaded_dice_lambda=decay, inner=inner) for decay in LAMBDAS]
    rng = np.random.default_rng(args.seed)
    with trained.tester(trained.sample_tasks(args.tasks, rng), args.rollouts) as tester:
        for number in range(args.rounds):
            rounds = tester.rounds(policy.stacked_theta(args.tasks), inner.num_inner_grad_steps, rng)
            batches = tuple(tester.sample_processor.process_samples(sampled.trajectories)[0] for sampled in rounds)
            yield [flat(algo.meta_gradient(batches)[1]) for algo in algos]
            print(f"round {number + 1} of {args.rounds}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
