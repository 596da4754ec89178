"""What passes between sampler, processor, algorithm and optimiser.

Shape alphabet: N tasks in the meta-batch, R rollout rows (environments) per task, T lock-step time steps per row,
O / A observation / action size, K inner (adaptation) steps. Observations with axes of their own, such as images, have them
in place of O.

A row holds whole episodes one after the other: an episode that ends early is followed by the next one in the same row.
`start` tells the episodes apart, and steps of an episode that the sampler did not finish carry mask 0.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

# Policy parameters by name; adapted parameters have a leading task axis [N, ...].
Params = Mapping[str, tf.Tensor]
ArrayParams = Mapping[str, np.ndarray]


class Trajectories(NamedTuple):
    """One sampling round, as numpy arrays: sampler -> processor."""

    observations: np.ndarray  # [N, R, T, O] in the policy's type, what the action was computed from
    actions: np.ndarray  # [N, R, T, A] float32, before the scaling to the environment's range ([N, R, T] int if discrete)
    rewards: np.ndarray  # [N, R, T] float64
    start: np.ndarray  # [N, R, T] int32, index of the first step of this step's episode
    mask: np.ndarray  # [N, R, T] bool, False for the steps of unfinished episodes
    agent_infos: dict[str, np.ndarray]  # [N, R, T, A] each: parameters of the distribution that acted
    env_infos: dict[str, np.ndarray]  # [N, R, T] each: parts of the reward


HESSIAN_BASELINES = "hessian_baselines"  # in Samples.extras, [N, R, T]: what adjusted rewards to go are expected to be


class Samples(NamedTuple):
    """A processed sampling round: processor -> algorithm.

    `weights` says how each step counts in its task's mean, so that every objective is a weighted sum: 1 / (steps of the
    task) for the standard processor, 1 / (episodes of the task * max_path_length) for DiCE, 0 under the mask.

    `extras` are for an algorithm with a processor of its own, such as weights of the tasks. They have the task axis first,
    so minibatches have their tasks' part of them.
    """

    observations: np.ndarray  # [N, R, T, O]
    actions: np.ndarray  # [N, R, T, A] ([N, R, T] int if discrete)
    start: np.ndarray  # [N, R, T] int32
    weights: np.ndarray  # [N, R, T]
    agent_infos: dict[str, np.ndarray]  # [N, R, T, A] each
    adj_avg_rewards: np.ndarray  # [N] mean normalised step reward of each task (E-MAML's credit)
    advantages: np.ndarray  # [N, R, T] 0 under the mask; NaN if the processor doesn't provide it
    adjusted_rewards: np.ndarray  # [N, R, T] discounted reward minus its baseline (DiCE), 0 under the mask; likewise
    extras: dict[str, np.ndarray] = {}  # noqa: RUF012, never changed; [N, ...] each: what else a processor has to offer


class MetaLoss(NamedTuple):
    """algorithm -> optimiser and log."""

    loss: tf.Tensor  # [] what the meta-optimiser minimises
    inner_kl: tf.Tensor  # [K] mean KL(pi_old^k || pi_theta^k) over tasks and steps
    outer_kl: tf.Tensor  # [] mean KL(pi_old^K || pi_theta^K) over tasks and steps

    def inner_kl_metrics(self) -> dict[str, float]:
        """KLInner, the mean over the K inner steps; nothing where there are none."""
        return {"KLInner": float(tf.reduce_mean(self.inner_kl))} if self.inner_kl.shape[0] else {}
