"""Run directories, one's own and hostile ones, loaded for use."""

import dataclasses
import json
import shutil
import sys

import numpy as np
import pytest

from experiment_utils.algorithm_configs import DICEMAMLConfig, ProMPConfig, TRPOMAMLConfig, VPGMAMLConfig
from experiment_utils.evaluation.trained_policy import load_trained
from experiment_utils.validation import ConfigError
from meta_policy_search.utils.snapshots import load_snapshot
from tests.experiment_utils.small_runs import small, train, untrained

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    train(folder, small(trainable_inner_step_size=True), every=2)
    return folder


@pytest.fixture
def copy(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "copy")


def edit(folder, **settings):
    params = json.loads((folder / "params.json").read_text())
    params["config"] |= settings
    (folder / "params.json").write_text(json.dumps(params))
    return folder


@pytest.mark.parametrize(("which", "itr"), [("last", 3), (2, 2), ("0", 0)])
def test_the_policy_is_that_of_the_snapshot_with_its_learned_step_sizes(finished, which, itr):
    trained = load_trained(finished, which)
    assert trained.itr == itr
    expected = load_snapshot(finished / "policies", which, trained.components.algo.theta).theta
    assert any(name.startswith("inner_lr/") for name in expected)
    for name, variable in trained.components.algo.theta.items():
        np.testing.assert_array_equal(variable.numpy(), expected[name])


def test_a_run_without_snapshots_has_its_last_checkpoint(copy):
    last = load_trained(copy, "last")
    shutil.rmtree(copy / "policies")
    old = load_trained(copy, "last")
    assert old.itr == 3
    np.testing.assert_array_equal(
        old.actor().params["mean_network/output/kernel"], last.actor().params["mean_network/output/kernel"]
    )
    with pytest.raises(ConfigError, match="there is last, from its checkpoint"):
        load_trained(copy)


def test_a_run_of_figure_3_is_used_like_any_other(copy):
    assert load_trained(edit(copy, sampling_rounds=20, measure_every=10, round_tasks="same"), "last").itr == 3


RUNS = {
    "Gaussian": small(num_inner_grad_steps=2),
    "categorical": small(ProMPConfig(), env="GridNavigationEnv", env_options={"reward_type": "dense"}),
    "DiCE": small(DICEMAMLConfig()),
    "VPG-DiCE": small(DICEMAMLConfig(), outer_type="vpg"),
    "TRPO": small(TRPOMAMLConfig()),
    "VPG": small(VPGMAMLConfig(), exploration=True),
    "foreign": small(ProMPConfig(), env="tests.envs.own_envs:Chooser"),
}


@pytest.mark.parametrize("name", RUNS)
def test_it_adapts_as_the_trainer_does_and_acts_in_the_environment(tmp_path, name):
    config = dataclasses.replace(RUNS[name], meta_batch_size=1)
    trainer = untrained(tmp_path, config)
    trained = load_trained(tmp_path, env=config.env if name == "foreign" else None)
    rng = np.random.default_rng(3)
    (task,) = trained.sample_tasks(1, rng)
    actor = trained.adapt(task, rng=rng)
    for name, value in adapted_by(trainer, config.num_inner_grad_steps).items():
        np.testing.assert_allclose(actor.params[name], value, rtol=1e-6)
        assert not np.allclose(value, trained.actor().params[name])
    env = trained.make_env()
    env.set_task(task)
    observation, _ = env.reset(seed=0)
    observation, *_ = env.step(actor.act(observation, np.random.default_rng(0)))
    assert observation.shape == env.observation_space.shape


def adapted_by(trainer, steps):
    """The adapted parameters of the trainer's components."""
    rng = np.random.default_rng(3)
    trainer.sampler.update_tasks(rng)
    params = trainer.algo.policy.stacked_theta(1)
    for _ in range(steps):
        samples, _ = trainer.sample_processor.process_samples(trainer.sampler.obtain_samples(params, rng)[0])
        params = trainer.algo.adapt(params, samples)
    return {name: value[0].numpy() for name, value in params.items()}


def test_steps_and_rollouts_are_as_asked(finished):
    trained = load_trained(finished)
    with trained.tester(trained.sample_tasks(2, np.random.default_rng(0)), rollouts=5) as tester:
        params = trained.components.algo.policy.stacked_theta(2)
        rounds = list(tester.rounds(params, 3, np.random.default_rng(0)))
    assert len(rounds) == 4
    assert {found.trajectories.rewards.shape for found in rounds} == {(2, 5, 6)}
    same = trained.adapt(trained.sample_tasks(1, np.random.default_rng(0))[0], rng=np.random.default_rng(0), steps=0)
    np.testing.assert_array_equal(
        same.params["mean_network/output/bias"], trained.actor().params["mean_network/output/bias"]
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"algo": "PPO"},
            r"of the algorithm 'PPO', which is not registered; known are ProMP, TRPOMAML, VPGMAML, SGMRL, Reptile, ",
        ),
        ({"algo": ["ProMP"]}, r"of the algorithm \['ProMP'\]"),
        ({"env": "MetaPointEnvMomentun"}, "not this package's code"),
        ({"env": 3}, "env is 3; it must be a string"),
        ({"n_iter": 3}, "unknown key 'n_iter'; did you mean 'n_itr'"),
        ({"inner_lr": {"$class": 3}}, "inner_lr is"),
        ({"hidden_sizes": [5]}, r"another network: .*kernel' is float32 \[2, 4\], not float \[2, 5\]"),
        ({"env": "GridNavigationEnv"}, "another network"),
        ({"env_options": {"num_envs": 3}}, "env_options has 'num_envs'"),
    ],
)
def test_settings_that_do_not_fit_are_named(copy, settings, words):
    with pytest.raises(ConfigError, match=words):
        load_trained(edit(copy, **settings))


@pytest.mark.parametrize("text", ["{", "[]", '{"config": []}', '{"config": "x"}', "[" * 100_000, "\x00", ""])
def test_settings_that_are_none_are_named(copy, text):
    (copy / "params.json").write_text(text)
    with pytest.raises(ConfigError, match="does not hold the settings of a run"):
        load_trained(copy)


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no run in .*: it has no params.json"):
        load_trained(tmp_path)


@pytest.mark.parametrize("env", ["os:system", "evil_env:Evil", "evil_env:Any-v0", "evil_env", "CartPole-v1"])
def test_the_code_that_a_hostile_folder_names_is_not_executed(copy, monkeypatch, env):
    (copy / "evil_env.py").write_text("from pathlib import Path\nPath('executed').touch()\n")
    monkeypatch.chdir(copy)
    monkeypatch.setattr(sys, "path", [*sys.path])
    edit(copy, env=env, env_options={"command": "touch executed"})
    with pytest.raises(
        ConfigError, match=f"'{env}', which is not this package's code; if you trust it, name it: --env {env}"
    ):
        load_trained(copy)
    with pytest.raises(ConfigError, match=f"is of the environment '{env}', not of 'my:Env'"):
        load_trained(copy, env="my:Env")
    assert not (copy / "executed").exists()


def test_a_snapshot_that_is_not_there_is_answered_with_what_is(finished):
    with pytest.raises(ConfigError, match=r"has no policy snapshot '1'; there are best, last, 0, 2$"):
        load_trained(finished, 1)


def test_a_hostile_snapshot_is_named(copy):
    (copy / "policies" / "best.npz").write_bytes(b"\x80\x04cos\nsystem\n(S'touch executed'\ntR.")
    with pytest.raises(ConfigError, match=r"best.npz can't be read"):
        load_trained(copy)


def test_a_run_without_any_good_checkpoint_is_named(copy):
    shutil.rmtree(copy / "policies")
    for path in (copy / "checkpoints").glob("ckpt-*"):
        path.write_bytes(b"x")
    with pytest.raises(ConfigError, match="neither policy snapshots nor a checkpoint that can be used"):
        load_trained(copy, "last")


def test_the_tasks_of_training_are_known_and_others_are_not(finished):
    trained = load_trained(finished, "last")
    rng = np.random.default_rng(trained.config.seed).spawn(2)[0]
    drawn = [trained.sample_tasks(trained.config.meta_batch_size, rng)[-1] for _ in range(trained.itr + 1)]
    assert trained.drawn_in_training(drawn) == [True] * trained.itr + [False]  # a later iteration's
    assert trained.drawn_in_training([object()]) is None
