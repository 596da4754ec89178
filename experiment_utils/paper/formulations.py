"""The poster's picture: meta-updates of theta under formulation I and II in a one-dimensional environment.

Environment, policy and numbers: the original's experiments/1d_env. theta has two entries, so each update is an arrow in the
plane. s_0 ~ U(-2, 2), s' = a, reward exp(-0.1 (a - g)^2), horizon 5; the goal g is +1 in 40 and -1 in 40 task instances; 100
trajectories before and 100 after one step of adaptation with alpha = 0.1; no baseline; theta moves by plain gradient ascent.

The gradients are those of the package's own algorithms by automatic differentiation: formulation I is DICEMAML (DiCE's
derivatives are those of the expected return), formulation II VPGMAML with the log-likelihood and E-MAML's term. With whole
returns R(tau) for credit, both are the paper's hand-written formulas exactly (`hand_gradients` has them; a test compares).

Departures from the original, which is not consistent with the formulas it implements: it multiplies grad J_post by another
alpha, but not formulation I's grad J_pre; that makes its formulation I overrate grad J_pre ten times, while its formulation
II is the true gradient times alpha. Here neither is multiplied, so a learning rate means the same for both.

Kept from the original, and worth knowing: the log-probability is that of the clipped action, so the mean of the score is not
0. Formulation II multiplies it by N and the return, and that drift, towards actions that need no clipping, is much larger
than its meta-gradient. `clipped=False` takes the log-probability before clipping instead; the table has both.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from experiment_utils.paper.experiments import THETAS
from experiment_utils.progress import tracked
from experiment_utils.runs.archive import read_table
from experiment_utils.runs.run_dir import InvalidRunError, RunDir
from meta_policy_search.utils.atomic_write import atomic_write

if TYPE_CHECKING:
    from meta_policy_search.meta_algos.base import MAMLAlgo
    from meta_policy_search.policies.base import MetaPolicy
    from meta_policy_search.types import Samples, Trajectories

Formulation = Literal["I", "II"]
FORMULATIONS: tuple[Formulation, ...] = ("I", "II")
START = (0.09, 0.05)  # theta, of the original
COLUMNS = {"formulation": str, "learning_rate": float, "iteration": int, "theta_0": float, "theta_1": float}
COLUMNS |= {"seed": int, "clipped": bool}
FAR = 1.0  # distance of theta from the optimum at which a run has diverged


@dataclasses.dataclass(frozen=True)
class Settings:
    """Numbers of the experiment; the defaults are the original's."""

    seed: int = 0
    instances: int = 80  # half of them with each goal
    trajectories: int = 100  # of each instance, before and after adaptation
    horizon: int = 5  # steps
    inner_lr: float = 0.1  # alpha
    iterations: int = 200
    clipped: bool = True  # the log-probability is that of the clipped action; otherwise of the action before clipping


BUDGETS = {"smoke": Settings(instances=4, trajectories=5, iterations=3), "quick": Settings(), "paper": Settings()}
ALL_RATES = (0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01)  # the original's sweep times alpha: see above
LEARNING_RATES = {"smoke": ALL_RATES[-2:], "quick": ALL_RATES[2:], "paper": ALL_RATES}


def folder(root: Path) -> Path:
    """Where the table is."""
    return root / "formulations"


def compute(root: Path, settings: Settings, learning_rates: Sequence[float]) -> Path:
    """Runs what thetas.csv does not have yet with these settings; returns its path.

    Raises:
      InvalidRunError: there is a thetas.csv that is none.
      ConfigError: another process is at it.
    """
    target = folder(root) / THETAS
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = RunDir(target.parent)
    lock.lock()
    table = read(target) if target.exists() else pd.DataFrame(columns=list(COLUMNS | dataclasses.asdict(settings)))
    unknown = [name for name in dataclasses.asdict(settings) if name not in table]
    if unknown:
        raise InvalidRunError(f"{target} is not what reproduce.py formulations writes (it has no column {unknown[0]!r})")
    for formulation in FORMULATIONS:
        experiment = None
        for rate in tracked(learning_rates, f"formulation {formulation}", len(learning_rates)):
            key = {"formulation": formulation, "learning_rate": rate, **dataclasses.asdict(settings)}
            done = select(table, key)
            if is_whole(done, settings.iterations):
                continue
            experiment = experiment or Experiment(formulation, settings)
            thetas = experiment.meta_updates(rate)
            rows = pd.DataFrame(thetas, columns=["theta_0", "theta_1"]).rename_axis("iteration").reset_index()
            table = pd.concat(
                [part for part in (table.drop(done.index), rows.assign(**key)) if len(part)], ignore_index=True
            )
            atomic_write(target, table.to_csv(index=False))
    return target


def is_whole(rows: pd.DataFrame, iterations: int) -> bool:
    """Whether the rows of one run reach its last update, or divergence."""
    if not len(rows):
        return False
    last = rows.loc[rows["iteration"].idxmax(), ["theta_0", "theta_1"]]
    return len(rows) == iterations + 1 or not np.linalg.norm(last.astype(float)) < FAR


def read(path: Path) -> pd.DataFrame:
    """The table of `compute`.

    Raises:
      InvalidRunError: the file is another.
    """
    return read_table(path, COLUMNS, "reproduce.py formulations")


def select(table: pd.DataFrame, key: Mapping[str, str | float]) -> pd.DataFrame:
    """The rows with these values."""
    return table[np.logical_and.reduce([table[name] == value for name, value in key.items()])]


class Experiment:
    """The components of the experiment, around theta [2]."""

    def __init__(self, formulation: Formulation, settings: Settings):
        from experiment_utils.paper.quadratic_policy import QuadraticPolicy
        from meta_policy_search.envs.point_envs.point_env_1d import MetaPointEnv1D
        from meta_policy_search.samplers.meta_sampler import MetaSampler

        self.settings, self.policy = settings, QuadraticPolicy(settings.clipped)
        self.algo = make_algorithm(formulation, self.policy, settings.inner_lr)
        self._sampler = MetaSampler(
            MetaPointEnv1D(),
            self.policy,
            rollouts_per_meta_task=settings.trajectories,
            meta_batch_size=settings.instances,
            max_path_length=settings.horizon,
        )
        goals = np.resize([-1.0, 1.0], settings.instances)
        self._sampler.tasks = goals
        self._sampler.envs.set_tasks(np.repeat(goals, settings.trajectories))

    def meta_updates(self, learning_rate: float) -> np.ndarray:
        """theta before each update and after the last, [iterations + 1, 2]: theta <- theta + learning_rate * grad J.

        It ends early where theta diverges: the actions are then clipped nearly always, and the gradients mean nothing.
        """
        rng = np.random.default_rng(self.settings.seed)
        self.theta, thetas = np.array(START), [np.array(START)]
        for _ in range(self.settings.iterations):
            self.theta = self.theta + learning_rate * self.meta_gradient(self.sample(rng))
            thetas.append(self.theta)
            if not np.linalg.norm(self.theta) < FAR:
                break
        return np.array(thetas)

    @property
    def theta(self) -> np.ndarray:
        """[2]"""
        return self.policy.theta["theta"].numpy()

    @theta.setter
    def theta(self, value: np.ndarray) -> None:
        self.policy.theta["theta"].assign(value)

    def sample(self, rng: np.random.Generator) -> list["Samples"]:
        """The trajectories of all instances before and after their step of adaptation."""
        from meta_policy_search.adaptation import adaptation_rounds

        n_tasks, _ = self._sampler.batch_shape
        params = self.policy.stacked_theta(n_tasks)
        before, after = adaptation_rounds(self.algo, self._sampler, WholeReturns(), params, 1, rng)
        return credited(before.samples, after.samples)

    def meta_gradient(self, batches: Sequence["Samples"]) -> np.ndarray:
        """grad J [2], the mean over instances: minus the gradient of the algorithm's loss."""
        _, gradient = self.algo.meta_gradient(batches)
        return -gradient["theta"].numpy()


def make_algorithm(formulation: Formulation, policy: "MetaPolicy", inner_lr: float) -> "MAMLAlgo":
    """The package's algorithm whose meta-gradient is the formulation's."""
    from meta_policy_search.meta_algos.dice_maml import DICEMAML
    from meta_policy_search.meta_algos.vpg_maml import VPGMAML

    if formulation == "I":
        return DICEMAML(policy, inner_lr=inner_lr)
    return VPGMAML(policy, inner_type="log_likelihood", exploration=True, inner_lr=inner_lr)


class WholeReturns:
    """The sample processor of the experiment; see `whole_return_samples`."""

    def process_samples(self, trajectories: "Trajectories") -> tuple["Samples", dict[str, float]]:
        """Return the samples, and no statistics."""
        return whole_return_samples(trajectories), {}


def whole_return_samples(trajectories: "Trajectories") -> "Samples":
    """Samples in which every action is credited with the whole undiscounted return, as in the paper's formulas.

    Weights 1 / R make a task's mean the mean over its trajectories of sums over steps. DiCE's reward of an episode stands at
    its last step, where the magic box holds the log-probability of the whole trajectory.
    """
    from meta_policy_search.types import Samples

    n_tasks, n_rollouts, horizon = trajectories.rewards.shape
    dtype = np.float64
    returns = np.repeat(trajectories.rewards.sum(axis=2, keepdims=True), horizon, axis=2)
    return Samples(
        observations=trajectories.observations.astype(dtype),
        actions=trajectories.actions.astype(dtype),
        start=trajectories.start,
        weights=np.full(returns.shape, 1.0 / n_rollouts),
        agent_infos={name: value.astype(dtype) for name, value in trajectories.agent_infos.items()},
        adj_avg_rewards=np.zeros(n_tasks),
        advantages=returns,
        adjusted_rewards=returns * (np.arange(horizon) == horizon - 1),
    )


def credited(before: "Samples", after: "Samples") -> list["Samples"]:
    """The two rounds with formulation II's credit for the first: grad log P(tau_1 ... tau_N) mean R'.

    E-MAML's term of the package takes the mean over trajectories; the formula has the sum over all N of them.
    """
    n_rollouts = before.advantages.shape[1]
    return [before, after._replace(adj_avg_rewards=n_rollouts * after.advantages[:, :, 0].mean(axis=1))]
