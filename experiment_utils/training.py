"""Training from Python: what the run scripts do, as a function that returns the trained policy."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from experiment_utils.algorithms import Build, build_of
from experiment_utils.config import Config
from experiment_utils.experiment import make_display, make_trainer, run
from experiment_utils.run_log import RunLog
from experiment_utils.runs.run_dir import RunDir
from experiment_utils.tensorflow_setup import configure_tensorflow
from experiment_utils.train_args import require_same_numbers, require_usable, saved_config
from experiment_utils.validation import ConfigError

if TYPE_CHECKING:
    from experiment_utils.builders import Components
    from experiment_utils.evaluation.trained_policy import TrainedPolicy
    from meta_policy_search.callbacks import Callback
    from meta_policy_search.meta_trainer import MetaTrainer

LINE_PERIOD = 5.0  # s between two lines of progress, where there is no terminal


def train(
    config: Config,
    build: Build | None = None,
    *,
    folder: Path | str | None = None,
    callbacks: Sequence["Callback"] = (),
    resume: bool = False,
    verbose: bool = True,
) -> "TrainedPolicy":
    """Train as the run scripts do; return the policy after the last iteration.

    Args:
      config: the settings, such as `ProMPConfig(env="MetaPointEnvCorner", n_itr=50)`; its class chooses the algorithm.
      build: makes the components, where they shall be others than the algorithm's run script makes.
      folder: of the run, with the files that a run script writes; None keeps everything in memory.
      callbacks: of your own; their order is that of the calls.
      resume: go on with the run in the folder from its last checkpoint. Only n_itr and the sampler may change.
      verbose: show the progress: live on a terminal, elsewhere a line every few seconds.

    Raises:
      ConfigError: a setting, the environment or the folder can't be used.
      TrainingError: something became NaN or infinite, or a simulation failed.
      KeyboardInterrupt: after Ctrl-C or SIGTERM, when the iteration is finished. A run with a folder can be resumed.
    """
    build = build_of(config) if build is None else build
    require_usable(config, type(config)())
    run_dir = None if folder is None else RunDir(Path(folder))
    if run_dir is not None:
        _claim(run_dir, config, resume)
    elif resume:
        raise ConfigError("resume=True needs the directory of the run to go on with")
    configure_tensorflow(config.meta_update_device)
    from experiment_utils.evaluation.trained_policy import TrainedPolicy

    try:
        trainer = make_trainer(config, build, run_dir, resume=resume, callbacks=callbacks)
        log = RunLog(config, run_dir, keep=trainer.next_itr)
        if verbose:
            log.display = make_display(config, run_dir, trainer, period=LINE_PERIOD)
        stopped = run(trainer, log, config)
        trained = TrainedPolicy(config, small_components(trainer), trainer.next_itr, log.rows)
    finally:
        if run_dir is not None:
            run_dir.remove_unless_kept()
            run_dir.unlock()
    if stopped:
        again = "" if run_dir is None or not run_dir.is_kept() else f"; go on with folder={str(run_dir.path)!r}, resume=True"
        raise KeyboardInterrupt(f"stopped after {trainer.next_itr} of {config.n_itr} iterations{again}")
    return trained


def _claim(run_dir: RunDir, config: Config, resume: bool) -> None:
    """Check that the run can be begun, or resumed, with this config, and make its directory this process's own."""
    if resume:
        run_dir.require_config()
        require_same_numbers(config, saved_config(run_dir, type(config)()), run_dir)
    else:
        run_dir.require_free()
    run_dir.create()
    run_dir.lock()
    if not resume:
        run_dir.require_free()  # again: another run may have begun and ended since


def small_components(trainer: "MetaTrainer") -> "Components":
    """What uses the trained policy: the trainer's components with a sampler of one environment, in this process."""
    from experiment_utils.builders import Components
    from meta_policy_search.samplers.meta_sampler import MetaSampler

    sampler = trainer.sampler
    sizes = {"rollouts_per_meta_task": 1, "meta_batch_size": 1, "max_path_length": sampler.max_path_length}
    small = MetaSampler(sampler.envs, sampler.policy, task_source=sampler.task_source, **sizes)
    return Components(trainer.algo, small, trainer.sample_processor)
