"""What of the theta that a run begins with predicts how fast ProMP learns half-cheetah's two directions.

python -m experiment_utils.paper.run_theta_at_start RUN_DIR ...

Draws theta_0 of each run's seed again and measures it without training. The table has a row per run: the measures, and the
mean return after adaptation in iterations 20 to 29. It is completed, not made anew, when there are more runs.
"""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
import pandas as pd
import tyro
from scipy.stats import spearmanr

from experiment_utils.algorithm_configs import ProMPConfig
from experiment_utils.algorithms import algorithm
from experiment_utils.cli import parse_arguments
from experiment_utils.config import Config
from experiment_utils.config_files import config_from_dict
from experiment_utils.places import RESULTS
from experiment_utils.plot_utils import markdown
from experiment_utils.runs.results import RunData, load_run
from experiment_utils.script import run_script
from experiment_utils.tensorflow_setup import configure_tensorflow
from meta_policy_search.utils.atomic_write import atomic_write

if TYPE_CHECKING:
    from experiment_utils.builders import Components
    from meta_policy_search.types import Trajectories

TABLE = RESULTS / "ablations" / "theta_at_start.csv"
EARLY = slice(20, 30)  # iterations
RETURN = "return_20_29"
MEASURES = ("drift", "spread", "worse_gain", "imbalance", "signal", "meta_gradient")
FOUND_ON = 8  # seeds 1 to 8 choose the measure, the others test it


@dataclasses.dataclass(frozen=True)
class Args:
    """What to measure."""

    run_dirs: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Runs of ProMP on half-cheetah with 30 iterations or more."""
    rounds: int = 10
    """Sampling rounds at each theta_0."""
    out: Path = TABLE
    """The table."""


class Round(NamedTuple):
    """One sampling round at theta_0, forward tasks first where there are two rows."""

    gain: np.ndarray  # [2], of one step
    drift: float
    spread: float
    inner: np.ndarray  # [2, J], inner gradients, means over tasks
    meta: np.ndarray  # [1, J], meta-gradient


def measure(config: Config, rounds: int) -> dict[str, float]:
    """Measures at theta_0 of the config's seed, means over sampling rounds of half forward and half backward tasks.

    drift: |return forward - return backward| / 2 before adaptation, the way in which the policy already runs.
    spread: standard deviation over rollouts of the return before adaptation.
    worse_gain, imbalance: of what one step adds to the return in each direction, the smaller one and |difference| / sum.
    signal: g . g' of the inner gradients of two halves of the rounds, mean over directions; without noise |g|^2.
    meta_gradient: the same of the meta-gradient.
    """
    rng = np.random.default_rng(config.seed)
    components = algorithm("ProMP").build(config, rng)
    n_tasks = components.sampler.batch_shape[0]
    directions = np.where(np.arange(n_tasks) % 2, -1.0, 1.0)
    components.sampler.set_tasks(directions)
    found = [_round(components, directions, rng) for _ in range(rounds)]
    components.sampler.close()
    gain = np.mean([each.gain for each in found], axis=0)
    return {
        "drift": float(abs(np.mean([each.drift for each in found]))),
        "spread": float(np.mean([each.spread for each in found])),
        "worse_gain": float(gain.min()),
        "imbalance": float(abs(gain[0] - gain[1]) / gain.sum()),
        "signal": _signal(np.array([each.inner for each in found])),
        "meta_gradient": _signal(np.array([each.meta for each in found])),
    }


def _round(components: "Components", directions: np.ndarray, rng: np.random.Generator) -> Round:
    from experiment_utils.paper.gradient_variance import round_gradients
    from meta_policy_search.adaptation import adaptation_rounds

    algo, sampler, processor = components
    params = algo.policy.stacked_theta(len(directions))
    both = list(adaptation_rounds(algo, sampler, processor, params, 1, rng))
    before, after = (_returns(each.trajectories) for each in both)  # [N, R]
    ways = directions > 0, directions < 0
    meta, inner = round_gradients(algo, [each.samples for each in both])
    return Round(
        gain=np.array([(after - before)[way].mean() for way in ways]),
        drift=(before[ways[0]].mean() - before[ways[1]].mean()) / 2.0,
        spread=before.std(),
        inner=np.array([inner[way].mean(axis=0) for way in ways]),
        meta=meta[None],
    )


def _returns(trajectories: "Trajectories") -> np.ndarray:
    """Mean return of an episode, [N, R]: half-cheetah's all have the same length."""
    return trajectories.rewards.sum(axis=-1)


def _signal(gradients: np.ndarray) -> float:
    """Mean over directions of the product of two independent means: gradients [rounds, directions, J]."""
    half = len(gradients) // 2
    first, second = gradients[:half].mean(axis=0), gradients[half:].mean(axis=0)
    return float((first * second).sum(axis=-1).mean())


def row_of(run: RunData, rounds: int) -> dict[str, float]:
    """The table's row of a run."""
    config = config_from_dict(run.config, ProMPConfig(), str(run.path))
    return {
        "seed": config.seed,
        **measure(config, rounds),
        RETURN: float(run.column("Step_1-AverageReturn")[EARLY].mean()),
    }


def prediction_table(table: pd.DataFrame) -> pd.DataFrame:
    """Spearman's correlation of each measure with the return, on the seeds that choose and on those that test."""
    parts = {"seeds that choose": table["seed"] <= FOUND_ON, "seeds that test": table["seed"] > FOUND_ON}
    rows = []
    for name in MEASURES:
        row: dict[str, object] = {"measure": name}
        for label, chosen in parts.items():
            found = spearmanr(table.loc[chosen, name], table.loc[chosen, RETURN])
            row |= {f"{label} (n={chosen.sum()})": found.statistic, f"p, {label}": found.pvalue}
        rows.append(row)
    return pd.DataFrame(rows)


def main(argv: list[str] | None = None) -> int:
    """Measure, write and print; return the exit code."""

    def act() -> None:
        args = parse_arguments(Args, __doc__, argv)
        configure_tensorflow()
        table = pd.read_csv(args.out) if args.out.exists() else pd.DataFrame({"seed": []})
        for run in [load_run(path) for path in args.run_dirs]:
            if run.field("seed") not in set(table["seed"]):
                table = pd.concat([table, pd.DataFrame([row_of(run, args.rounds)])]).sort_values("seed")
                atomic_write(args.out, table.astype({"seed": int}).to_csv(index=False))
        print(markdown(prediction_table(table)))

    return run_script(act)


if __name__ == "__main__":
    sys.exit(main())
