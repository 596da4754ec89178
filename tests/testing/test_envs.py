"""The check passes every family of the package, and says of a wrong one what is wrong."""

import functools

import numpy as np
import pytest

from meta_policy_search.envs import FAMILIES, load_class
from meta_policy_search.envs.gymnasium_vector_env import GymnasiumVectorEnv
from meta_policy_search.envs.point_envs.point_env_2d import MetaPointEnv
from meta_policy_search.testing import check_env


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_of_the_package_passes(family):
    check_env(load_class(FAMILIES[family]))


class SinglePoint(MetaPointEnv):
    """A family as a single environment, in the wrapper for those."""

    def sample_tasks(self, n_tasks, rng=None):
        return list(super().sample_tasks(n_tasks, rng))


def test_a_wrapped_environment_passes():
    check_env(functools.partial(GymnasiumVectorEnv, make=SinglePoint, parallel=False))


class Few(MetaPointEnv):
    def draw_tasks(self, n_tasks, rng):
        return super().draw_tasks(n_tasks - 1, rng)


class Unseeded(MetaPointEnv):
    def draw_tasks(self, n_tasks, rng):
        return np.random.default_rng().normal(size=(n_tasks, 2))


class AnyNumberOfTasks(MetaPointEnv):
    def set_tasks(self, tasks):
        super().set_tasks((list(tasks) * self.num_envs)[: self.num_envs])


class Flat(MetaPointEnv):
    def reset_envs(self, rng, envs=None):
        return super().reset_envs(rng, envs)[:, 0]


class Broken(MetaPointEnv):
    def step_envs(self, actions):
        after = super().step_envs(actions)
        return after._replace(rewards=np.full_like(after.rewards, np.nan))


class Numbers(MetaPointEnv):
    def step_envs(self, actions):
        after = super().step_envs(actions)
        return after._replace(terminated=after.terminated.astype(int))


class Column(MetaPointEnv):
    def step_envs(self, actions):
        after = super().step_envs(actions)
        return after._replace(rewards=after.rewards[:, np.newaxis])


class Noisy(MetaPointEnv):
    def step_envs(self, actions):
        return super().step_envs(actions + np.random.default_rng().normal(size=actions.shape))


class Remembering(MetaPointEnv):
    drift = 0.0

    def step_envs(self, actions):
        self.drift += 0.01
        after = super().step_envs(actions)
        return after._replace(rewards=after.rewards + self.drift)


class Crowded(MetaPointEnv):
    def step_envs(self, actions):
        after = super().step_envs(actions)
        return after._replace(rewards=after.rewards - after.rewards.mean())


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (Few, "Few was asked for 3 tasks and drew 2"),
        (Unseeded, "Unseeded draws other tasks from the same generator"),
        (AnyNumberOfTasks, "AnyNumberOfTasks takes 2 tasks for 3 environments without a ValueError"),
        (Flat, r"reset_envs of Flat returns observations of the shape \[3\], not \[3, 2\]"),
        (Broken, "step_envs of Broken returns rewards that are not finite"),
        (Numbers, "step_envs of Numbers returns terminated that is not bool"),
        (Column, r"step_envs of Column returns rewards of the shape \[3, 1\], not \[3\]"),
        (Noisy, "Noisy does other things with the same tasks, actions and random numbers"),
        (Remembering, "Remembering remembers the episode before"),
        (Crowded, "environment 0 of a batch of Crowded is not the same as one alone"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(family, message):
    with pytest.raises(AssertionError, match=message):
        check_env(family)
