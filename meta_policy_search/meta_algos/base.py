"""What all algorithms of the family share: the adaptation, unrolled once, and its derivative."""

import abc
import dataclasses
from collections.abc import Sequence
from typing import Unpack

import numpy as np
import tensorflow as tf

from meta_policy_search.meta_algos.inner_loop import STEP_SIZE_SCOPE, InnerLoop, InnerLoopFields
from meta_policy_search.meta_algos.objectives import mean_kl, sampled_kl
from meta_policy_search.policies.base import Distribution, MetaPolicy, stack_params
from meta_policy_search.types import MetaLoss, Params, Samples
from meta_policy_search.utils.compiled import compiled, each_task, mean_over_tasks

DEFAULT_INNER_LOOP = InnerLoop()


class MAMLAlgo(tf.Module, abc.ABC):
    """theta_i^(k+1) = theta_i^k - alpha grad L_inner(theta_i^k; D_i^k), k < K; minimises mean_i L_outer(theta_i^K).

    An algorithm says what `inner_loss` and `outer_loss` are and how it optimises. All tasks are adapted at once: the
    gradient of the sum of the tasks' losses with respect to parameters stacked along the task axis is the stack of the
    tasks' gradients.

    A variant of the adaptation overrides `step_size` or `inner_update`.

    Args:
      policy: holds theta.
      inner: the settings of the adaptation.
      settings: fields of `InnerLoop` by name, in place of those of `inner`.
    """

    def __init__(self, policy: MetaPolicy, *, inner: InnerLoop = DEFAULT_INNER_LOOP, **settings: Unpack[InnerLoopFields]):
        super().__init__()
        self.policy = policy
        self.inner = dataclasses.replace(inner, **settings)
        self.inner.require_names(list(policy.theta))
        self.theta = self.inner.theta(policy.theta)  # all that the meta-optimiser moves

    @property
    def inner_lr(self) -> float:
        """alpha; where it is learned, what it began with."""
        return self.inner.inner_lr

    @inner_lr.setter
    def inner_lr(self, value: float) -> None:
        self.inner = dataclasses.replace(self.inner, inner_lr=value)

    @property
    def num_inner_grad_steps(self) -> int:
        """K."""
        return self.inner.num_inner_grad_steps

    @property
    def reads(self) -> tuple[str, ...]:
        """Fields of `Samples` that not every processor fills, and that the losses can't do without."""
        return ("advantages",)

    @abc.abstractmethod
    def inner_loss(self, distribution: Distribution, samples: Samples) -> tf.Tensor:
        """L_inner of each task [N], under the policy that `distribution` is on the samples' observations."""

    @abc.abstractmethod
    def outer_loss(self, distributions: Sequence[Distribution], batches: Sequence[Samples]) -> tf.Tensor:
        """L_outer of each task [N]; distributions[k] is the policy after k steps, on the observations of batch k.

        A task's loss depends on this task alone: the tasks are computed in slices, and N is their number in one slice.
        """

    @abc.abstractmethod
    def optimize_policy(self, batches: Sequence[Samples]) -> dict[str, float]:
        """Moves theta on the batches of the steps 0..K and returns the metrics of it."""

    def penalty(self, inner_kl: tf.Tensor) -> tf.Tensor:
        """What the meta-loss adds for the KL [K] of the pre-update policies. Nothing, unless the algorithm says so.

        Any differentiable function of the means over all tasks; it is applied to them, never to those of a part.
        """
        return tf.zeros([], inner_kl.dtype)

    def adapt(self, params: Params, samples: Samples, step: int = 0) -> dict[str, tf.Tensor]:
        """One inner step of all tasks: parameters [N, ...] and the samples drawn with them -> adapted ones [N, ...].

        Args:
          step: its number k, which counts only where each step has a learned step size of its own.
        """
        return self._adapt(params, samples, np.full(samples.weights.shape[0], step, np.int32))

    @compiled(join=each_task)
    def _adapt(self, params: Params, samples: Samples, steps: tf.Tensor) -> dict[str, tf.Tensor]:
        adapted, _ = self._inner_step(params, samples, self.inner.at_step(self.theta, steps[0]))
        return adapted

    def meta_loss(self, batches: Sequence[Samples]) -> MetaLoss:
        """The meta-loss at theta, recomputed through all inner steps from the data of the steps 0..K."""
        means = self._means(batches)
        penalty, _ = self._penalty_and_slope(means.inner_kl)
        return means._replace(loss=means.loss + penalty)

    def meta_gradient(self, batches: Sequence[Samples]) -> tuple[MetaLoss, dict[str, tf.Tensor]]:
        """The meta-loss and its gradient with respect to theta, through all inner steps (second order).

        The penalty's part is the gradient of slope . KL, with the slope [K] at the means over all tasks. A slope that
        doesn't depend on the KL, such as ProMP's, is known before; for any other one it takes a second pass.
        """
        penalty, slope = self._penalty_and_slope(tf.zeros([self.num_inner_grad_steps], self.policy.dtype))
        means, gradient = self._means_and_gradient(batches, *slope)
        if slope:  # the penalty depends on the KL
            penalty, slope_there = self._penalty_and_slope(means.inner_kl)
            if not np.array_equal(slope_there, slope, equal_nan=True):
                means, gradient = self._means_and_gradient(batches, *slope_there)
        return means._replace(loss=means.loss + penalty), gradient

    def meta_loss_at(self, theta: Params, batches: Sequence[Samples]) -> MetaLoss:
        """The meta-loss as a pure function of theta."""
        means = self._means_at(theta, batches)
        return means._replace(loss=means.loss + self.penalty(means.inner_kl))

    def _means_at(self, theta: Params, batches: Sequence[Samples]) -> MetaLoss:
        """The meta-loss without its penalty: all that is a mean over tasks."""
        distributions = self.unroll(theta, batches)
        old = [self.policy.behaviour_distribution(samples.agent_infos) for samples in batches]
        kl = [self.kl(*policies) for policies in zip(old, distributions, batches, strict=True)]
        inner_kl = tf.stack(kl[:-1]) if kl[:-1] else tf.zeros([0], kl[-1].dtype)
        losses = _per_task(self.outer_loss(distributions, batches), batches[-1])
        return MetaLoss(tf.reduce_mean(losses), inner_kl, outer_kl=kl[-1])

    @compiled(join=mean_over_tasks)
    def _means(self, batches: Sequence[Samples]) -> MetaLoss:
        return self._means_at(self.theta, batches)

    @compiled(join=mean_over_tasks)
    def _means_and_gradient(self, batches: Sequence[Samples], *slope: tf.Tensor) -> tuple[MetaLoss, dict[str, tf.Tensor]]:
        with tf.GradientTape() as tape:
            means = self._means_at(self.theta, batches)
            loss = means.loss + sum(tf.tensordot(s, means.inner_kl, 1) for s in slope)
        return means, gradients_of(tape, loss, self.theta)

    @compiled
    def _penalty_and_slope(self, inner_kl: tf.Tensor) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        """The penalty, and its derivative with respect to the KL, or nothing if it doesn't depend on it."""
        with tf.GradientTape() as tape:
            tape.watch(inner_kl)
            penalty = self.penalty(inner_kl)
        slope = tape.gradient(penalty, inner_kl)
        return penalty, () if slope is None else (slope,)

    def unroll(self, theta: Params, batches: Sequence[Samples]) -> list[Distribution]:
        """The policies after 0..K inner steps, each on its own batch; differentiable in theta through every step."""
        start = {name: theta.get(name, value) for name, value in self.policy.theta.items()}
        params, distributions = stack_params(start, batches[0].observations.shape[0]), []
        for step, samples in enumerate(batches[:-1]):
            params, distribution = self._inner_step(params, samples, self.inner.at_step(theta, step))
            distributions.append(distribution)
        return [*distributions, self.policy.distribution(params, batches[-1].observations)]

    def log_prob(self, distribution: Distribution, samples: Samples) -> tf.Tensor:
        """log pi(a_t | s_t) of the recorded actions, [N, R, T]; 0 under the mask, where its exponential might overflow."""
        return _masked(distribution.log_prob(samples.actions), samples.weights)

    def old_log_prob(self, samples: Samples) -> tf.Tensor:
        """log pi_old(a_t | s_t) under the policy that acted, [N, R, T]; 0 under the mask."""
        return _masked(self.policy.behaviour_distribution(samples.agent_infos).log_prob(samples.actions), samples.weights)

    def kl(self, old: Distribution, new: Distribution, samples: Samples) -> tf.Tensor:
        """KL(old || new), the mean over tasks of the mean over their steps, [] in nats; see `MetaPolicy.closed_form_kl`."""
        if self.policy.closed_form_kl:
            return tf.reduce_mean(mean_kl(old, new, samples.weights))
        log_prob, old_log_prob = self.log_prob(new, samples), self.log_prob(old, samples)
        return tf.reduce_mean(sampled_kl(log_prob, old_log_prob, samples.weights))

    def _inner_step(self, params: Params, samples: Samples, theta: Params) -> tuple[dict[str, tf.Tensor], Distribution]:
        with tf.GradientTape() as tape:
            tape.watch(params)
            distribution = self.policy.distribution(params, samples.observations)
            loss = tf.reduce_sum(_per_task(self.inner_loss(distribution, samples), samples))
        gradients = gradients_of(tape, loss, params)
        if self.inner.first_order:
            gradients = {name: tf.stop_gradient(gradient) for name, gradient in gradients.items()}
        return self.inner_update(params, gradients, theta), distribution

    def inner_update(self, params: Params, gradients: Params, theta: Params) -> dict[str, tf.Tensor]:
        """The inner step: parameters [N, ...] and the gradients there of the tasks' inner losses -> adapted parameters.

        Args:
          theta: what is meta-learned, such as step sizes; the meta-gradient flows through it and through the gradients.
        """
        moved = {
            name: params[name] - self.step_size(theta, name) * gradients[name] for name in params if self.inner.moves(name)
        }
        return {**params, **moved}

    def step_size(self, theta: Params, name: str) -> tf.Tensor | float:
        """alpha of a parameter, a scalar or of its shape: the learned one of theta, or else inner_lr."""
        return theta.get(STEP_SIZE_SCOPE + name, self.inner_lr)


def gradients_of(tape: tf.GradientTape, loss: tf.Tensor, params: Params) -> dict[str, tf.Tensor]:
    """The loss's derivative with respect to each parameter; 0 for those that it doesn't depend on.

    Raises:
      ValueError: it depends on none.
    """
    gradients = tape.gradient(loss, params)
    if all(gradient is None for gradient in gradients.values()):
        raise ValueError(f"the loss depends on none of the parameters {', '.join(params)}")
    return {name: tf.zeros_like(params[name]) if value is None else value for name, value in gradients.items()}


def _per_task(losses: tf.Tensor, samples: Samples) -> tf.Tensor:
    """Return the losses [N]; raise ValueError for another shape, such as that of their mean."""
    n_tasks = samples.observations.shape[0]
    if not losses.shape.is_compatible_with([n_tasks]):
        raise ValueError(f"the losses have the shape {losses.shape}; they must be [{n_tasks}], one of each task")
    return losses


def _masked(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    return tf.where(weights > 0, values, tf.zeros_like(values))


def first_order_metrics(before: MetaLoss, after: MetaLoss) -> dict[str, float]:
    """What every first-order algorithm logs of its optimisation, under the original's keys."""
    return {
        "LossBefore": float(before.loss),
        "LossAfter": float(after.loss),
        **after.inner_kl_metrics(),
        "KLOuter": float(after.outer_kl),
    }
