"""Train one run: from the command line to the files in its directory."""

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from experiment_utils.algorithms import Build, class_name
from experiment_utils.config import Config, ConfigError
from experiment_utils.graceful_stop import GracefulStop
from experiment_utils.runs.run_dir import RunDir
from experiment_utils.script import discard_output, run_script
from experiment_utils.train_args import Args, parse
from meta_policy_search.utils.reported_error import ReportedError

if TYPE_CHECKING:
    from experiment_utils.display import Display
    from meta_policy_search.meta_trainer import MetaTrainer


class StoppedRun(ReportedError):
    """A run that can't go on: why, and how to go on later."""

    exit_code = 1


def main(defaults: Config, build: Build, description: str) -> int:
    """The main function of a run script; returns the exit code."""
    return run_script(lambda: _main(defaults, build, description))


def _main(defaults: Config, build: Build, description: str) -> None:
    args = parse(defaults, description)
    try:
        configure_tensorflow()
        _train(args, build)
    finally:
        args.run_dir.remove_if_empty()


def _train(args: Args, build: Build) -> None:
    from meta_policy_search.meta_trainer import TrainingError
    from meta_policy_search.utils.logger import LogError

    try:
        run(args, build)
    except (TrainingError, LogError) as error:
        what = f"{error}. The run stopped; its last good checkpoint is in {args.run_dir.checkpoints}"
        raise StoppedRun(what) from error
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


def configure_tensorflow() -> None:
    """Quiet, and one inter-op thread: the order of sums, and with it the last bit of every number, then never changes."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_stderr():  # the C++ libraries greet before they read any log level
        import tensorflow as tf

    tf.config.threading.set_inter_op_parallelism_threads(1)


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


def run(args: Args, build: Build) -> None:
    """Trains as asked; leaves the learning curve behind, also when it is stopped."""
    from experiment_utils.display import Display
    from meta_policy_search.meta_trainer import MetaTrainer
    from meta_policy_search.utils.checkpoint import Checkpoints
    from meta_policy_search.utils.snapshots import PolicySnapshots

    config, run_dir = args.config, args.run_dir
    rng = np.random.default_rng(config.seed)
    components = build(config, rng)
    checkpoints, snapshots = Checkpoints(run_dir.checkpoints, components.algo), PolicySnapshots(run_dir.policies)
    trainer = MetaTrainer(*components, rng=rng, n_itr=config.n_itr, checkpoints=checkpoints, snapshots=snapshots)
    trained_class = class_name(components.algo)
    if args.resume and run_dir.params.exists():
        run_dir.require_class(trained_class)
    if not (args.resume and _restored(trainer, run_dir)):
        run_dir.write_params(config, trained_class)
        trainer.save()
    elif trainer.next_itr < config.n_itr:
        run_dir.add_resumption(config, trainer.next_itr)
    stop = GracefulStop()
    display = Display(_title(config), run_dir.path, trainer.next_itr, config.n_itr, config.num_inner_grad_steps)
    try:
        with display.showing():
            trainer.train(_Log(run_dir, display, keep=trainer.next_itr), stop)
    except KeyboardInterrupt:
        stop.requested = True
    finally:
        stopped = stop.requested and trainer.next_itr < config.n_itr
        if stopped:
            print("\nStopped. Every finished iteration is saved; go on with\n  " + _resume_command(args), flush=True)
        _draw(run_dir, config)
    if stopped:
        raise KeyboardInterrupt


class _Log:
    """Takes the metrics of each iteration to all places that show them."""

    def __init__(self, run_dir: RunDir, display: "Display", keep: int):
        from meta_policy_search.utils.logger import ProgressLog, TensorBoardLog

        self._progress = ProgressLog(run_dir.progress, keep)
        self._tensorboard = TensorBoardLog(run_dir.tensorboard)
        self._display = display

    def __call__(self, iteration: int, metrics: Mapping[str, float]) -> None:
        self._progress.write(metrics)
        self._tensorboard.write(iteration, metrics)
        self._display.update(iteration, metrics)


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
    return state is not None


def _draw(run_dir: RunDir, config: Config) -> None:
    if not run_dir.progress.exists():
        return
    from experiment_utils.runs.learning_curve import draw_learning_curve
    from experiment_utils.runs.results import InvalidRunError

    targets = [run_dir.path / f"learning_curve.{ending}" for ending in ("pdf", "png")]
    try:
        draw_learning_curve(run_dir.progress, config.num_inner_grad_steps, _title(config), targets)
    except (OSError, InvalidRunError) as error:  # nothing is lost with the picture, and another error may be on its way
        print(f"warning: the learning curve is not drawn: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
    else:
        print(f"learning curve: {targets[0]}")


def _title(config: Config) -> str:
    return f"{config.algo} on {config.env}, seed {config.seed}"


def _resume_command(args: Args) -> str:
    """What goes on with the run; it names an environment that is code of the user's own."""
    env = ["--env", args.config.env] if ":" in args.config.env else []
    return shlex.join([sys.executable, sys.argv[0], "--resume", "--dump_path", str(args.run_dir.path), *env])
