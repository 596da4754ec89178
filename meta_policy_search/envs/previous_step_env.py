"""Environments that show the last action and reward: what a policy with a memory finds out its task by (RL2)."""

import numpy as np
from gymnasium.spaces import Box, Discrete
from typing_extensions import override

from meta_policy_search.envs.base import BatchStep, Info, RowGenerator, Tasks
from meta_policy_search.envs.wrapped_env import WrappedEnv


class PreviousStepEnv(WrappedEnv):
    """M environments whose observation ends with what happened before it, [O] -> [O + A + 2] (Duan et al. 2016).

    | observation | quantity |
    |---|---|
    | O .. O + A - 1 | last action as a share of its range, [-1, 1]; one of n where actions are discrete |
    | O + A | last reward |
    | O + A + 1 | 1 where an episode has ended and this observation begins the next one, otherwise 0 |

    All are 0 where a sampling round begins (`reset_envs` of all environments), and go on where single episodes end.
    gymnasium's `reset` begins anew; with options={"trial_goes_on": True} it begins a next episode.
    Arguments of `WrappedEnv`.
    """

    @override
    def extra(self, envs: np.ndarray) -> np.ndarray:
        return self._previous[envs]

    @override
    def reset_envs(self, rng: RowGenerator, envs: np.ndarray | None = None) -> np.ndarray:
        if envs is None:
            self._previous[:] = 0.0
        else:
            self._previous[envs, -1] = 1.0
        return super().reset_envs(rng, envs)

    @override
    def reset(self, *, seed: int | None = None, options: dict[str, object] | None = None) -> tuple[np.ndarray, Info]:
        kept = self._previous.copy()
        observation, infos = super().reset(seed=seed)
        if options and options.get("trial_goes_on"):
            self._previous[:], self._previous[:, -1] = kept, 1.0
            observation[-self.extra_size :] = self.extra(np.arange(1))[0]
        return observation, infos

    @override
    def set_tasks(self, tasks: Tasks) -> None:
        super().set_tasks(tasks)
        space = self.action_space
        size = int(space.n) if isinstance(space, Discrete) else space.shape[0]
        self._previous = np.zeros((self.num_envs, size + 2))

    @override
    def step_envs(self, actions: np.ndarray) -> BatchStep:
        self._previous[:, :-2] = _shares(actions, self.action_space)
        self._previous[:, -1] = 0.0
        step = self.env.step_envs(actions)
        self._previous[:, -2] = step.rewards
        return self.with_extra(step)


def _shares(actions: np.ndarray, space: Box | Discrete) -> np.ndarray:
    """Actions [M, A] from -1 at the lower to 1 at the upper bound; discrete ones [M] as one of n, [M, n]."""
    if isinstance(space, Discrete):
        return np.eye(int(space.n))[np.asarray(actions, int) - int(space.start)]
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    return 2 * (np.clip(actions, low, high) - low) / (high - low) - 1
