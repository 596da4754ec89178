"""The backend mujoco-py: what it says where it is missing; where it is installed, that the engine does as it does."""

import subprocess
import sys

import numpy as np
import pytest

from experiment_utils.algorithm_configs import ProMPConfig
from experiment_utils.algorithms import SCRIPTS
from experiment_utils.environments import make_env, require_env
from experiment_utils.runs.results import load_run
from experiment_utils.validation import ConfigError
from meta_policy_search.envs import FAMILIES, load_class
from meta_policy_search.envs.base import SimulationError
from meta_policy_search.envs.mujoco_envs import legacy_engine

WITNESSED = (
    "HalfCheetahRandDirecEnv",
    "AntRandDirec2DEnv",
    "AntRandGoalEnv",
    "HopperRandParamsEnv",
    "Walker2DRandDirecEnv",
    "Walker2DRandParamsEnv",
)
M = 6


@pytest.fixture
def missing(monkeypatch, tmp_path):
    """A Python that finds modules of this folder first."""
    legacy_engine.require_mujoco_py.cache_clear()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    yield tmp_path
    legacy_engine.require_mujoco_py.cache_clear()


def test_without_gym_the_message_names_the_command_that_installs_it(missing):
    (missing / "gym.py").write_text("raise ModuleNotFoundError(\"No module named 'gym'\")")
    with pytest.raises(ConfigError, match=r"^the backend mujoco-py needs .*, but gym is not installed; `make legacy`"):
        require_env(ProMPConfig(backend="mujoco-py"))


def test_half_an_installation_is_answered_with_its_own_words(missing):
    (missing / "gym.py").touch()
    (missing / "mujoco_py.py").write_text("raise ImportError('libmujoco210.so: cannot open shared object file')")
    with pytest.raises(ConfigError, match=r"can't be imported: ImportError: libmujoco210.so: .*; `make legacy` installs"):
        make_env(ProMPConfig(backend="mujoco-py"))


def test_other_environments_have_no_such_backend():
    with pytest.raises(ConfigError, match="MetaPointEnv is not one of the package's MuJoCo families"):
        require_env(ProMPConfig(backend="mujoco-py", env="MetaPointEnv"))
    with pytest.raises(ValueError, match="whose physics is 'paper'"):
        load_class(FAMILIES["AntRandDirecEnv"])(backend="mujoco-py", physics="modern")
    with pytest.raises(ValueError, match=r"knows half_cheetah.xml, .*, not humanoid.xml"):
        load_class(FAMILIES["HumanoidRandDirecEnv"])(backend="mujoco-py")


@pytest.fixture(params=WITNESSED)
def both(request):
    kind = load_class(FAMILIES[request.param])
    legacy = kind(num_envs=M, backend="mujoco-py", num_threads=2)
    yield kind(num_envs=M), legacy
    legacy.close()


@pytest.mark.legacy
def test_the_same_states_and_actions_give_the_same_step_on_both_backends(both):
    """Random actions in drawn tasks, each step from the state that MuJoCo 2.1.0 reached, a reset where it has fallen."""
    rng = np.random.default_rng(0)
    today, legacy = both
    tasks = today.sample_tasks(M, rng)
    today.set_tasks(tasks), legacy.set_tasks(tasks)
    legacy.reset_envs(rng)
    errors, moved = [], np.zeros(M)
    for _ in range(60):
        state, actions = (
            (legacy.sims.qpos.copy(), legacy.sims.qvel.copy()),
            rng.uniform(-1, 1, (M, *today.action_space.shape)),
        )
        for env in both:
            env.sims.set_state(*state)
        ours, theirs = today.step_envs(actions), legacy.step_envs(actions)
        errors.append([np.abs(a - b).max() for a, b in zip(values(today, ours), values(legacy, theirs), strict=True)])
        np.testing.assert_array_equal(ours.terminated, theirs.terminated)
        moved = np.maximum(moved, np.abs(legacy.sims.qpos - state[0]).max(axis=1))
        fallen = np.flatnonzero(theirs.terminated)
        if len(fallen):
            legacy.reset_envs(rng, fallen)
    assert (moved > 0.01).all()
    assert np.median(errors) < 1e-12
    assert np.max(errors) < 1e-10


def values(env, step):
    return env.sims.qpos, env.sims.qvel, step.observations, step.rewards


@pytest.mark.legacy
def test_resets_are_the_same_on_both_backends(both):
    """MuJoCo 2.1.0 brings the ant's quaternion to unit length in qpos at once, today's at the first step."""
    states = []
    for env in both:
        rng = np.random.default_rng(1)
        env.reset_envs(rng)
        env.reset_envs(rng, np.array([1, 4]))
        qpos = env.sims.qpos.copy()
        if env.xml == "ant.xml":
            qpos[:, 3:7] /= np.linalg.norm(qpos[:, 3:7], axis=1, keepdims=True)
        states.append(np.concatenate([qpos, env.sims.qvel], axis=1))
    np.testing.assert_allclose(*states, rtol=0, atol=1e-15)


@pytest.mark.legacy
def test_the_number_of_workers_changes_nothing_and_an_unstable_simulation_is_named():
    kind, results = load_class(FAMILIES["HalfCheetahRandDirecEnv"]), []
    for num_threads in (1, 3):
        env = kind(num_envs=M, backend="mujoco-py", num_threads=num_threads)
        assert env.sims.num_threads == num_threads
        rng = np.random.default_rng(0)
        env.reset_envs(rng)
        results.append([env.step_envs(rng.uniform(-1, 1, (M, 6))).observations for _ in range(5)])
        env.sims.set_state(np.where(np.arange(M)[:, None] == 4, np.nan, env.sims.qpos), env.sims.qvel)
        with pytest.raises(SimulationError, match="Nan") as failure:
            env.step_envs(np.zeros((M, 6)))
        assert failure.value.envs == [4]
        env.close()
    np.testing.assert_array_equal(*results)


@pytest.mark.legacy
@pytest.mark.slow
@pytest.mark.long
def test_learning_curves_of_both_backends_agree_within_their_spread(tmp_path):
    """ProMP on half-cheetah, 20 iterations: the backends differ by less than a tenth of what two seeds do."""
    curves = {}
    for name, backend, seed in (("today", "mujoco", 1), ("legacy", "mujoco-py", 1), ("other seed", "mujoco", 2)):
        flags = ["--backend", backend, "--seed", str(seed), "--n_itr", "20", "--dump_path", str(tmp_path / name)]
        flags += ["--meta_batch_size", "20", "--rollouts_per_meta_task", "10"]
        subprocess.run([sys.executable, str(SCRIPTS / "pro-mp_run_mujoco.py"), *flags], check=True, capture_output=True)
        curves[name] = load_run(tmp_path / name).column("return").to_numpy()
    spread = np.abs(curves["today"] - curves["other seed"]).mean()
    assert np.abs(curves["today"] - curves["legacy"]).mean() < 0.1 * spread
    assert curves["legacy"][-5:].mean() > curves["legacy"][:5].mean() + 10
