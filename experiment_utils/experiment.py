"""Train one run: from the command line to the files in its directory."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiment_utils.algorithms import Build, algorithms, class_name, paper_name
from experiment_utils.config import Config
from experiment_utils.config_files import config_to_dict
from experiment_utils.graceful_stop import GracefulStop
from experiment_utils.run_log import RunLog
from experiment_utils.runs.run_dir import InvalidRunError, RunDir
from experiment_utils.script import discard_output, run_script
from experiment_utils.tensorflow_setup import configure_tensorflow
from experiment_utils.train_args import Args, parse
from experiment_utils.validation import ConfigError
from meta_policy_search.utils.reported_error import ReportedError

if TYPE_CHECKING:
    from experiment_utils.display import Display
    from meta_policy_search.callbacks import Callback
    from meta_policy_search.meta_trainer import MetaTrainer
    from meta_policy_search.utils.checkpoint import Checkpoints


NOTHING_KEPT = "no iteration was finished, so nothing of the run is kept"


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
        args.run_dir.remove_unless_kept()


def _train(args: Args[Config], build: Build) -> None:
    from meta_policy_search.meta_trainer import TrainingError
    from meta_policy_search.utils.logger import LogError

    try:
        trainer = make_trainer(args.config, build, args.run_dir, resume=args.resume)
        log = RunLog(args.config, args.run_dir, keep=trainer.next_itr)
        log.display = make_display(args.config, args.run_dir, trainer)
        if args.resume and trainer.next_itr >= args.config.n_itr:
            print(f"It has {trainer.next_itr} iterations already; a larger --n_itr goes on with it.", flush=True)
        if run(trainer, log, args.config, _resume_command(args)):
            raise KeyboardInterrupt
    except (TrainingError, LogError) as error:
        left = f"its last good checkpoint is in {args.run_dir.checkpoints}" if args.run_dir.is_kept() else NOTHING_KEPT
        raise StoppedRun(f"{error}. The run stopped; {left}") from error
    except MemoryError as error:
        remedy = "try a smaller meta_batch_size, rollouts_per_meta_task, max_path_length or hidden_sizes"
        raise StoppedRun(f"the memory is not enough ({error}); {remedy}") from error
    except OSError as error:
        raise StoppedRun(_unwritten(error, args)) from error


def _unwritten(error: OSError, args: Args[Config]) -> str:
    """What to do about a file that can't be written. What is saved is good: see `MetaTrainer.train`."""
    run_dir = args.run_dir
    saved = "every finished iteration is saved" if args.config.checkpoint_every == 1 else "its last checkpoint is good"
    saved, again = (
        (saved, f"go on with\n  {_resume_command(args)}") if run_dir.is_kept() else (NOTHING_KEPT, "start the run again")
    )
    if isinstance(error, BrokenPipeError):  # like `| head`
        discard_output()
        return f"nobody reads the output any more. The run stopped; {saved}; {again}"
    what = f"can't read or write {error.filename or run_dir.path} ({error.strerror or error})"
    return f"{what}. The run stopped; {saved}; make room or get the right to write, and {again}"


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
    checkpoints = None if run_dir is None else Checkpoints(run_dir.checkpoints, components.algo)
    trainer = MetaTrainer(
        *components,
        rng=rng,
        n_itr=config.n_itr,
        checkpoints=checkpoints,
        snapshots=None if run_dir is None else PolicySnapshots(run_dir.policies, config.snapshot_every),
        callbacks=callbacks,
        checkpoint_every=config.checkpoint_every,
    )
    if run_dir is None or checkpoints is None:
        return trainer
    trained_class = class_name(components.algo)
    if resume and run_dir.params.exists():
        run_dir.require_class(trained_class)
    if not (resume and _restored(trainer, checkpoints, run_dir)):
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


def run(trainer: "MetaTrainer", log: RunLog, config: Config, resume_command: str = "") -> bool:
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
            if stopped and resume_command and log.run_dir is not None:
                print(f"\nStopped{_left(log.run_dir, resume_command)}", flush=True)
            if log.run_dir is not None and log.run_dir.is_kept():
                _draw(log, log.run_dir, config, trainer.next_itr)
    return stopped


def _left(run_dir: RunDir, resume_command: str) -> str:
    """What is left of a run that was stopped."""
    return (
        f". Every finished iteration is saved; go on with\n  {resume_command}" if run_dir.is_kept() else f"; {NOTHING_KEPT}"
    )


def _restored(trainer: "MetaTrainer", checkpoints: "Checkpoints", run_dir: RunDir) -> bool:
    """Whether there was a checkpoint to go on from; says which ones could not be used."""
    from meta_policy_search.utils.logger import whole_lines

    rows = max(len(whole_lines(run_dir.progress)) - 1, 0)

    def accept(state: Mapping[str, object]) -> None:
        trainer.restore(state)
        if trainer.next_itr > rows:
            raise ValueError(f"it is after {trainer.next_itr} iterations, and {run_dir.progress} has {rows} whole rows")

    state, messages = checkpoints.restore_latest(accept)
    for message in messages:
        print(f"warning: {message}; trying the one before", file=sys.stderr)
    if state is None and (rows or any(checkpoints.numbers())):  # a broken ckpt-0 alone is no loss
        what = (
            f"no checkpoint in {run_dir.checkpoints} can be used, and the {rows} rows of {run_dir.progress} are left alone"
        )
        raise ConfigError(f"{what}; put the run's files back from a copy, or start anew with another --dump_path")
    if state is None:
        print(f"there is no checkpoint in {run_dir.path}: starting from iteration 0")
    saved = (state or {}).get("callbacks")
    for name in sorted(saved.keys() - trainer.callbacks.keys() if isinstance(saved, dict) else ()):
        print(f"warning: the state of the callback {name.split()[0]} in the checkpoint is not used", file=sys.stderr)
    return state is not None


def _draw(log: RunLog, run_dir: RunDir, config: Config, iteration: int) -> None:
    """Leave the learning curve behind, in TensorBoard too."""
    if not run_dir.progress.exists():
        return
    from experiment_utils.runs.learning_curve import UNREGISTERED, draw_learning_curve

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


def _resume_command(args: Args[Config]) -> str:
    """What goes on with the run; it names an environment that is code of the user's own."""
    env = ["--env", args.config.env] if ":" in args.config.env else []
    script = [sys.executable, sys.argv[0]] if Path(sys.argv[0]).is_file() else sys.argv[0].split()  # of a command
    return shlex.join([*script, "--resume", "--dump_path", str(args.run_dir.path), *env])
