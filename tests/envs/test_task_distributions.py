"""Tasks and resets against their stated distributions, by Kolmogorov-Smirnov tests with fixed seeds."""

import numpy as np
import pytest
from scipy import stats

from meta_policy_search.envs import FAMILIES, load_class
from meta_policy_search.envs.point_envs.base import CORNERS

N = 4000
SMALL = 1e-3  # p value below which a distribution is rejected


def tasks_of(family, n=N, seed=0, **options):
    return load_class(FAMILIES[family])(**options).sample_tasks(n, np.random.default_rng(seed))


def assert_uniform(values, low, high):
    values = np.ravel(values)
    assert values.min() >= low
    assert values.max() <= high
    assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > SMALL


def assert_normal(values, std):
    assert stats.kstest(np.ravel(values), stats.norm(scale=std).cdf).pvalue > SMALL


def assert_equally_frequent(values, choices):
    counts = [np.all(np.reshape(values, (len(values), -1)) == np.ravel(choice), axis=-1).sum() for choice in choices]
    assert sum(counts) == len(values)
    assert stats.chisquare(counts).pvalue > SMALL


@pytest.mark.parametrize(
    "family",
    ["HalfCheetahRandDirecEnv", "AntRandDirecEnv", "Walker2DRandDirecEnv", "HumanoidRandDirecEnv", "MetaPointEnv1D"],
)
def test_directions_are_forward_or_backward(family):
    assert_equally_frequent(tasks_of(family), [-1.0, 1.0])


@pytest.mark.parametrize(
    ("family", "low", "high"),
    [
        ("HalfCheetahRandVelEnv", 0, 3),
        ("Walker2DRandVelEnv", 0, 10),
        ("SwimmerRandVelEnv", 0.1, 0.2),
        ("MetaPointEnv", -2, 2),
    ],
)
def test_goals_are_uniform(family, low, high):
    assert_uniform(tasks_of(family), low, high)


def test_goal_cells_are_uniform_without_the_middle():
    cells = [(x, y) for x in range(5) for y in range(5) if (x, y) != (2, 2)]
    assert_equally_frequent(tasks_of("GridNavigationEnv"), cells)


@pytest.mark.parametrize("family", ["AntRandDirec2DEnv", "HumanoidRandDirec2DEnv"])
def test_directions_in_the_plane_are_uniform_on_the_circle(family):
    directions = tasks_of(family)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=-1), 1, rtol=1e-14)
    assert_uniform(np.arctan2(*directions.T), -np.pi, np.pi)


def test_goals_of_the_ant_are_uniform_on_the_disc():
    x, y = tasks_of("AntRandGoalEnv").T
    assert_uniform(x**2 + y**2, 0, 9)
    assert_uniform(np.arctan2(x, y), -np.pi, np.pi)


@pytest.mark.parametrize("family", ["MetaPointEnvCorner", "MetaPointEnvMomentum"])
def test_goals_are_corners(family):
    assert_equally_frequent(tasks_of(family), CORNERS)


def test_walls_have_gaps_anywhere_on_their_circles():
    tasks = tasks_of("MetaPointEnvWalls")
    assert_equally_frequent(np.array([task["goal"] for task in tasks]), CORNERS)
    for name, radius in (("gap_1", 1), ("gap_2", 2)):
        gaps = np.array([task[name] for task in tasks])
        np.testing.assert_allclose(np.linalg.norm(gaps, axis=-1), radius, rtol=1e-14)
        assert_uniform(np.arctan2(*gaps.T), -np.pi, np.pi)


@pytest.mark.parametrize("family", ["HopperRandParamsEnv", "Walker2DRandParamsEnv"])
@pytest.mark.parametrize("limit", [3.0, 1.5])
def test_body_parameters_are_log_uniform_multiples(family, limit):
    env = load_class(FAMILIES[family])(log_scale_limit=limit)
    nominal = env.default_task()
    tasks = env.sample_tasks(300, np.random.default_rng(0))
    assert list(nominal) == ["body_mass", "body_inertia", "dof_damping", "geom_friction"]
    for name, base in (("body_mass", 1.5), ("body_inertia", 1.5), ("dof_damping", 1.3), ("geom_friction", 1.5)):
        values = np.array([task[name] for task in tasks])
        moved = nominal[name] > 0  # the world weighs nothing, and the root's joints have no damping
        logs = np.log(values[:, moved] / nominal[name][moved]) / np.log(base)
        assert_uniform(logs, -limit, limit)
        assert not values[:, ~moved].any()
        assert np.abs(np.corrcoef(logs, rowvar=False) - np.eye(logs.shape[1])).max() < 0.25  # independent


def test_body_parameters_reach_the_simulation_and_derived_constants_stay():
    env = load_class(FAMILIES["HopperRandParamsEnv"])(num_envs=2)
    heavy = env.default_task()
    heavy["body_mass"] = 3 * heavy["body_mass"]
    env.set_tasks([env.default_task(), heavy])
    np.testing.assert_array_equal(env.sims.model_field("body_mass")[1], 3 * env.model.body_mass)
    np.testing.assert_array_equal(env.model.body_mass, env.default_task()["body_mass"])
    qpos = env.model.qpos0 + np.eye(6)[1]  # in the air
    env.sims.set_state(np.tile(qpos, (2, 1)), np.zeros((2, 6)))
    env.step_envs(np.array([[0.0, 0, 1]] * 2))
    turned = env.sims.qvel[:, 5]
    assert abs(turned[1]) < abs(turned[0])


RESETS = [  # family, distribution of qpos - qpos0, its parameter, distribution of qvel, its parameter
    ("HalfCheetahRandDirecEnv", 0.1, assert_normal, 0.1),
    ("HalfCheetahRandVelEnv", 0.1, assert_normal, 0.1),
    ("AntRandDirecEnv", 0.1, assert_normal, 0.1),
    ("AntRandGoalEnv", 0.1, assert_normal, 0.1),
    ("Walker2DRandDirecEnv", 0.005, assert_uniform, 0.005),
    ("Walker2DRandParamsEnv", 0.005, assert_uniform, 0.005),
    ("HopperRandParamsEnv", 0.005, assert_uniform, 0.005),
    ("HumanoidRandDirec2DEnv", 0.01, assert_uniform, 0.01),
    ("SwimmerRandVelEnv", 0.1, assert_uniform, 0.1),
]


@pytest.mark.parametrize(("family", "limit", "distribution", "scale"), RESETS)
def test_resets_add_noise_to_the_rest_state(family, limit, distribution, scale):
    env = load_class(FAMILIES[family])(num_envs=300)
    env.reset_envs(np.random.default_rng(0))
    assert_uniform(env.sims.qpos - env.model.qpos0, -limit, limit)
    distribution(env.sims.qvel, *((scale,) if distribution is assert_normal else (-scale, scale)))


POINT_RESETS = [
    ("MetaPointEnvCorner", (0.2, 0.2)),
    ("MetaPointEnvWalls", (0.2, 0.2)),
    ("MetaPointEnvMomentum", (0.2, 0.2, 0.1, 0.1)),
    ("MetaPointEnv1D", (2.0,)),
]


@pytest.mark.parametrize(("family", "limits"), POINT_RESETS)
def test_points_start_anywhere_around_the_origin(family, limits):
    states = load_class(FAMILIES[family])(num_envs=N).reset_envs(np.random.default_rng(0))
    for column, limit in zip(states.T, limits, strict=True):
        assert_uniform(column, -limit, limit)


def test_the_point_with_a_goal_anywhere_starts_at_the_origin():
    assert not load_class(FAMILIES["MetaPointEnv"])(num_envs=5).reset_envs(np.random.default_rng(0)).any()
