"""Rewards and terminations by hand arithmetic, where there is no recording of the original's."""

import numpy as np
import pytest

from meta_policy_search.envs import FAMILIES, load_class
from meta_policy_search.envs.mujoco_envs.engine import State
from meta_policy_search.types import Trajectories


def make(family, num_envs=1, **options):
    return load_class(FAMILIES[family])(num_envs=num_envs, **options)


def test_half_cheetah_at_a_goal_velocity():
    env = make("HalfCheetahRandVelEnv")
    env.set_task(1.2)
    reward, infos = env.reward(np.array([0.3]), State(qpos=np.array([[0.4] + [0] * 8])), np.full((1, 6), 0.5))
    assert reward == pytest.approx(-abs(0.1 / 0.05 - 1.2) - 0.05 * 6 * 0.25)
    assert {name: value[0] for name, value in infos.items()} == pytest.approx(
        {"forward_vel": 2.0, "reward_run": -0.8, "reward_ctrl": -0.075}
    )


def test_walker_at_a_goal_velocity():
    env = make("Walker2DRandVelEnv")
    env.set_task(4.0)
    reward, infos = env.reward(np.array([0.0]), State(qpos=np.array([[0.016] + [0] * 8])), np.full((1, 6), -1.0))
    assert reward == pytest.approx(-3 + 15 - 0.006)
    assert infos == {}


def test_ant_to_a_goal():
    env = make("AntRandGoalEnv")
    env.set_task(np.array([1.0, -2.0]))
    xpos, forces = np.zeros((1, 14, 3)), np.zeros((1, 14, 6))
    xpos[0, 1] = 0.5, 0.5, 0.7
    forces[0, 3] = 0.5, -7, 0, 0, 0, 20
    after = State(qpos=np.zeros((1, 15)), qvel=np.zeros((1, 14)), xpos=xpos, cfrc_ext=forces)
    reward, infos = env.reward(np.zeros((1, 2)), after, np.full((1, 8), 0.5))
    assert infos["reward_forward"] == pytest.approx(-3.0)
    assert infos["reward_ctrl"] == pytest.approx(-0.2)
    assert infos["reward_contact"] == pytest.approx(-0.0005 * 2.25)
    assert reward == pytest.approx(-3.2 - 0.001125)
    assert not env.terminated(State(qpos=np.full((1, 15), 9.0))).any()


@pytest.mark.parametrize("family", ["HopperRandParamsEnv", "Walker2DRandParamsEnv"])
def test_robots_with_unknown_bodies_run_forward(family):
    env = make(family)
    actions = np.full((1, env.model.nu), 2.0)
    reward, _ = env.reward(np.array([1.0]), State(qpos=np.full((1, env.model.nq), 1.032)), actions)
    assert reward == pytest.approx(0.032 / 0.016 + 1 - 0.004 * env.model.nu)


def hopper(**changes):
    state = {"height": 1.25, "pitch": 0.0, "knee": 0.0, "spin": 0.0} | changes
    return State(
        qpos=np.array([[500.0, state["height"], state["pitch"], 0, state["knee"], 0]]),
        qvel=np.array([[0, 0, state["spin"], 0, 0, 0]]),
    )


@pytest.mark.parametrize(
    ("changes", "ends"),
    [
        ({}, False),
        ({"height": 0.7}, True),
        ({"height": 0.71}, False),
        ({"pitch": 0.2}, True),
        ({"pitch": -0.19}, False),
        ({"knee": -100.0}, True),
        ({"spin": 99.0}, False),
        ({"spin": 100.0}, True),
        ({"spin": np.nan}, True),
    ],
)
def test_hopper_ends_when_it_falls(changes, ends):
    assert make("HopperRandParamsEnv").terminated(hopper(**changes)) == [ends]


@pytest.mark.parametrize(("height", "ends"), [(-0.01, True), (0.0, False), (1.0, False), (1.01, True), (np.inf, True)])
def test_ant_ends_outside_its_heights(height, ends):
    state = State(qpos=np.array([[0, 0, height] + [0] * 12]), qvel=np.zeros((1, 14)))
    assert make("AntRandDirecEnv").terminated(state) == make("AntRandDirec2DEnv").terminated(state) == [ends]


@pytest.mark.parametrize(("height", "ends"), [(0.99, True), (1.0, False), (2.0, False), (2.01, True)])
def test_humanoid_ends_outside_its_heights(height, ends):
    assert make("HumanoidRandDirecEnv").terminated(State(qpos=np.array([[0, 0, height]]))) == [ends]


@pytest.mark.parametrize(
    ("height", "pitch", "ends"),
    [(1.25, 0, False), (0.8, 0, True), (2.0, 0, True), (1.25, 1.0, True), (1.25, -1.0, True), (0.81, -0.99, False)],
)
def test_walker_ends_when_it_falls(height, pitch, ends):
    state = State(qpos=np.array([[0, height, pitch] + [0] * 6]))
    assert make("Walker2DRandVelEnv").terminated(state) == make("Walker2DRandParamsEnv").terminated(state) == [ends]


def test_the_point_ends_near_its_goal_and_not_near_the_origin():
    env = make("MetaPointEnv", 3)
    env.set_tasks(np.array([[1.0, 1.0]] * 3))
    env.states[:] = [[0.95, 1.0], [0.0, 0.0], [0.95, 0.95]]
    step = env.step_envs(np.array([[0.055, 0.005], [0.0, 0.0], [0.03, 5.0]]))
    np.testing.assert_array_equal(step.terminated, [True, False, False])
    np.testing.assert_allclose(step.observations, [[1.005, 1.005], [0, 0], [0.98, 1.05]])
    np.testing.assert_allclose(step.rewards, [-np.hypot(0.005, 0.005), -np.sqrt(2), -np.hypot(0.02, 0.05)])
    sparse = make("MetaPointEnv", reward_type="sparse")
    sparse.set_task(np.array([0.1, 0.0]))
    assert sparse.step_envs(np.array([[0.1, 0.0]])).rewards == [1.0]


def test_walls_stop_points_on_their_way_out_except_at_the_gap():
    env = make("MetaPointEnvWalls", 4, reward_type="sparse")
    task = {"goal": np.array([2.0, 2.0]), "gap_1": np.array([1.0, 0.0]), "gap_2": np.array([0.0, 2.0])}
    env.set_tasks([task] * 4)
    env.states[:] = [[-0.9, 0.0], [0.9, 0.0], [1.9, 0.0], [-1.1, 0.0]]
    step = env.step_envs(np.array([[-0.2, 0.0], [0.2, 0.0], [0.2, 0.0], [0.2, 0.0]]))
    np.testing.assert_allclose(step.observations, [[-1, 0], [1.1, 0], [2, 0], [-0.9, 0]], atol=3e-6)
    assert np.linalg.norm(step.observations[0]) < 1
    assert np.linalg.norm(step.observations[2]) < 2
    np.testing.assert_allclose(step.rewards, [0, 0, 0, 0])  # farther than 2 m from the goal
    env.states[:] = [[1.0, 1.5]] * 4
    step = env.step_envs(np.full((4, 2), 0.1))
    np.testing.assert_allclose(step.rewards, np.hypot(1, 0.5) - np.hypot(0.9, 0.4))


def test_the_environment_of_the_poster():
    env = make("MetaPointEnv1D", 3)
    env.set_tasks([1.0, -1.0, 1.0])
    step = env.step_envs(np.array([[1.0], [0.5], [5.0]]))
    np.testing.assert_allclose(step.observations, [[1.0], [0.5], [2.0]])
    np.testing.assert_allclose(step.rewards, np.exp([0.0, -0.1 * 1.5**2, -0.1]))


def test_unknown_reward_types_are_rejected():
    with pytest.raises(ValueError, match="'dense', 'dense_squared', 'sparse'"):
        make("MetaPointEnv", reward_type="dense_cubed")


def trajectories(**env_infos):
    """One row of two episodes (steps 0-1 and 2-3) and a step of an unfinished one."""
    start, mask = np.array([[[0, 0, 2, 2, 4]]]), np.array([[[True, True, True, True, False]]])
    empty = np.zeros((1, 1, 5, 1))
    infos = {name: np.array([[values]]) for name, values in env_infos.items()}
    return Trajectories(empty, empty, empty[..., 0], start, mask, {}, infos)


def test_diagnostics_of_the_half_cheetah():
    velocities, control = [1.0, 2.0, 3.0, 6.0, 99.0], [-1.0, -2.0, -3.0, -2.0, -99.0]
    expected = {"AvgForwardVel": 3.0, "AvgFinalForwardVel": 4.0, "AvgCtrlCost": 2.0}
    assert make("HalfCheetahRandDirecEnv").diagnostics(trajectories(reward_run=velocities, reward_ctrl=control)) == expected
    recorded = trajectories(forward_vel=velocities, reward_run=control, reward_ctrl=control)
    assert make("HalfCheetahRandVelEnv").diagnostics(recorded) == expected


def test_diagnostics_of_the_ant():
    recorded = trajectories(reward_forward=[1.0, 2.0, 3.0, 6.0, 99.0], reward_ctrl=[-1.0, -2.0, -3.0, -2.0, -99.0])
    assert make("AntRandDirec2DEnv").diagnostics(recorded) == {
        "AverageForwardReturn": 3.0,
        "MaxForwardReturn": 4.5,
        "MinForwardReturn": 1.5,
        "StdForwardReturn": 1.5,
        "AverageCtrlCost": 2.0,
    }
