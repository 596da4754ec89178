"""How TensorFlow is set up, before its first operation."""

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator

from experiment_utils.config import MetaUpdateDevice
from experiment_utils.progress import announce
from experiment_utils.validation import ConfigError


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
