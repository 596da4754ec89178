"""The kit accepts this package and another implementation, agrees with the original, and rejects known defects."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from meta_policy_search.conformance import package_adapter
from meta_policy_search.conformance.__main__ import main
from meta_policy_search.conformance.cases import CASES, Case, load_case, load_cases, save_case
from meta_policy_search.conformance.check import check_case
from meta_policy_search.conformance.make import ALGORITHMS
from meta_policy_search.meta_algos import objectives
from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.samplers.returns import normalize_advantages
from meta_policy_search.types import Samples
from tests.meta_algos.original import Original

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in CASES.glob("*.npz"))


def test_there_is_a_case_of_every_algorithm_with_one_and_with_two_inner_steps():
    assert sorted(f"{name}_k{steps}" for name in ALGORITHMS for steps in (1, 2)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_package_computes_its_cases(name):
    result = check_case(package_adapter.adapter, load_case(CASES / f"{name}.npz"), tolerance=1e-9)
    assert result.first_problem is None
    assert not result.left_out


def no_second_order(algo: MAMLAlgo) -> None:
    update = algo.inner_update
    algo.inner_update = lambda params, gradients, theta: update(
        params, {name: tf.stop_gradient(value) for name, value in gradients.items()}, theta
    )


def log_likelihood_in_the_adaptation(algo: MAMLAlgo) -> None:
    algo.inner_loss = lambda distribution, samples: objectives.log_likelihood_loss(
        algo.log_prob(distribution, samples), samples.advantages, samples.weights
    )


def penalty_times(factor: float):
    def mutate(algo: MAMLAlgo) -> None:
        penalty = algo.penalty
        algo.penalty = lambda inner_kl: factor * penalty(inner_kl)

    return mutate


def adapted_policy_on_pre_update_data(algo: MAMLAlgo) -> None:
    meta_gradient = algo.meta_gradient
    algo.meta_gradient = lambda batches: meta_gradient((*batches[:-1], batches[0]))


def gradient_through_the_old_log_probability(algo: MAMLAlgo) -> None:
    """The current policy in place of the recorded one, and differentiated: the ratio is 1 and has no gradient."""

    def loss(distribution, samples: Samples) -> tf.Tensor:
        new = algo.log_prob(distribution, samples)
        return -objectives.task_mean(
            tf.exp(new - algo.log_prob(distribution, samples)) * samples.advantages, samples.weights
        )

    algo.inner_loss = loss


def first_batch_twice(algo: MAMLAlgo) -> None:
    unroll = algo.unroll

    def mutated(theta, batches):
        return unroll(theta, (batches[0], batches[0], *batches[2:]))

    algo.unroll = mutated


MUTANTS = {
    "inner step without second order": ("promp_k1", no_second_order, "meta_gradient"),
    "inner step without second order, VPG": ("lvc-vpg_k1", no_second_order, "meta_gradient"),
    "log-likelihood instead of ratio in ProMP's adaptation": ("promp_k1", log_likelihood_in_the_adaptation, "inner_loss"),
    "sign of the KL penalty": ("promp_k1", penalty_times(-1.0), "meta_loss"),
    "factor of the KL penalty": ("promp_k1", penalty_times(2.0), "meta_loss"),
    "KL penalty summed over the steps": ("promp_k2", penalty_times(2.0), "meta_loss"),
    "adapted policy on pre-update data": ("promp_k1", adapted_policy_on_pre_update_data, "outer_kl"),
    "adapted policy on pre-update data, TRPO": ("lvc-trpo_k1", adapted_policy_on_pre_update_data, "outer_kl"),
    "gradient through the old log-probability": ("promp_k1", gradient_through_the_old_log_probability, "inner_loss"),
    "first batch twice": ("promp_k2", first_batch_twice, "inner_kl"),
    "first batch twice, VPG": ("maml-vpg_k2", first_batch_twice, "inner_kl"),
}


@pytest.mark.parametrize(("name", "mutate", "first"), MUTANTS.values(), ids=list(MUTANTS))
def test_a_mutant_is_rejected_at_the_quantity_that_it_spoils_first(name, mutate, first):
    def adapter(case: Case) -> dict[str, np.ndarray]:
        algo = package_adapter.build(case)
        mutate(algo)
        return package_adapter.quantities(algo, package_adapter.samples(case))

    problem = check_case(adapter, load_case(CASES / f"{name}.npz"), tolerance=1e-4).first_problem
    assert problem is not None
    assert problem.quantity.split("/")[0] == first


@pytest.mark.parametrize("name", ["promp_k1", "e-maml-vpg_k2", "lvc-trpo_k1"])
def test_advantages_normalised_over_all_tasks_are_rejected(name):
    def adapter(case: Case) -> dict[str, np.ndarray]:
        batches = []
        for samples, batch in zip(package_adapter.samples(case), case.batches, strict=True):
            kept = samples.weights > 0
            advantages = np.zeros(kept.shape)
            advantages[kept] = normalize_advantages(batch["advantages"][kept])
            batches.append(samples._replace(advantages=advantages))
        return package_adapter.quantities(package_adapter.build(case), tuple(batches))

    problem = check_case(adapter, load_case(CASES / f"{name}.npz"), tolerance=1e-4).first_problem
    assert problem.quantity == "inner_loss/0"


RECORDINGS = {  # of the original: the case whose settings it has
    "promp_offpolicy_k1": "promp_k1",
    "promp_onpolicy_k2": "promp_k2",
    "vpgmaml_loglik_plain_nearpolicy_k1": "maml-vpg_k1",
    "vpgmaml_loglik_explore_onpolicy_k2": "e-maml-vpg_k2",
    "vpgmaml_ratio_plain_offpolicy_k1": "lvc-vpg_k1",
    "trpomaml_ratio_plain_onpolicy_k2": "lvc-trpo_k2",
    "dicemaml_full_k2": "dice_k2",
    "vpgdicemaml_full_k2": "vpg-dice_k2",
}


@pytest.mark.parametrize(("recording", "name"), RECORDINGS.items())
def test_an_adapter_that_agrees_with_the_kit_agrees_with_the_originals_recordings(recording, name):
    """The settings of the case, the original's inputs and results; its constants are float32, and its KL has an epsilon."""
    original = Original(ROOT / "tests" / "data" / f"{recording}.npz")
    case = load_case(CASES / f"{name}.npz")
    settings = {**case.settings, "inner_lr": float(np.float32(original.config("inner_lr")))}
    if name.startswith("promp"):
        penalty, clip_eps = original.config("init_inner_kl_penalty"), original.config("clip_eps")
        settings |= {"kl_coeff": float(np.ravel(penalty)[0]), "clip_eps": clip_eps}
    algo = package_adapter.build(case._replace(settings=settings, params=original.initial_params()))
    found = package_adapter.quantities(algo, original.batches(np.float64))
    assert found["meta_loss"] == pytest.approx(original["meta_objective"], abs=2e-6)
    for param, value in original.params("grad").items():
        np.testing.assert_allclose(found[f"meta_gradient/{param}"], value, rtol=0, atol=2e-6)
        for k in range(1, settings["num_inner_grad_steps"] + 1):
            expected = original.tasks(f"adapted/step{k}", f"/{param}")
            np.testing.assert_allclose(found[f"adapted/{k}/{param}"], expected, rtol=0, atol=1e-7)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")
def test_the_example_in_pytorch_agrees(monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", [str(ROOT / "examples"), *sys.path])
    assert main(["torch_adapter:adapter"]) == 0
    assert "24 of 24 cases agree, 0 skipped" in capsys.readouterr().out


def partial(case: Case) -> dict[str, np.ndarray] | None:
    """Skips all but ProMP, and returns no more than it must."""
    if not case.name.startswith("promp"):
        return None
    found = package_adapter.adapter(case)
    return {name: value for name, value in found.items() if name.split("/")[0] not in ("inner_loss", "after_update")}


def silent(case: Case) -> dict[str, np.ndarray]:
    """Forgets the meta-gradient."""
    found = package_adapter.adapter(case)
    return {name: value for name, value in found.items() if not name.startswith("meta_gradient")}


def nothing(case: Case) -> None:
    """Skips every case."""


def nan(case: Case) -> dict[str, np.ndarray]:
    """Returns no numbers."""
    return {name: np.full_like(value, np.nan) for name, value in package_adapter.adapter(case).items()}


def flat(case: Case) -> dict[str, np.ndarray]:
    """Returns vectors for matrices."""
    return {name: np.ravel(value) for name, value in package_adapter.adapter(case).items()}


def words(case: Case) -> dict[str, object]:
    """Returns words for numbers."""
    return dict.fromkeys(package_adapter.adapter(case), "none")


def a_number(case: Case) -> float:
    """Returns the meta-loss without its name."""
    return float(package_adapter.adapter(case)["meta_loss"])


@pytest.mark.parametrize(
    ("adapter", "code", "says"),
    [
        ("partial", 0, ["skip  dice_k1", "not returned: after_update, inner_loss", "2 of 2 cases agree, 2 skipped"]),
        ("silent", 1, ["the first is meta_gradient/mean_network/hidden_0/kernel, which is missing"]),
        ("nothing", 1, ["0 of 0 cases agree, 4 skipped"]),
        ("words", 1, ["the first is inner_loss/0, which is no array of numbers"]),
        ("nan", 1, ["the first is inner_loss/0, which deviates by nan"]),
        (
            "flat",
            1,
            ["the first is adapted/1/mean_network/hidden_0/kernel, which has the shape [45], expected is [3, 3, 5]"],
        ),
    ],
)
def test_the_command_says_what_is_wrong(adapter, code, says, capsys):
    assert main([f"{__name__}:{adapter}", "--case", "dice_k1", "promp_k1", "promp_k2", "lvc-vpg_k1"]) == code
    output = capsys.readouterr().out
    for part in says:
        assert part in output


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["my_module"], "'my_module' names no adapter; it has the form module:function"),
        (["no_such_module:adapter"], "can't import no_such_module"),
        ([f"{__name__}:no_such_adapter"], "has no function no_such_adapter"),
        (
            [f"{__name__}:a_number", "--case", "promp_k1"],
            "the adapter returned float for promp_k1; it must be arrays by name",
        ),
        ([f"{__name__}:partial", "--case", "promp"], "there is no case promp; known are dice_k1"),
    ],
)
def test_what_is_not_there_is_reported_in_one_sentence(argv, message, capsys):
    assert main(argv) == 2
    assert message in capsys.readouterr().err


def test_a_case_is_read_as_it_was_written_and_an_adapter_sees_nothing_of_what_is_expected(tmp_path):
    case = load_cases()[0]
    save_case(case, tmp_path)
    again = load_case(tmp_path / f"{case.name}.npz")
    assert again.settings == case.settings
    assert {name: value.tolist() for name, value in again.expected.items()} == {
        name: value.tolist() for name, value in case.expected.items()
    }
    assert case.inputs().expected == {}
    (tmp_path / "other.npz").write_bytes(b"no case")
    with pytest.raises(ValueError, match=r"other.npz is no case"):
        load_case(tmp_path / "other.npz")
