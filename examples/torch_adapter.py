"""The family's algorithms in PyTorch, task by task, as an adapter of the conformance kit.

    cd examples && python -m meta_policy_search.conformance torch_adapter:adapter

It shares no code with the package: it is both an example of an adapter and a second opinion on the package's numbers.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from meta_policy_search.conformance.cases import Arrays, Case, Settings

Params = dict[str, torch.Tensor]
LOG_STD = "log_std_network/log_std_var"


class Batch(NamedTuple):
    """One task's samples of one step; a row holds whole episodes one after the other."""

    observations: torch.Tensor  # [R, T, O]
    actions: torch.Tensor  # [R, T, A]
    start: torch.Tensor  # [R, T] index of the first step of each step's episode
    weights: torch.Tensor  # [R, T] 0 where a step doesn't count
    mean: torch.Tensor  # [R, T, A] of the policy that acted
    log_std: torch.Tensor  # [R, T, A]
    advantages: torch.Tensor  # [R, T]
    adjusted_rewards: torch.Tensor  # [R, T]
    adj_avg_rewards: torch.Tensor  # []

    @property
    def old(self) -> torch.distributions.Distribution:
        """The policy that acted."""
        return torch.distributions.Normal(self.mean, self.log_std.exp())


def adapter(case: Case) -> Arrays:
    """All quantities of a case but the Fisher product."""
    settings, steps = case.settings, case.settings["num_inner_grad_steps"]
    tasks = [[_task_batch(batch, i) for batch in case.batches] for i in range(len(case.batches[0]["weights"]))]
    theta = {name: torch.tensor(value, requires_grad=True) for name, value in case.params.items()}
    adapted, inner_losses = zip(*(adapt(theta, batches, settings) for batches in tasks), strict=True)
    loss, inner_kl, outer_kl = meta_loss(theta, tasks, settings)
    gradient = torch.autograd.grad(loss, list(theta.values()))
    found = {"inner_kl": inner_kl, "outer_kl": outer_kl, "meta_loss": loss}
    for k in range(steps):
        found[f"inner_loss/{k}"] = torch.stack([losses[k] for losses in inner_losses])
        for name in theta:
            found[f"adapted/{k + 1}/{name}"] = torch.stack([params[k + 1][name] for params in adapted])
    found |= {f"meta_gradient/{name}": value for name, value in zip(theta, gradient, strict=True)}
    if settings["adam_steps"]:
        moved = adam(theta, lambda params: meta_loss(params, tasks, settings)[0], settings)
        found |= {f"after_update/{name}": value for name, value in moved.items()}
    return {name: value.detach().numpy() for name, value in found.items()}


def adapt(theta: Params, batches: list[Batch], settings: Settings) -> tuple[list[Params], list[torch.Tensor]]:
    """The parameters of one task after 0..K inner steps, and the loss of each step."""
    params, losses = [theta], []
    for batch in batches[:-1]:
        losses.append(surrogate(settings["inner_objective"], params[-1], batch, settings))
        gradients = torch.autograd.grad(losses[-1], list(params[-1].values()), create_graph=True)
        if settings["first_order"]:
            gradients = [gradient.detach() for gradient in gradients]
        moved = zip(params[-1].items(), gradients, strict=True)
        params.append({name: value - settings["inner_lr"] * gradient for (name, value), gradient in moved})
    return params, losses


def meta_loss(
    theta: Params, tasks: list[list[Batch]], settings: Settings
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The meta-loss, the KL of each inner step [K] and the KL after adaptation, means over tasks."""
    losses, divergences = [], []
    for batches in tasks:
        params, _ = adapt(theta, batches, settings)
        loss = surrogate(settings["outer_objective"], params[-1], batches[-1], settings)
        if settings["exploration"]:
            loss = loss - batches[-1].adj_avg_rewards * (batches[0].weights * log_prob(theta, batches[0])).sum()
        losses.append(loss)
        divergences.append(torch.stack([kl(*pair) for pair in zip(params, batches, strict=True)]))
    mean_kl = torch.stack(divergences).mean(dim=0)
    inner_kl = mean_kl[:-1]
    return torch.stack(losses).mean() + settings["kl_coeff"] * inner_kl.mean(), inner_kl, mean_kl[-1]


def surrogate(objective: str, params: Params, batch: Batch, settings: Settings) -> torch.Tensor:
    """A loss by its name, the weighted sum over the steps of one task."""
    new, old = log_prob(params, batch), (batch.old.log_prob(batch.actions).sum(dim=-1)).detach()
    ratio = torch.where(batch.weights > 0, (new - old).exp(), torch.ones_like(new))
    if objective == "log_likelihood":
        values = new * batch.advantages
    elif objective == "likelihood_ratio":
        values = ratio * batch.advantages
    elif objective == "clipped_ratio":
        clipped = ratio.clamp(1 - settings["clip_eps"], 1 + settings["clip_eps"])
        values = torch.minimum(ratio * batch.advantages, clipped * batch.advantages)
    elif objective == "loaded_dice":
        score = scores(new, batch.start, settings["loaded_dice_lambda"])
        values = (magic_box(score) - magic_box(score - new)) * batch.advantages
    else:
        values = magic_box(scores(new, batch.start, 1.0)) * batch.adjusted_rewards
    return -(batch.weights * values).sum()


def scores(log_probs: torch.Tensor, start: torch.Tensor, decay: float) -> torch.Tensor:
    """w_t = log pi_t + decay w_(t-1), from 0 at the start of each episode."""
    steps = [log_probs[:, 0]]
    for t in range(1, log_probs.shape[1]):
        steps.append(log_probs[:, t] + torch.where(start[:, t] == t, torch.zeros_like(steps[-1]), decay * steps[-1]))
    return torch.stack(steps, dim=1)


def magic_box(x: torch.Tensor) -> torch.Tensor:
    """1, with all derivatives of exp(x)."""
    return (x - x.detach()).exp()


def distribution(params: Params, observations: torch.Tensor) -> torch.distributions.Normal:
    """N(mlp(s), exp(log_std)), tanh between the layers."""
    kernels = [name for name in params if name.endswith("kernel")]
    x = observations
    for name in kernels:
        x = x @ params[name] + params[name.replace("kernel", "bias")]
        x = torch.tanh(x) if name != kernels[-1] else x
    return torch.distributions.Normal(x, params[LOG_STD].exp().expand_as(x))


def log_prob(params: Params, batch: Batch) -> torch.Tensor:
    """log pi(a_t | s_t), [R, T]; 0 where a step doesn't count."""
    values = distribution(params, batch.observations).log_prob(batch.actions).sum(dim=-1)
    return torch.where(batch.weights > 0, values, torch.zeros_like(values))


def kl(params: Params, batch: Batch) -> torch.Tensor:
    """KL(policy that acted || policy of the parameters), the weighted sum over steps."""
    divergence = torch.distributions.kl_divergence(batch.old, distribution(params, batch.observations)).sum(dim=-1)
    return (batch.weights * divergence).sum()


def adam(theta: Params, loss: Callable[[Params], torch.Tensor], settings: Settings) -> Params:
    """Adam as in TensorFlow 1: epsilon is added to the root of the uncorrected second moment."""
    theta = {name: value.detach().clone() for name, value in theta.items()}
    first, second = ({name: torch.zeros_like(value) for name, value in theta.items()} for _ in range(2))
    for t in range(1, settings["adam_steps"] + 1):
        params = {name: value.clone().requires_grad_() for name, value in theta.items()}
        gradients = torch.autograd.grad(loss(params), list(params.values()))
        rate = settings["learning_rate"] * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        for name, gradient in zip(theta, gradients, strict=True):
            first[name] = 0.9 * first[name] + 0.1 * gradient
            second[name] = 0.999 * second[name] + 0.001 * gradient**2
            theta[name] = theta[name] - rate * first[name] / (second[name].sqrt() + 1e-8)
    return theta


def _task_batch(batch: Arrays, task: int) -> Batch:
    arrays = {name: torch.tensor(batch[name][task]) for name in Batch._fields}
    kept = arrays["weights"] > 0
    advantages = arrays["advantages"]
    normalised = (advantages - advantages[kept].mean()) / (advantages[kept].std(unbiased=False) + 1e-8)
    arrays["advantages"] = torch.where(kept, normalised, torch.zeros_like(normalised))
    return Batch(**arrays)
