"""How TensorFlow is set up before a run."""

import os
import subprocess
import sys

import pytest
import tensorflow as tf

from experiment_utils import tensorflow_setup
from experiment_utils.validation import ConfigError


@pytest.mark.parametrize(
    ("device", "gpus", "hidden"), [("auto", [], False), ("auto", ["g"], False), ("cpu", ["g"], True), ("gpu", ["g"], False)]
)
def test_the_meta_update_device_says_what_tensorflow_may_see(monkeypatch, device, gpus, hidden):
    calls = []
    for name in ("list_physical_devices", "get_visible_devices"):
        monkeypatch.setattr(tf.config, name, lambda kind: gpus)
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda devices, kind: calls.append((devices, kind)))
    for name in ("set_intra_op_parallelism_threads", "set_inter_op_parallelism_threads"):
        monkeypatch.setattr(tf.config.threading, name, lambda threads: None)
    tensorflow_setup.configure_tensorflow(device)
    assert calls == ([([], "GPU")] if hidden else [])


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    with pytest.raises(ConfigError, match="meta_update_device is 'gpu', and TensorFlow finds no GPU"):
        tensorflow_setup.configure_tensorflow("gpu")


@pytest.mark.parametrize(("chosen", "found"), [(None, "1"), ("0", "0")])
def test_onednn_is_on_unless_the_user_has_chosen(chosen, found):
    ask = "import os; from experiment_utils.tensorflow_setup import configure_tensorflow as c; c(); "
    ask += "print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    env = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    env |= {"TF_ENABLE_ONEDNN_OPTS": chosen} if chosen else {}
    assert subprocess.run([sys.executable, "-c", ask], env=env, capture_output=True, text=True).stdout.strip() == found
