"""SG-MRL (Fallah et al. 2020): MAML-VPG without the bias of an adaptation on sampled trajectories."""

from collections.abc import Sequence
from typing import Unpack

import tensorflow as tf
from typing_extensions import override

from meta_policy_search.meta_algos.objectives import exploration_loss
from meta_policy_search.meta_algos.vpg_maml import VPGMAML, VPGSettings
from meta_policy_search.policies.base import Distribution, MetaPolicy
from meta_policy_search.types import Samples


class SGMRL(VPGMAML):
    """maximise E_t[ log pi_theta'(a_t | s_t) A_t ] + R'_i sum_k sum_n log pi_theta^k(tau^k_n), by one step of Adam.

    The second term is the derivative of the distribution of the pre-update trajectories (arXiv 2002.05135, for K = 1):
    the log-likelihood of all their steps, summed and not averaged as in E-MAML, for all inner steps. R'_i is the mean step
    reward after adaptation, normalised over all tasks, which has a baseline; the paper takes the return.

    Args:
      policy: holds theta.
      settings: of `VPGMAML`, without exploration; inner_type is the paper's "log_likelihood" by default.
    """

    def __init__(self, policy: MetaPolicy, **settings: Unpack[VPGSettings]):
        own: VPGSettings = {"inner_type": "log_likelihood", **settings}
        super().__init__(policy, **own)
        self.inner.require_steps("SG-MRL credits the behaviour before adaptation")
        if self.exploration:
            raise ValueError("SG-MRL has a credit for exploration of its own; exploration must be False")

    @override
    def outer_loss(self, distributions: Sequence[Distribution], batches: Sequence[Samples]) -> tf.Tensor:
        loss = super().outer_loss(distributions, batches)
        for before, samples in zip(distributions[:-1], batches[:-1], strict=True):
            each_step = tf.cast(samples.weights > 0, samples.weights.dtype)
            loss += exploration_loss(self.log_prob(before, samples), each_step, batches[-1].adj_avg_rewards)
        return loss
