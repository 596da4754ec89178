"""Train one run: from the command line to the files in its directory."""

import contextlib
import os
import shlex
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiment_utils.algorithms import Build, algorithms, build_of, class_name, paper_name
from experiment_utils.config import Config, ConfigError, MetaUpdateDevice, config_to_dict
from experiment_utils.graceful_stop import GracefulStop
from experiment_utils.progress import announce
from experiment_utils.runs.run_dir import RunDir
from experiment_utils.script import discard_output, run_script
from experiment_utils.train_args import Args, parse, require_same_numbers, require_usable, saved_config
from meta_policy_search.utils.reported_error import ReportedError

if TYPE_CHECKING:
    import pandas as pd

    from experiment_utils.builders import Components
    from experiment_utils.display import Display
    from experiment_utils.evaluation.trained_policy import TrainedPolicy
    from meta_policy_search.callbacks import Callback
    from meta_policy_search.meta_trainer import MetaTrainer

LINE_PERIOD = 5.0  # s between two lines of progress, where `train` has no terminal


class StoppedRun(ReportedError):
    """A run that can't go on: why, and how to go on later."""

    exit_code = 1


def main(defaults: Config, build: Build, description: str) -> int:
    """The main function of a run script; returns the exit code."""
    return run_script(lambda: _main(defaults, build, description))


def _main(defaults: Config, build: Build, description: str) -> None:
    args = parse(defaults, description)
    try:
        configure_tensorflow(args.config.meta_update_device)
        _train(args, build)
    finally:
        args.run_dir.remove_if_empty()


def _train(args: Args, build: Build) -> None:
    from meta_policy_search.meta_trainer import TrainingError
    from meta_policy_search.utils.logger import LogError

    try:
        trainer = make_trainer(args.config, build, args.run_dir, resume=args.resume)
        log = _Log(args.config, args.run_dir, keep=trainer.next_itr)
        log.display = make_display(args.config, args.run_dir, trainer)
        if run(trainer, log, args.config, _resume_command(args)):
            raise KeyboardInterrupt
    except (TrainingError, LogError) as error:
        what = f"{error}. The run stopped; its last good checkpoint is in {args.run_dir.checkpoints}"
        raise StoppedRun(what) from error
    except MemoryError as error:
        remedy = "try a smaller meta_batch_size, rollouts_per_meta_task, max_path_length or hidden_sizes"
        raise StoppedRun(f"the memory is not enough ({error}); {remedy}") from error
    except OSError as error:
        raise StoppedRun(_unwritten(error, args)) from error


def _unwritten(error: OSError, args: Args) -> str:
    """What to do about a file that can't be written. What is saved is good: see `MetaTrainer.train`."""
    run_dir = args.run_dir
    again = f"go on with\n  {_resume_command(args)}" if run_dir.params.exists() else "start the run again"
    if isinstance(error, BrokenPipeError):  # like `| head`
        discard_output()
        return f"nobody reads the output any more. The run stopped; every finished iteration is saved; {again}"
    what = f"can't read or write {error.filename or run_dir.path} ({error.strerror or error})"
    return f"{what}. The run stopped; every finished iteration is saved; make room or get the right to write, and {again}"


def configure_tensorflow(meta_update_device: MetaUpdateDevice = "auto") -> None:
    """Set up TensorFlow, before its first operation: quiet, oneDNN, and the same numbers on any number of cores.

    An operation on several threads may sum in an order that depends on their number, so each has one thread; the cores
    are used by several operations at a time, on slices of the tasks (see `utils.compiled`).

    Args:
      meta_update_device: "cpu" hides GPUs from TensorFlow, which "auto" uses where there are any and "gpu" asks for.

    Raises:
      ConfigError: a GPU is asked for, and TensorFlow finds none.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # by itself TensorFlow turns it on for some processors only
    if "tensorflow" not in sys.modules:
        announce("loading TensorFlow")
    with quiet_stderr():  # the C++ libraries greet before they read any log level
        import joblib
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    if meta_update_device == "gpu" and not gpus:
        raise ConfigError("meta_update_device is 'gpu', and TensorFlow finds no GPU; use cpu, or auto")
    threading, cores = tf.config.threading, joblib.cpu_count()
    hidden = meta_update_device == "cpu" and bool(tf.config.get_visible_devices("GPU"))
    found = threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads()
    if not hidden and found == (1, cores):
        return
    try:
        if hidden:
            tf.config.set_visible_devices([], "GPU")
        threading.set_intra_op_parallelism_threads(1)
        threading.set_inter_op_parallelism_threads(cores)
    except RuntimeError:  # somebody has used TensorFlow before
        what = "TensorFlow was used before; the last bits of the numbers may differ from those of a run script"
        warnings.warn(f"{what}. Call experiment_utils.configure_tensorflow() first", stacklevel=3)


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Drops what the process writes to file descriptor 2; exceptions pass."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


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
        raise ConfigError("resume=True needs the folder of the run to go on with")
    configure_tensorflow(config.meta_update_device)
    from experiment_utils.evaluation.trained_policy import TrainedPolicy

    try:
        trainer = make_trainer(config, build, run_dir, resume=resume, callbacks=callbacks)
        log = _Log(config, run_dir, keep=trainer.next_itr)
        if verbose:
            log.display = make_display(config, run_dir, trainer, period=LINE_PERIOD)
        stopped = run(trainer, log, config)
        trained = TrainedPolicy(config, small_components(trainer), trainer.next_itr, log.rows)
    finally:
        if run_dir is not None:
            run_dir.remove_if_empty()
            run_dir.unlock()
    if stopped:
        again = "" if run_dir is None else f"; go on with folder={str(run_dir.path)!r}, resume=True"
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


def make_trainer(
    config: Config, build: Build, run_dir: RunDir | None, *, resume: bool = False, callbacks: Sequence["Callback"] = ()
) -> "MetaTrainer":
    """Return the trainer of a run, new or as its last checkpoint left it; the run's first files are written.

    Args:
      run_dir: claimed by this process; None keeps everything in memory.

    Raises:
      ConfigError: the environment, or what is left of the run, can't be used.
    """
    from experiment_utils.callbacks.configured import configured_callbacks, configured_tracking
    from meta_policy_search.meta_trainer import MetaTrainer
    from meta_policy_search.utils.checkpoint import Checkpoints
    from meta_policy_search.utils.snapshots import PolicySnapshots

    rng = np.random.default_rng(config.seed)
    components = build(config, rng)
    callbacks = [*configured_callbacks(config, run_dir), *callbacks, *configured_tracking(config, _title(config))]
    files = {}
    if run_dir is not None:
        checkpoints = Checkpoints(run_dir.checkpoints, components.algo)
        files = {"checkpoints": checkpoints, "snapshots": PolicySnapshots(run_dir.policies, config.snapshot_every)}
    itr = {"n_itr": config.n_itr, "checkpoint_every": config.checkpoint_every}
    trainer = MetaTrainer(*components, rng=rng, callbacks=callbacks, **itr, **files)
    if run_dir is None:
        return trainer
    trained_class = class_name(components.algo)
    if resume and run_dir.params.exists():
        run_dir.require_class(trained_class)
    if not (resume and _restored(trainer, run_dir)):
        run_dir.write_params(config, trained_class)
        trainer.save()
    elif trainer.next_itr < config.n_itr:
        run_dir.add_resumption(config, trainer.next_itr)
    return trainer


def make_display(config: Config, run_dir: RunDir | None, trainer: "MetaTrainer", period: float = 0.0) -> "Display":
    """Return what shows the progress of a run.

    Args:
      period: seconds between two lines, where there is no terminal.
    """
    from experiment_utils.display import Display

    where = None if run_dir is None else run_dir.path
    steps = config.num_inner_grad_steps
    return Display(_title(config), where, trainer.next_itr, config.n_itr, steps, period)


def run(trainer: "MetaTrainer", log: "_Log", config: Config, resume_command: str = "") -> bool:
    """Train to the end, or until Ctrl-C; return whether it was that. Leaves the learning curve behind in both cases.

    Args:
      resume_command: to print where the run is stopped.
    """
    from experiment_utils.environments import closing

    with GracefulStop() as stop:
        try:
            with closing(trainer.sampler), log.showing():
                trainer.train(log, stop)
        except KeyboardInterrupt:
            stop.requested = True
        finally:
            stopped = stop.requested and trainer.next_itr < config.n_itr
            if stopped and resume_command:
                print("\nStopped. Every finished iteration is saved; go on with\n  " + resume_command, flush=True)
            if log.run_dir is not None:
                _draw(log, config, trainer.next_itr)
    return stopped


def small_components(trainer: "MetaTrainer") -> "Components":
    """What uses the trained policy: the trainer's components with a sampler of one environment, in this process."""
    from experiment_utils.builders import Components
    from meta_policy_search.samplers.meta_sampler import MetaSampler

    sampler = trainer.sampler
    sizes = {"rollouts_per_meta_task": 1, "meta_batch_size": 1, "max_path_length": sampler.max_path_length}
    return Components(trainer.algo, MetaSampler(sampler.envs, sampler.policy, **sizes), trainer.sample_processor)


class _Log:
    """Takes the metrics of each iteration to all places that keep or show them.

    Args:
      config: of the run.
      run_dir: None keeps the rows in memory.
      keep: rows of an existing progress.csv that belong to the run.
    """

    display: "Display | None" = None

    def __init__(self, config: Config, run_dir: RunDir | None, keep: int = 0):
        self.run_dir = run_dir
        self._rows: list[Mapping[str, float]] = []
        if run_dir is not None:
            from meta_policy_search.utils.logger import ProgressLog, TensorBoardLog

            self._progress = ProgressLog(run_dir.progress, keep)
            self.tensorboard = TensorBoardLog(run_dir.tensorboard, config.num_inner_grad_steps)
            self.tensorboard.write_settings(config_to_dict(config))

    def __call__(self, iteration: int, metrics: Mapping[str, float]) -> None:
        if self.display is not None:
            self.display.update(iteration, metrics)
        if self.run_dir is None:
            self._rows.append(metrics)
            return
        self.tensorboard.write(iteration, metrics)
        self._progress.write(metrics)  # last: a row is of an iteration that everything else has taken

    def showing(self) -> contextlib.AbstractContextManager:
        """While this is open, the display shows something."""
        return contextlib.nullcontext() if self.display is None else self.display.showing()

    def rows(self) -> "pd.DataFrame":
        """The rows of all iterations."""
        import pandas as pd

        from experiment_utils.runs.results import read_progress

        if self.run_dir is None or not self.run_dir.progress.exists():
            return pd.DataFrame(self._rows).astype(float)
        return read_progress(self.run_dir.progress)


def _restored(trainer: "MetaTrainer", run_dir: RunDir) -> bool:
    """Whether there was a checkpoint to go on from; says which ones could not be used."""
    from meta_policy_search.utils.logger import whole_lines

    rows = max(len(whole_lines(run_dir.progress)) - 1, 0)

    def accept(state: Mapping[str, Any]) -> None:
        trainer.restore(state)
        if trainer.next_itr > rows:
            raise ValueError(f"it is after {trainer.next_itr} iterations, and {run_dir.progress} has {rows} whole rows")

    state, messages = trainer.checkpoints.restore_latest(accept)
    for message in messages:
        print(f"warning: {message}; trying the one before", file=sys.stderr)
    if state is None and (rows or any(trainer.checkpoints.numbers())):  # a broken ckpt-0 alone is no loss
        what = (
            f"no checkpoint in {run_dir.checkpoints} can be used, and the {rows} rows of {run_dir.progress} are left alone"
        )
        raise ConfigError(f"{what}; put the run's files back from a copy, or start anew with another --dump_path")
    if state is None:
        print(f"there is no checkpoint in {run_dir.path}: starting from iteration 0")
    for name in sorted((state or {}).get("callbacks", {}).keys() - trainer.callbacks.keys()):
        print(f"warning: the state of the callback {name.split()[0]} in the checkpoint is not used", file=sys.stderr)
    return state is not None


def _draw(log: "_Log", config: Config, iteration: int) -> None:
    """Leave the learning curve behind, in TensorBoard too."""
    run_dir = log.run_dir
    if not run_dir.progress.exists():
        return
    from experiment_utils.runs.learning_curve import UNREGISTERED, draw_learning_curve
    from experiment_utils.runs.results import InvalidRunError

    pdf, png = (run_dir.path / f"learning_curve.{ending}" for ending in ("pdf", "png"))
    try:
        own = {entry.name: entry.colour for entry in algorithms()}
        colour = own.get(paper_name(config_to_dict(config)), UNREGISTERED)
        draw_learning_curve(run_dir.progress, config.num_inner_grad_steps, _title(config), [pdf, png], colour)
        log.tensorboard.write_picture("learning_curve", png.read_bytes(), iteration)
    except (OSError, InvalidRunError) as error:  # nothing is lost with the picture, and another error may be on its way
        print(f"warning: the learning curve is not drawn: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
    else:
        if log.display is not None:
            print(f"learning curve: {pdf}")


def _title(config: Config) -> str:
    return f"{paper_name(config_to_dict(config))} on {config.env}, seed {config.seed}"


def _resume_command(args: Args) -> str:
    """What goes on with the run; it names an environment that is code of the user's own."""
    env = ["--env", args.config.env] if ":" in args.config.env else []
    return shlex.join([sys.executable, sys.argv[0], "--resume", "--dump_path", str(args.run_dir.path), *env])
