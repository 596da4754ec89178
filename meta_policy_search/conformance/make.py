"""Makes the cases anew: python -m meta_policy_search.conformance.make [folder]"""

import sys
from pathlib import Path

import numpy as np

from meta_policy_search.conformance.cases import CASES, Arrays, Case, InnerObjective, OuterObjective, Settings, save_case
from meta_policy_search.conformance.package_adapter import adapter
from meta_policy_search.policies.networks import init_mlp

N_TASKS, ROWS, LENGTH, EPISODE = 3, 2, 6, 3
OBS_DIM, ACTION_DIM, HIDDEN_SIZES = 3, 2, (5, 4)

TRUST_REGION: Settings = {
    "inner_lr": 0.1,
    "first_order": False,
    "exploration": False,
    "clip_eps": 0.0,
    "kl_coeff": 0.0,
    "loaded_dice_lambda": 1.0,
    "inner_objective": "likelihood_ratio",
    "outer_objective": "likelihood_ratio",
    "learning_rate": 0.0,
    "adam_steps": 0,
    "num_inner_grad_steps": 1,
}
ADAM: Settings = {**TRUST_REGION, "learning_rate": 1e-2, "adam_steps": 1}
PROMP: Settings = {**ADAM, "clip_eps": 0.2, "kl_coeff": 0.5}
ALGORITHMS: dict[
    str, tuple[InnerObjective, OuterObjective, Settings]
] = {  # the last: how theta moves, and what is not plain
    "promp": ("likelihood_ratio", "clipped_ratio", {**PROMP, "adam_steps": 3}),
    "fo-promp": ("likelihood_ratio", "clipped_ratio", {**PROMP, "first_order": True}),
    "trpo-maml": ("log_likelihood", "likelihood_ratio", TRUST_REGION),
    "e-maml-trpo": ("log_likelihood", "likelihood_ratio", {**TRUST_REGION, "exploration": True}),
    "lvc-trpo": ("likelihood_ratio", "likelihood_ratio", TRUST_REGION),
    "trpo-dice": ("dice", "likelihood_ratio", TRUST_REGION),
    "maml-vpg": ("log_likelihood", "log_likelihood", ADAM),
    "e-maml-vpg": ("log_likelihood", "log_likelihood", {**ADAM, "exploration": True}),
    "lvc-vpg": ("likelihood_ratio", "log_likelihood", ADAM),
    "vpg-dice": ("dice", "log_likelihood", ADAM),
    "loaded-dice-vpg": ("loaded_dice", "log_likelihood", {**ADAM, "loaded_dice_lambda": 0.5}),
    "dice": ("dice", "dice", ADAM),
}


def make_cases() -> list[Case]:
    """Every algorithm with one and with two inner steps."""
    return [
        _case(
            f"{name}_k{steps}",
            {**settings, "inner_objective": inner, "outer_objective": outer, "num_inner_grad_steps": steps},
            seed,
        )
        for seed, (name, (inner, outer, settings)) in enumerate(ALGORITHMS.items())
        for steps in (1, 2)
    ]


def _case(name: str, settings: Settings, seed: int) -> Case:
    rng = np.random.default_rng(seed)
    params = init_mlp(rng, "mean_network", OBS_DIM, HIDDEN_SIZES, ACTION_DIM)
    params = {key: value + 0.1 * rng.normal(size=value.shape) for key, value in params.items()}
    params["log_std_network/log_std_var"] = 0.1 * rng.normal(size=(1, ACTION_DIM))
    batches = [_batch(rng) for _ in range(settings["num_inner_grad_steps"] + 1)]
    inputs = Case(name, settings, params, batches, {})
    return inputs._replace(expected=adapter(inputs.inputs()))


def _batch(rng: np.random.Generator) -> Arrays:
    """Samples of policies near the initial one; tasks differ in the scale of their advantages, one row ends in the mask."""
    shape = (N_TASKS, ROWS, LENGTH)
    mask = np.ones(shape)
    mask[1:, 0, -2:] = 0
    mean, log_std = 0.3 * rng.normal(size=(*shape, ACTION_DIM)), 0.2 * rng.normal(size=(*shape, ACTION_DIM))
    scale, shift = np.array([1.0, 3.0, 10.0]).reshape(-1, 1, 1), np.array([0.0, 2.0, -5.0]).reshape(-1, 1, 1)
    return {
        "observations": rng.normal(size=(*shape, OBS_DIM)),
        "actions": mean + np.exp(log_std) * rng.normal(size=mean.shape),
        "start": np.broadcast_to(np.arange(LENGTH, dtype=np.int32) // EPISODE * EPISODE, shape).copy(),
        "weights": mask / mask.sum(axis=(1, 2), keepdims=True),
        "mean": mean,
        "log_std": log_std,
        "advantages": mask * (shift + scale * rng.normal(size=shape)),
        "adjusted_rewards": mask * rng.normal(size=shape),
        "adj_avg_rewards": rng.normal(size=N_TASKS),
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CASES
    for case in make_cases():
        save_case(case, folder)
        print(folder / f"{case.name}.npz")
