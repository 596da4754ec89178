"""An exported policy acts alone, and as it does here."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from gymnasium.spaces import Box

from meta_policy_search.envs.normalized_env import scale_actions
from meta_policy_search.policies.actor import Actor
from meta_policy_search.policies.export import ExportError, export_policy, scaled
from tests.policies.own_policies import CountingPolicy
from tests.policies.test_actor import categorical, gaussian

ALONE = """
import sys

class Forbidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("meta_policy_search", "experiment_utils", "tensorflow_probability", "tf_keras"):
            raise ImportError(f"{name} is forbidden")

sys.meta_path.insert(0, Forbidden())
import numpy as np
import tensorflow as tf

model = tf.saved_model.load(sys.argv[1])
observations = tf.constant(np.load(sys.argv[2]))
arguments = {"observations": observations, "seed": tf.constant([1, 2])}
np.savez(
    sys.argv[3],
    default=model.signatures["serving_default"](observations=observations)["actions"],
    mode=model.signatures["mode"](observations=observations)["actions"],
    sample=model.signatures["sample"](**arguments)["actions"],
    again=model.signatures["sample"](**arguments)["actions"],
    other=model.signatures["sample"](observations=observations, seed=tf.constant([1, 3]))["actions"],
)
"""


def random_params(actor, seed=0):
    rng = np.random.default_rng(seed)
    params = {name: rng.normal(size=value.shape).astype(np.float32) for name, value in actor.params.items()}
    return type(actor)(actor.policy, params, actor.action_space)


def act_alone(directory, observations):
    """What the exported model does in a process without this package."""
    np.save(directory.with_name("observations.npy"), observations)
    paths = [str(directory), *(str(directory.with_name(name)) for name in ("observations.npy", "actions.npz"))]
    command = [sys.executable, "-I", "-c", ALONE, *paths]
    result = subprocess.run(command, cwd=directory.parent, capture_output=True, text=True, timeout=200, check=False)
    assert result.returncode == 0, result.stderr
    with np.load(paths[-1]) as actions:
        return dict(actions)


@pytest.mark.slow
@pytest.mark.parametrize("actor", [gaussian((3.0, -2.0)), categorical()], ids=["gaussian", "categorical"])
def test_the_model_acts_as_the_policy_without_this_package(tmp_path, actor):
    observations = np.random.default_rng(1).normal(size=(7, 3)).astype(np.float32)
    varied = random_params(actor)
    export_policy(varied, tmp_path / "model")
    actions = act_alone(tmp_path / "model", observations)
    np.testing.assert_allclose(actions["mode"], varied.act(observations), rtol=1e-5)
    np.testing.assert_array_equal(actions["mode"], actions["default"])
    np.testing.assert_array_equal(actions["sample"], actions["again"])
    assert not np.array_equal(actions["sample"], actions["other"])
    space = varied.action_space
    assert all(space.contains(action.astype(space.dtype)) for action in actions["sample"])


@pytest.mark.parametrize("actor", [gaussian((3.0, -2.0)), categorical()], ids=["gaussian", "categorical"])
def test_draws_have_the_policys_distribution(tmp_path, actor):
    export_policy(actor, tmp_path / "model")
    model, observations = tf.saved_model.load(str(tmp_path / "model")), np.zeros((20_000, 3), np.float32)
    draws = model.signatures["sample"](observations=tf.constant(observations), seed=tf.constant([0, 1]))["actions"]
    ours = actor.act(observations, np.random.default_rng(0))
    np.testing.assert_allclose(np.mean(draws, axis=0), ours.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(np.std(draws, axis=0), ours.std(axis=0), rtol=0.05)


def test_the_scaling_is_that_of_the_environments():
    space = Box(np.array([-1.0, 0.0], np.float32), np.array([1.0, 4.0], np.float32))
    actions = np.random.default_rng(0).normal(size=(50, 2)) * 8
    in_tensorflow = scaled(tf.constant(actions), space)
    assert in_tensorflow.dtype == tf.float32
    np.testing.assert_array_equal(in_tensorflow, scale_actions(actions, space).astype(np.float32))


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine").touch()
    with pytest.raises(ExportError, match="model exists already; choose another place"):
        export_policy(categorical(), tmp_path / "model")
    with pytest.raises(ExportError, match="can't write the model to"):
        export_policy(categorical(), tmp_path / "model" / "mine" / "below")


def test_a_policy_with_a_memory_is_refused(tmp_path):
    actor = Actor(CountingPolicy(), {"first": np.zeros(1, np.float32)}, Box(-10, 10, (1,), np.float32))
    with pytest.raises(
        ExportError, match="CountingPolicy has a memory; the exported signatures have no place for its state"
    ):
        export_policy(actor, tmp_path / "model")
    assert not (tmp_path / "model").exists()
