"""Three meta-iterations of the original's own training loop, repeated by this package's on the samples that it drew.

What single meta-updates can't show: that the adapted policies are those that act, that every batch is credited to its
task and step, and that Adam's moments live on from one iteration to the next.
"""

from pathlib import Path

import numpy as np
import pytest

from meta_policy_search.baselines.linear_baseline import LinearFeatureBaseline
from meta_policy_search.meta_algos.pro_mp import ProMP
from meta_policy_search.meta_trainer import MetaTrainer
from meta_policy_search.policies.meta_gaussian_mlp_policy import MetaGaussianMLPPolicy
from meta_policy_search.samplers.meta_sample_processor import MetaSampleProcessor
from meta_policy_search.samplers.task_source import TaskSource
from meta_policy_search.types import Trajectories

PATH = Path(__file__).parents[1] / "data" / "courses" / "promp_course.npz"
N_ITR = 3
TOLERANCE = 1e-4  # of theta, relative to how far the original moved in the iteration


class RecordedSampler:
    """Hands out the original's trajectories, and measures how far the policies that it is given are from its policies."""

    def __init__(self, data: dict[str, np.ndarray], policy: MetaGaussianMLPPolicy):
        self._data, self._policy, self._round = data, policy, -1
        self.batch_shape, self.total_samples, self.tasks = (4, 4), 4 * 4 * 25, ()
        self.task_source = TaskSource()
        self.mean_deviations: list[float] = []

    def diagnostics(self, trajectories: Trajectories) -> dict[str, float]:
        return {}

    def update_tasks(self, rng: np.random.Generator) -> None:
        self.tasks = self._data[f"iteration{(self._round + 1) // 2}/tasks"]

    def obtain_samples(self, params, rng: np.random.Generator) -> tuple[Trajectories, dict[str, float]]:
        self._round += 1
        iteration, step = divmod(self._round, 2)
        read = {key.split("/")[-1]: value for key, value in self._data.items() if f"iteration{iteration}/step{step}/" in key}
        rows = read["observations"].reshape(4, 4 * 25, -1)
        params = {name: np.asarray(value) for name, value in params.items()}
        _, ours = self._policy.act(params, rows, np.zeros((4, 4 * 25, 6), np.float32))
        self.mean_deviations.append(float(np.abs(ours["mean"].reshape(read["mean"].shape) - read["mean"]).max()))
        shape = read["rewards"].shape
        infos = {name: read[name] for name in ("mean", "log_std")}
        start, mask = np.zeros(shape, np.int32), np.ones(shape, bool)
        return Trajectories(read["observations"], read["actions"], read["rewards"], start, mask, infos, {}), {}


def _course(data: dict[str, np.ndarray], forget: bool = False, **changed) -> tuple[list[float], list[float]]:
    """Deviations of theta after each iteration, relative to how far the original moved; of the means of each round."""
    policy = MetaGaussianMLPPolicy(17, 6, (16, 16), rng=np.random.default_rng(0))
    for name, variable in policy.theta.items():
        variable.assign(data[f"theta0/{name}"])
    settings = {"clip_eps": 0.3, "init_inner_kl_penalty": 5e-4, "adaptive_inner_kl_penalty": False, "inner_lr": 0.1}
    algo = ProMP(policy, **{**settings, **changed})
    sampler = RecordedSampler(data, policy)
    processor = MetaSampleProcessor(LinearFeatureBaseline(), 0.99, 1.0, normalize_adv=True)
    trainer = MetaTrainer(algo, sampler, processor, n_itr=N_ITR, rng=np.random.default_rng(0))
    deviations, old = [], _recorded(data, policy, 0)
    for iteration in range(N_ITR):
        trainer.meta_iteration(iteration)
        new = _recorded(data, policy, iteration + 1)
        theta = _flat(policy.theta.values())
        deviations.append(float(np.linalg.norm(theta - new) / np.linalg.norm(new - old)))
        old = new
        if forget:
            for variable in algo.optimizer.adam.variables:
                variable.assign(0 * variable)
    return deviations, sampler.mean_deviations


def _recorded(data: dict[str, np.ndarray], policy: MetaGaussianMLPPolicy, iteration: int) -> np.ndarray:
    """The original's theta before the iteration."""
    return _flat(data[f"theta{iteration}/{name}"] for name in policy.theta)


def _flat(arrays) -> np.ndarray:
    return np.concatenate([np.ravel(array) for array in arrays])


@pytest.fixture(scope="module")
def data() -> dict[str, np.ndarray]:
    with np.load(PATH, allow_pickle=False) as file:
        return dict(file)


def test_the_loop_takes_the_originals_course(data):
    thetas, means = _course(data)
    assert len(thetas) == N_ITR
    assert len(means) == 2 * N_ITR
    assert max(thetas) < TOLERANCE
    assert max(means) < 1e-5


@pytest.mark.parametrize(
    "changed", [{"inner_lr": 0.1001}, {"clip_eps": 0.25}, {"init_inner_kl_penalty": 1e-3}, {"forget": True}], ids=str
)
def test_another_course_is_reported(data, changed):
    assert max(_course(data, **changed)[0]) > TOLERANCE
