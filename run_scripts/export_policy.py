"""Exports a trained policy as a TensorFlow SavedModel, which acts without this package.

python run_scripts/export_policy.py data/promp/run_1 model                     the meta-policy
python run_scripts/export_policy.py data/promp/run_1 model --task -1           adapted to a task, as in training
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import tyro

from experiment_utils.cli import fail, parse_arguments
from experiment_utils.config import ConfigError
from experiment_utils.experiment import configure_tensorflow, notes
from experiment_utils.run_folder import RunFolder
from experiment_utils.tasks import parse_task


@dataclasses.dataclass(frozen=True)
class Request:
    """What to export."""

    run_dir: tyro.conf.Positional[Path]
    """The folder of a run."""
    out: tyro.conf.Positional[Path]
    """Where to: a new folder."""
    itr: str = "best"
    """The policy: best, last, or an iteration that the run has kept."""
    task: str | None = None
    """Adapt to this task first: JSON (-1, [2,2]). Default: the meta-policy, not adapted."""
    steps: int | None = None
    """Adaptation steps. Default: as in training."""
    rollouts: int | None = None
    """Rollouts that each step adapts on. Default: as in training."""
    seed: int = 0
    """Of the rollouts that it adapts on."""
    env: str | None = None
    """The run's environment, where it is not the package's own: its code will be executed."""

    def check(self) -> None:
        """Complains about numbers that can't be."""
        for name, least in (("steps", 0), ("rollouts", 1), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"{name} is {value}; it must be at least {least}")


def main(argv: list[str] | None = None) -> int:
    """Exports what the arguments ask for; returns the exit code."""
    try:
        request = parse_arguments(Request, __doc__, sys.argv[1:] if argv is None else argv)
        request.check()
        RunFolder(request.run_dir).require_config()
    except ConfigError as error:
        return fail(str(error))
    configure_tensorflow()
    from meta_policy_search.meta_trainer import AdaptationError
    from meta_policy_search.policies.export import ExportError
    from meta_policy_search.samplers.meta_sampler import SamplingError

    try:
        print(run(request))
    except (ConfigError, ExportError) as error:
        return fail(str(error))
    except (AdaptationError, SamplingError) as error:
        print(*notes(error), sep="\n", end="", file=sys.stderr)
        return fail(f"{error}; nothing was exported", code=1)
    return 0


def run(request: Request) -> str:
    """Exports; returns what was."""
    from experiment_utils.trained import load_trained
    from meta_policy_search.policies.export import export_policy

    trained = load_trained(request.run_dir, request.itr, env=request.env, parallel=True)
    actor, what = trained.actor(), "the meta-policy"
    if request.task is not None:
        rng = np.random.default_rng(request.seed)
        task = parse_task(request.task, like=trained.sample_tasks(1, rng)[0])
        actor = trained.adapt(task, rng=rng, steps=request.steps, rollouts=request.rollouts)
        what = f"the policy adapted to the task {request.task}"
    export_policy(actor, request.out)
    return f"{request.out}: {what} of iteration {trained.itr}"


if __name__ == "__main__":
    sys.exit(main())
