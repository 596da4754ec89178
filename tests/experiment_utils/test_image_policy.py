"""Pictures as observations and a small convolution, written as a user would, from training to the exported model."""

import gymnasium
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from gymnasium.spaces import Box

from experiment_utils import ProMPConfig, TRPOMAMLConfig, train
from experiment_utils.builders import assemble, inner_settings
from meta_policy_search import TRPOMAML, MLPPolicy, ProMP, export_policy
from meta_policy_search.policies.networks import init_mlp, mlp, task_by_task
from meta_policy_search.testing import check_algorithm

tfd = tfp.distributions
SIZE = 6
SIZES = {"meta_batch_size": 3, "rollouts_per_meta_task": 2, "max_path_length": 4, "hidden_sizes": (8,)}
ENV = f"{__name__}:Picture"


class Picture(gymnasium.Env):
    """A bright square drifts over a picture; the task is the direction that it should be driven to."""

    observation_space, action_space = Box(0, 255, (SIZE, SIZE, 2), np.uint8), Box(-1, 1, (1,), np.float32)

    def sample_tasks(self, n):
        return self.np_random.choice([-1.0, 1.0], n)

    def set_task(self, task):
        self.direction = task

    def get_task(self):
        return self.direction

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = self.np_random.uniform(1, SIZE - 2)
        return self.observation(), {}

    def step(self, action):
        before, self.place = self.place, np.clip(self.place + action[0], 0, SIZE - 2)
        return self.observation(), float(self.direction * (self.place - before)), False, False, {}

    def observation(self):
        picture = np.zeros((SIZE, SIZE, 2), np.uint8)
        picture[2:4, round(self.place) : round(self.place) + 2, 0] = 255
        return picture


class CNNPolicy(MLPPolicy):
    """N(a; perceptron of a convolution, 1)."""

    def init_params(self, rng):
        kernel = 0.3 * rng.normal(size=(3, 3, self.obs_shape[-1], 4))
        return {"conv/kernel": kernel, **init_mlp(rng, "dense", 4 * 3 * 3, self.hidden_sizes, self.n_outputs)}

    def network(self, params, observations):
        return task_by_task(self.of_task, params, observations, self.theta)

    def of_task(self, params, pictures):  # [..., height, width, channels]
        x = tf.nn.elu(tf.nn.conv2d(pictures / 255, params["conv/kernel"], strides=2, padding="SAME"))
        x = tf.reshape(x, tf.concat([tf.shape(x)[:-3], [4 * 3 * 3]], axis=0))
        return mlp(params, "dense", x, len(self.hidden_sizes), "tanh")

    def head(self, outputs):
        return tfd.Independent(tfd.Normal(outputs, tf.ones_like(outputs)), 1)


def make_policy(config, env, rng):
    return CNNPolicy(env.observation_space.shape, env.action_space.shape[0], hidden_sizes=config.hidden_sizes, rng=rng)


def build(kind):
    return lambda config, rng: assemble(
        config, rng, lambda policy: kind(policy, **inner_settings(config)), make_policy=make_policy
    )


def test_a_convolution_trains_resumes_adapts_and_is_exported(tmp_path):
    runs = []
    for folder, lengths in (("whole", [2]), ("resumed", [1, 2])):
        for i, n_itr in enumerate(lengths):
            settings = ProMPConfig(env=ENV, parallel=False, n_itr=n_itr, **SIZES)
            trained = train(settings, build(ProMP), folder=tmp_path / folder, resume=i > 0, verbose=False)
        runs.append(trained)
    whole, resumed = (run.progress[[name for name in run.progress if "Time" not in name]] for run in runs)
    pd.testing.assert_frame_equal(resumed, whole, check_exact=True)
    assert runs[0].components.algo.theta["conv/kernel"].shape == (3, 3, 2, 4)
    adapted = runs[0].adapt(1.0, rng=np.random.default_rng(0))
    pictures = np.random.default_rng(1).integers(0, 255, (5, SIZE, SIZE, 2))
    actions = adapted.act(pictures)
    assert not np.allclose(actions, runs[0].actor().act(pictures), atol=1e-6)
    export_policy(adapted, tmp_path / "model")
    model = tf.saved_model.load(str(tmp_path / "model"))
    exported = model.signatures["mode"](observations=tf.constant(pictures, tf.float32))["actions"]
    np.testing.assert_allclose(exported, actions, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("eagerly")
def test_curvature_goes_through_a_convolution():
    config = TRPOMAMLConfig(env=ENV, parallel=False, n_itr=1, **SIZES)
    trained = train(config, build(TRPOMAML), verbose=False)
    assert np.isfinite(trained.progress["LossAfter"]).all()


def test_algorithms_differentiate_through_a_convolution():
    def small_policy():
        return CNNPolicy((SIZE, SIZE, 2), 1, hidden_sizes=(2,), rng=np.random.default_rng(0), dtype=tf.float64)

    check_algorithm(lambda policy, **inner: ProMP(policy, **inner), make_policy=small_policy)
