"""The batch engine and what it promises."""

import mujoco
import numpy as np
import pytest

from meta_policy_search.envs import FAMILIES, load_class
from meta_policy_search.envs.base import SimulationError

MUJOCO_FAMILIES = [name for name, where in FAMILIES.items() if "mujoco_envs" in where]


def rolled_out(env, seed, tasks, steps=8):
    """Everything that `steps` steps from a seeded reset return, with a reset of two environments in between."""
    rng = np.random.default_rng(seed)
    env.set_tasks(tasks)
    results = [env.reset_envs(rng)]
    for t in range(steps):
        actions = rng.uniform(env.action_space.low, env.action_space.high, (env.num_envs, *env.action_space.shape))
        step = env.step_envs(actions)
        results += [step.observations, step.rewards, step.terminated, *step.infos.values()]
        if t == steps // 2:
            results.append(env.reset_envs(rng, np.array([0, 3])))
    return results


@pytest.mark.parametrize("family", MUJOCO_FAMILIES)
def test_results_do_not_depend_on_the_number_of_threads(family):
    cls = load_class(FAMILIES[family])
    tasks = cls().sample_tasks(6, np.random.default_rng(0))
    one, two = (rolled_out(cls(num_envs=6, num_threads=threads), 1, tasks) for threads in (1, 2))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("family", MUJOCO_FAMILIES)
def test_a_batch_is_its_single_environments_bit_for_bit(family):
    num_envs, steps, rng = 3, 6, np.random.default_rng(0)
    batch = load_class(FAMILIES[family])(num_envs=num_envs)
    tasks = batch.sample_tasks(num_envs, rng)
    batch.set_tasks(tasks)
    qpos, qvel = batch.reset_noise(rng, num_envs)
    batch.sims.set_state(batch.model.qpos0 + qpos, qvel)
    actions = rng.uniform(-1, 1, (steps, num_envs, *batch.action_space.shape))
    together = [batch.step_envs(a) for a in actions]
    for i in range(num_envs):
        single = batch.batch(1)
        single.set_task(tasks[i])
        single.sims.set_state(single.model.qpos0 + qpos[i], qvel[i])
        for t in range(steps):
            observation, reward, terminated, _, infos = single.step(actions[t, i])
            np.testing.assert_array_equal(observation, together[t].observations[i])
            assert (reward, terminated) == (together[t].rewards[i], together[t].terminated[i])
            assert infos == {name: values[i] for name, values in together[t].infos.items()}


def test_a_reset_of_some_environments_leaves_the_others():
    env = load_class(FAMILIES["AntRandDirec2DEnv"])(num_envs=4)
    rng = np.random.default_rng(0)
    env.reset_envs(rng)
    env.step_envs(np.zeros((4, 8)))
    before = env.observation(env.sims.state())
    observations = env.reset_envs(rng, np.array([0, 2]))
    after = env.observation(env.sims.state())
    np.testing.assert_array_equal(after[[1, 3]], before[[1, 3]])
    np.testing.assert_array_equal(after[[0, 2]], observations)
    assert (np.abs(after[[0, 2]] - before[[0, 2]]).max(axis=-1) > 0).all()


def test_a_simulation_without_a_future_is_named():
    env = load_class(FAMILIES["HalfCheetahRandDirecEnv"])(num_envs=3)
    env.reset_envs(np.random.default_rng(0))
    env.sims.qvel[1] = np.nan
    with pytest.raises(SimulationError, match="velocity") as failure:
        env.step_envs(np.zeros((3, 6)))
    assert failure.value.envs == [1]
    env.reset_envs(np.random.default_rng(0))
    env.step_envs(np.zeros((3, 6)))


@pytest.mark.parametrize("family", ["AntRandDirecEnv", "HumanoidRandDirecEnv"])
def test_contact_forces_are_those_of_the_first_stage_of_the_last_substep(family):
    env = load_class(FAMILIES[family])()
    env.reset(seed=0)
    env.sims.qpos[0, 2] -= 0.7  # into the floor
    data = mujoco.MjData(env.model)
    data.qpos[:], data.qvel[:] = env.sims.qpos[0], env.sims.qvel[0]
    for substep in range(env.frame_skip):
        if substep == env.frame_skip - 1:
            last = mujoco.MjData(env.model)
            mujoco.mj_copyData(last, env.model, data)
        mujoco.mj_step(env.model, data)
    env.sims.set_warmstart(0.0)
    env.sims.step(np.zeros((1, env.model.nu)), env.frame_skip)
    mujoco.mj_forward(env.model, last)
    mujoco.mj_rnePostConstraint(env.model, last)
    forces = env.sims.state().cfrc_ext[0]
    np.testing.assert_array_equal(forces, last.cfrc_ext)
    assert np.abs(forces).max() > 1
    assert not forces[0].any()


def test_contact_forces_are_there_after_a_reset():
    env = load_class(FAMILIES["AntRandDirecEnv"])()
    env.model.qpos0[2] = 0.3  # in the floor
    assert np.abs(env.reset(seed=0)[0][-84:]).max() > 0
