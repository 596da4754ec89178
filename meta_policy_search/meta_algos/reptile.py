"""Reptile (Nichol et al. 2018): theta moves towards the adapted parameters; no derivative of the adaptation."""

from collections.abc import Sequence
from typing import Unpack

import tensorflow as tf
from typing_extensions import override

from meta_policy_search.meta_algos.base import first_order_metrics
from meta_policy_search.meta_algos.vpg_maml import VPGMAML, VPGSettings
from meta_policy_search.policies.base import MetaPolicy
from meta_policy_search.types import MetaLoss, Samples


class Reptile(VPGMAML):
    """One step of Adam along theta - mean_i theta_i^(K+1), for K + 1 inner steps on the batches 0..K (algorithm 2).

    With K = 0 it is Adam on the policy gradient of all tasks. `LossBefore` and `LossAfter` are of the log-likelihood after K
    steps; Reptile itself minimises no loss. Settings of `VPGMAML`, without learned step sizes: there is no gradient of them.
    """

    def __init__(self, policy: MetaPolicy, **settings: Unpack[VPGSettings]):
        super().__init__(policy, **settings)
        if self.exploration or self.inner.trainable_inner_step_size:
            raise ValueError("Reptile has neither exploration nor trainable_inner_step_size")

    @override
    def optimize_policy(self, batches: Sequence[Samples]) -> dict[str, float]:
        return first_order_metrics(*self.optimizer.optimize(self.direction, self.meta_loss, batches))

    def direction(self, batches: Sequence[Samples]) -> tuple[MetaLoss, dict[str, tf.Tensor]]:
        """The meta-loss, and theta - mean_i theta_i^(K+1)."""
        params = self.policy.stacked_theta(batches[0].observations.shape[0])
        for step, samples in enumerate(batches):
            params = self.adapt(params, samples, step)
        towards = {name: value - tf.reduce_mean(params[name], axis=0) for name, value in self.theta.items()}
        return self.meta_loss(batches), towards
