"""Compares baselines, sample processors, action scaling and the small formulas with the original's recorded numbers."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
from gymnasium.spaces import Box

from meta_policy_search.baselines.linear_baseline import LinearFeatureBaseline, LinearTimeBaseline
from meta_policy_search.baselines.zero_baseline import ZeroBaseline
from meta_policy_search.envs.normalized_env import scale_actions
from meta_policy_search.samplers import returns
from meta_policy_search.samplers.dice_sample_processor import DiceSampleProcessor
from meta_policy_search.samplers.meta_sample_processor import MetaSampleProcessor, normalised_rewards
from meta_policy_search.types import Trajectories
from tests.reference import nans_agree

BASELINES = {"linfeat": LinearFeatureBaseline(), "lintime": LinearTimeBaseline(), "zero": ZeroBaseline()}
LOG_KEYS = ("AverageDiscountedReturn", "AverageReturn", "NumTrajs", "StdReturn", "MaxReturn", "MinReturn")

Data = dict[str, np.ndarray]


def compare(path: Path) -> dict[str, float]:
    """The deviation of every quantity in the file, relative where the value is not about 0."""
    data = dict(np.load(path))
    for key, comparison in COMPARISONS.items():
        if any(name.startswith(key) for name in data):
            return comparison(data)
    raise ValueError(f"{path} is of no known kind")


def tolerance(path: Path, quantity: str) -> float:
    """1e-9, but 1e-6 where the fit is underdetermined, so that the original's own solution is only good to that."""
    return 1e-6 if "underdetermined" in quantity else 1e-9


def deviation(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest absolute difference over the largest magnitude, which counts as at least 1."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if ours.shape != theirs.shape:
        raise ValueError(f"shapes {ours.shape} and {theirs.shape}")
    ours, theirs = nans_agree(ours, theirs)
    return float(np.max(np.abs(ours - theirs)) / max(np.max(np.abs(theirs)), 1.0))


def trajectories_of(data: Data, tasks: list[int]) -> Trajectories:
    """The recorded paths of the tasks, each task's paths one after the other in a single row."""
    paths = data["in/path_lengths"][tasks]
    total = int(paths.sum(axis=1).max())

    def rows(name: str) -> np.ndarray:
        stacked = []
        for task in tasks:
            parts = [data[f"in/task{task}/path{path}/{name}"] for path in range(paths.shape[1])]
            joined = np.concatenate(parts)
            stacked.append(np.pad(joined, [(0, total - len(joined))] + [(0, 0)] * (joined.ndim - 1)))
        return np.stack(stacked)[:, np.newaxis]

    start, mask = np.zeros((len(tasks), 1, total), np.int32), np.zeros((len(tasks), 1, total), bool)
    for row, lengths in enumerate(paths):
        begins = np.concatenate([[0], np.cumsum(lengths)])
        for begin, end in itertools.pairwise(begins):
            start[row, 0, begin:end], mask[row, 0, begin:end] = begin, True
        start[row, 0, begins[-1] :] = begins[-1]
    infos = {name: rows(f"agent_infos/{name}") for name in ("mean", "log_std")}
    return Trajectories(rows("observations"), rows("actions"), rows("rewards"), start, mask, infos, {})


def _compare_processors(data: Data) -> dict[str, float]:
    deviations = {}
    for kind, tasks in (("SampleProcessor", [0]), ("MetaSampleProcessor", [0, 1, 2])):
        for tag in sorted({name.split("/")[1] for name in data if name.startswith(kind + "/")}):
            name, lam, norm, positive = tag.split("_")
            processor = MetaSampleProcessor(
                BASELINES[name], 0.99, float(lam[3:]), normalize_adv=norm == "norm1", positive_adv=positive == "pos1"
            )
            trajectories = trajectories_of(data, tasks)
            samples, statistics = processor.process_samples(trajectories)
            for task in tasks:
                prefix = f"{kind}/{tag}" + (f"/task{task}" if kind.startswith("Meta") else "")
                keep = trajectories.mask[task]
                gamma_sums = returns.discounted_sums(trajectories.rewards * trajectories.mask, trajectories.start, 0.99)
                ours = {"advantages": samples.advantages[task][keep], "returns": gamma_sums[task][keep]}
                if kind.startswith("Meta"):
                    ours["adj_avg_rewards"] = normalised_rewards(trajectories)[task][keep]
                    deviations[f"{prefix}/mean adj_avg_rewards"] = deviation(
                        samples.adj_avg_rewards[task], data[f"{prefix}/adj_avg_rewards"].mean()
                    )
                for quantity, values in ours.items():
                    deviations[f"{prefix}/{quantity}"] = deviation(values, data[f"{prefix}/{quantity}"])
            deviations |= _compare_log(statistics, data, f"{kind}/{tag}/log/")
    return deviations


def _compare_dice_processors(data: Data) -> dict[str, float]:
    deviations = {}
    for kind, tasks in (("DiceSampleProcessor", [0]), ("DiceMetaSampleProcessor", [0, 1, 2])):
        for tag in sorted({name.split("/")[1] for name in data if name.startswith(kind + "/")}):
            lam, norm, positive, with_returns = tag.split("_")
            trajectories = trajectories_of(data, tasks)
            first = f"{kind}/{tag}" + ("/task0" if "Meta" in kind else "")
            processor = DiceSampleProcessor(
                LinearTimeBaseline(),
                max_path_length=data[f"{first}/mask"].shape[1],
                discount=0.99,
                gae_lambda=float(lam[3:]),
                normalize_adv=norm == "norm1",
                positive_adv=positive == "pos1",
                return_baseline=LinearFeatureBaseline() if with_returns.endswith("1") else None,
            )
            samples, statistics = processor.process_samples(trajectories)
            for task in tasks:
                prefix = f"{kind}/{tag}" + (f"/task{task}" if "Meta" in kind else "")
                mask, keep = data[f"{prefix}/mask"].astype(bool), trajectories.mask[task]
                deviations[f"{prefix}/mean weight"] = deviation(
                    samples.weights[task][keep], np.full(keep.sum(), 1 / mask.size)
                )
                for quantity in ("adjusted_rewards", "advantages"):
                    if f"{prefix}/{quantity}" in data:
                        theirs = data[f"{prefix}/{quantity}"][mask]
                        deviations[f"{prefix}/{quantity}"] = deviation(getattr(samples, quantity)[task][keep], theirs)
            deviations |= _compare_log(statistics, data, f"{kind}/{tag}/log/")
    return deviations


def _compare_log(statistics: dict[str, float], data: Data, prefix: str) -> dict[str, float]:
    recorded = {name: data.get(prefix + name, data.get(f"{prefix}X-{name}")) for name in LOG_KEYS}
    return {prefix + name: deviation(statistics[name], value) for name, value in recorded.items() if value is not None}


def _compare_baselines(data: Data) -> dict[str, float]:
    deviations = {}
    trajectories = trajectories_of(data, [0])
    lengths = data["in/path_lengths"][0]
    times = np.concatenate([np.arange(length) for length in lengths])
    observations = trajectories.observations[0, 0]
    sums = returns.discounted_sums(trajectories.rewards, trajectories.start, float(data["config/discount"]))[0, 0]
    splits = np.cumsum(lengths)[:-1]
    for path, values in enumerate(np.split(sums, splits)):
        deviations[f"returns/path{path}"] = deviation(values, data[f"returns/task0/path{path}"])
    for name, baseline in (("LinearFeatureBaseline", BASELINES["linfeat"]), ("LinearTimeBaseline", BASELINES["lintime"])):
        predictions = np.split(baseline.fit_predict(observations, times, sums), splits)
        features = np.split(baseline.features(observations, times), splits)
        for path in range(len(lengths)):
            for quantity, values in (("predict", predictions[path]), ("features", features[path])):
                deviations[f"{name}/{quantity}/path{path}"] = deviation(values, data[f"{name}/{quantity}/path{path}"])
        shortest = next(
            k for k in range(len(lengths)) if f"{name}_underdetermined/predict/path{k}" in data and lengths[k] == 5
        )
        rows = [np.split(values, splits)[shortest] for values in (observations, times, sums)]
        key = f"{name}_underdetermined/predict/path{shortest}"
        deviations[key] = deviation(baseline.fit_predict(*rows), data[key])
    return deviations


def _compare_normalized_env(data: Data) -> dict[str, float]:
    deviations = {}
    for group in sorted({name.split("/")[0] for name in data if name.endswith("/scaled_actions")}):
        space = Box(data[f"{group}/low"], data[f"{group}/high"], dtype=np.float32)
        scaled = scale_actions(data["in/actions"], space)
        deviations[f"{group}/scaled_actions"] = deviation(scaled, data[f"{group}/scaled_actions"])
    return deviations


def _compare_formulas(data: Data) -> dict[str, float]:
    x = data["discount_cumsum/x"]
    single = np.zeros(x.shape, np.int32)
    sums = returns.discounted_sums(x, single, float(data["discount_cumsum/discount"]))
    return {
        "discount_cumsum": deviation(sums, data["discount_cumsum/y"]),
        "normalize_advantages": deviation(returns.normalize_advantages(x), data["normalize_advantages/y"]),
        "shift_to_positive": deviation(returns.shift_advantages_to_positive(x), data["shift_advantages_to_positive/y"]),
    }


# what names in a file begin with -> its comparison
COMPARISONS: dict[str, Callable[[Data], dict[str, float]]] = {
    "DiceSampleProcessor/": _compare_dice_processors,
    "SampleProcessor/": _compare_processors,
    "LinearFeatureBaseline/": _compare_baselines,
    "pm1_": _compare_normalized_env,
    "discount_cumsum/": _compare_formulas,
}
