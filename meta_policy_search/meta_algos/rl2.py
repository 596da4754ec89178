"""RL2: the policy's memory adapts, and plain policy search trains it (Duan et al. 2016; Wang et al. 2016)."""

from typing import TypedDict, Unpack

import keras
import tensorflow as tf

from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.optimizers.maml_first_order_optimizer import LearningRateSchedule
from meta_policy_search.policies.base import MetaPolicy


class PPOSettings(TypedDict, total=False):
    """Settings of `ProMP` by name that plain policy search has too."""

    learning_rate: float | LearningRateSchedule
    optimizer: keras.optimizers.Optimizer | None
    clip_eps: float
    anneal_factor: float
    num_minibatches: int


class RL2(ProMP):
    """PPO on whole trials: E_t[ min( w_t A_t, clip(w_t, 1 - eps, 1 + eps) A_t ) ], w_t = pi(a_t | s_0 .. s_t) / pi_old.

    A trial is a row of a sampling round: episodes of one task one after the other, through which the policy keeps its state.
    Its gradient goes through time from the row's last step to its first. Needs a `PreviousStepEnv`, without which the memory
    knows nothing of rewards, and the advantages of a `TrialSampleProcessor`. The paper of Duan et al. uses TRPO.

    Args:
      policy: has a memory.
      learning_rate, optimizer, clip_eps: see `ProMP`.
      num_ppo_steps: steps of Adam on each batch.

    Raises:
      ValueError: the policy has no memory.
    """

    def __init__(self, policy: MetaPolicy, *, num_ppo_steps: int = 5, **settings: Unpack[PPOSettings]):
        if not tf.nest.flatten(policy.initial_state((1, 1))):
            raise ValueError(f"RL2 adapts by the policy's memory, and {type(policy).__name__} has none")
        super().__init__(
            policy,
            num_promp_steps=num_ppo_steps,
            num_inner_grad_steps=0,
            adaptive_inner_kl_penalty=False,
            **settings,
        )
