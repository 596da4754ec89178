"""What every task family promises as a gymnasium environment."""

import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from meta_policy_search.envs import FAMILIES, gymnasium_id, load_class
from meta_policy_search.envs.mujoco_envs.half_cheetah_rand_direc import HalfCheetahRandDirecEnv

OBSERVATION_SIZES = {
    "HalfCheetahRandDirecEnv": 17,
    "HalfCheetahRandVelEnv": 17,
    "AntRandDirecEnv": 111,
    "AntRandDirec2DEnv": 111,
    "AntRandGoalEnv": 113,
    "Walker2DRandDirecEnv": 17,
    "Walker2DRandVelEnv": 17,
    "Walker2DRandParamsEnv": 17,
    "HopperRandParamsEnv": 11,
    "HumanoidRandDirecEnv": 376,
    "HumanoidRandDirec2DEnv": 376,
    "SwimmerRandVelEnv": 8,
    "MetaPointEnv": 2,
    "MetaPointEnvCorner": 2,
    "MetaPointEnvWalls": 2,
    "MetaPointEnvMomentum": 4,
    "MetaPointEnv1D": 1,
    "GridNavigationEnv": 25,
}
# the physics has no bounds to declare, and the poster's actions are its own
HARMLESS = ("observation space minimum value is -inf", "observation space maximum value is inf", "symmetric and normalized")


def equal(a, b) -> bool:
    """Whether two tasks are the same."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)
    return np.array_equal(a, b)


def test_every_family_is_listed():
    assert FAMILIES.keys() == OBSERVATION_SIZES.keys()
    assert gymnasium_id("AntRandDirec2DEnv") == "meta_policy_search/AntRandDirec2D-v0"


@pytest.mark.parametrize("family", FAMILIES)
def test_gymnasium_finds_nothing_wrong(family):
    env = gymnasium.make(gymnasium_id(family))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env.unwrapped, skip_render_check=True)
    assert not [w for w in map(str, (w.message for w in caught)) if not any(known in w for known in HARMLESS)]
    assert env.observation_space.shape == (OBSERVATION_SIZES[family],)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_docstring_explains_every_observation(family):
    rows = [line.split("|")[1].strip() for line in load_class(FAMILIES[family]).__doc__.splitlines() if "|" in line[:8]]
    found = []
    for row in rows[2:]:
        bounds = [int(number) for number in row.replace(",", "-").split("-")]
        found += range(bounds[0], bounds[-1] + 1)
    assert found == list(range(OBSERVATION_SIZES[family]))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_seed_fixes_tasks_resets_and_steps(family):
    results = []
    for _ in range(2):
        env = gymnasium.make(gymnasium_id(family)).unwrapped
        first, _ = env.reset(seed=7)
        tasks = env.sample_tasks(5)
        env.set_task(tasks[4])
        env.action_space.seed(3)
        results.append((first, tasks, env.reset()[0], *env.step(env.action_space.sample())[:2]))
    (first_a, tasks_a, *rest_a), (first_b, tasks_b, *rest_b) = results
    np.testing.assert_array_equal(first_a, first_b)
    assert len(tasks_a) == 5
    assert all(equal(a, b) for a, b in zip(tasks_a, tasks_b, strict=True))
    for a, b in zip(rest_a, rest_b, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("family", FAMILIES)
def test_get_task_returns_what_set_task_was_given(family):
    env = load_class(FAMILIES[family])()
    task = env.sample_tasks(3, np.random.default_rng(0))[2]
    env.set_task(task)
    assert equal(env.get_task(), task)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_number_of_tasks_must_be_that_of_environments(family):
    env = load_class(FAMILIES[family])(num_envs=3)
    with pytest.raises(ValueError, match="1 tasks for 3 environments"):
        env.set_tasks([env.default_task()])


def test_making_an_environment_does_not_load_tensorflow():
    program = """import sys, gymnasium, meta_policy_search.envs
for name in ("AntRandDirec2D", "HalfCheetahRandDirec", "MetaPointEnvWalls"):
    gymnasium.make(f"meta_policy_search/{name}-v0").reset(seed=0)
sys.exit("tensorflow" in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("family", ["HopperRandParamsEnv", "MetaPointEnvWalls"])
def test_gymnasium_makes_vectors_of_single_environments(family):
    envs = gymnasium.make_vec(gymnasium_id(family), num_envs=3, vectorization_mode="sync")
    observations, _ = envs.reset(seed=0)
    assert observations.shape == (3, OBSERVATION_SIZES[family])
    assert len(np.unique(observations[:, 0])) == 3
    envs.close()


def test_a_batch_has_the_settings_of_its_maker():
    env = load_class(FAMILIES["Walker2DRandParamsEnv"])(physics="modern", log_scale_limit=1.0, num_threads=1)
    batch = env.batch(4)
    assert (batch.num_envs, batch.log_scale_limit, batch.sims.num_threads) == (4, 1.0, 1)
    np.testing.assert_array_equal(batch.model.body_mass, env.model.body_mass)
    assert load_class(FAMILIES["MetaPointEnvCorner"])(reward_type="dense").batch(2).reward_type == "dense"


def test_unknown_settings_are_rejected():
    with pytest.raises(TypeError):
        load_class(FAMILIES["SwimmerRandVelEnv"])(gravity=1.0)
    with pytest.raises(ValueError, match="can't render as 'ansi'"):
        load_class(FAMILIES["MetaPointEnv"])(render_mode="ansi")


def has_offscreen_opengl() -> bool:
    """Whether EGL works here; found out in a process of its own, which a broken driver may end."""
    program = "from gymnasium.envs.mujoco.mujoco_rendering import _import_egl; _import_egl(8, 8).make_current()"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


@pytest.fixture
def offscreen(monkeypatch):
    if not has_offscreen_opengl():
        pytest.skip("no OpenGL without a display on this machine (Debian: libegl1 libgl1)")
    monkeypatch.setenv("MUJOCO_GL", "egl")


@pytest.mark.parametrize("family", ["AntRandDirec2DEnv", "HopperRandParamsEnv"])
def test_mujoco_families_draw_images(family, offscreen):
    env = gymnasium.make(gymnasium_id(family), render_mode="rgb_array")
    env.reset(seed=0)
    image = env.render()
    for _ in range(10):
        env.step(env.action_space.sample())
    assert (image.shape, image.dtype) == ((480, 480, 3), np.uint8)
    assert image.std() > 10
    assert (env.render() != image).any()
    env.close()


@pytest.mark.parametrize("family", [name for name in FAMILIES if "Point" in name or "Grid" in name])
def test_point_and_grid_families_draw_images(family):
    env = gymnasium.make(gymnasium_id(family), render_mode="rgb_array")
    env.reset(seed=0)
    image = env.render()
    for _ in range(5):
        env.step(getattr(env.action_space, "high", 1))
    assert (image.shape, image.dtype) == ((400, 400, 3), np.uint8)
    assert (env.render() != image).any()
    env.close()


def test_without_a_render_mode_nothing_is_drawn():
    env = load_class(FAMILIES["AntRandDirecEnv"])()
    env.reset(seed=0)
    assert env.render() is None


class Costly(HalfCheetahRandDirecEnv):
    """A family with a setting of its own."""

    def __init__(self, *, cost=0.05, **options):
        self.cost = cost
        super().__init__(**options)


def test_a_batch_has_the_settings_of_the_environment_that_makes_it():
    env = Costly(cost=1.0, physics="modern", render_mode="rgb_array").batch(3)
    assert (env.num_envs, env.cost, env.options) == (3, 1.0, {"cost": 1.0, "physics": "modern"})
    assert env.batch(2).cost == 1.0


@pytest.mark.parametrize(
    ("family", "task", "wanted"),
    [
        ("HalfCheetahRandDirecEnv", [1.0], r"\[1\]; it must be \[\]"),
        ("AntRandGoalEnv", 1.0, r"\[\]; it must be \[2\]"),
        ("MetaPointEnvCorner", [1.0], r"\[1\]; it must be \[2\]"),
        ("GridNavigationEnv", 3, r"\[\]; it must be \[2\]"),
        ("MetaPointEnvWalls", {"goal": [1.0], "gap_1": [1.0, 0.0], "gap_2": [2.0, 0.0]}, r"\[1\]; it must be \[2\]"),
    ],
)
def test_a_task_of_another_shape_is_refused(family, task, wanted):
    with pytest.raises(ValueError, match=f"the tasks have the shape {wanted}"):
        load_class(FAMILIES[family])(num_envs=2).set_tasks([task] * 2)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_environment_needs_a_task(family):
    env = load_class(FAMILIES[family])(num_envs=2)
    with pytest.raises(ValueError, match="3 tasks for 2 environments; each needs one"):
        env.set_tasks([env.default_task()] * 3)
