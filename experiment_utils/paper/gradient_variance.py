"""How much the meta-gradient varies from one sampling round to the next: figure 3's statistics, and what measures them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import tensorflow as tf

from experiment_utils.algorithms import Build
from experiment_utils.builders import Components
from experiment_utils.paper.variance_config import GradientVarianceConfig
from meta_policy_search.adaptation import adaptation_rounds
from meta_policy_search.meta_algos.base import MAMLAlgo
from meta_policy_search.types import Params, Samples

if TYPE_CHECKING:
    from meta_policy_search.adaptation import SampleProcessor
    from meta_policy_search.samplers.meta_sampler import MetaSampler

EPSILON = 1e-8  # the original's, on the meta-gradient's mean only


def meta_gradient_statistics(gradients: np.ndarray) -> dict[str, float]:
    """How gradients [R, J] of R rounds vary, s_j their population deviation and m_j the size of their mean over rounds.

    Mean: mean_j m_j. Std: mean_j s_j. RStd (figure 3): mean_j s_j / (m_j + 1e-8). RVariance: mean_j s_j^2 / (m_j + 1e-8).
    CosAbs, CosVar, CosStd: mean |d|, mean d^2 and its root, d the cosine distance of each round's gradient to the mean
    gradient. RStd grows with R (the mean of more rounds of noise is smaller): compare at equal R. It is dominated by the
    coordinates with a mean near 0, and so varies from seed to seed; CosAbs has no such weakness. Of pure noise it is about
    1 - 1 / sqrt(R), which is 0.78 for R = 20. A gradient of 0, as of a round without any reward, has no direction: its
    distance counts as 1, that of an orthogonal one.
    """
    mean, deviation = gradients.mean(axis=0), gradients.std(axis=0)
    size = np.abs(mean)
    norms = np.linalg.norm(gradients, axis=1) * np.linalg.norm(mean)
    distances = 1.0 - _quotient(gradients @ mean, norms)
    return {
        "Meta-GradientMean": float(size.mean()),
        "Meta-GradientStd": float(deviation.mean()),
        "Meta-GradientRStd": float((deviation / (size + EPSILON)).mean()),
        "Meta-GradientRVariance": float((deviation**2 / (size + EPSILON)).mean()),
        "Meta-GradientCosAbs": float(np.abs(distances).mean()),
        "Meta-GradientCosVar": float((distances**2).mean()),
        "Meta-GradientCosStd": float(np.sqrt((distances**2).mean())),
    }


def inner_gradient_statistics(gradients: np.ndarray) -> dict[str, float]:
    """The same for the tasks' inner gradients [R, N, J], averaged over tasks, without epsilon; 0 / 0 is 0.

    The original's mean of the inner gradient is that of the last task, under a key with an unformatted %i; here of all.
    """
    size, deviation = np.abs(gradients.mean(axis=0)), gradients.std(axis=0)
    return {
        "Step_0-GradientMean": float(size.mean()),
        "Step_0-GradientStd": float(deviation.mean()),
        "Step_0-GradientRStd": float(_quotient(deviation, size).mean()),
    }


def _quotient(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, with 0 / 0 = 0."""
    return np.divide(a, b, out=np.zeros_like(a), where=(a != 0) | (b != 0))


STATISTICS = (*meta_gradient_statistics(np.ones((2, 1))), *inner_gradient_statistics(np.ones((2, 1, 1))))


class MeasuredAlgo(tf.Module):
    """An algorithm that, before each meta-update, draws further sampling rounds at theta and logs how its gradient varies.

    The trainer's own round is the first of the R; the meta-update uses it alone, and env steps count it alone, as in the
    original. The original updates on the last round, which is the same in distribution.

    Args:
      algo: the algorithm measured; everything else of it is unchanged.
      sampler, sample_processor, rng: the run's.
      settings: sampling_rounds, measure_every, round_tasks.
    """

    def __init__(
        self,
        algo: MAMLAlgo,
        sampler: "MetaSampler",
        sample_processor: "SampleProcessor",
        rng: np.random.Generator,
        settings: GradientVarianceConfig,
    ):
        super().__init__()
        self.algo, self.settings = algo, settings
        self._sampler, self._processor, self._rng = sampler, sample_processor, rng
        self._iteration = tf.Variable(0, dtype=tf.int64)
        self._last = tf.Variable(tf.zeros(len(STATISTICS), tf.float64))
        if settings.round_tasks == "previous":
            tasks = [sampler.envs.default_task()] * sampler.batch_shape[0]
            self._previous_tasks = tf.Variable(np.array(tasks, np.float64))
        # what the trainer uses of an algorithm
        self.policy, self.theta, self.adapt = algo.policy, algo.theta, algo.adapt
        self.num_inner_grad_steps, self.reads = algo.num_inner_grad_steps, algo.reads

    def optimize_policy(self, batches: Sequence[Samples]) -> dict[str, float]:
        """Measures, then takes the algorithm's own step."""
        if int(self._iteration) % self.settings.measure_every == 0:
            measured = self._measure(batches)
            self._last.assign([measured[name] for name in STATISTICS])
        if self.settings.round_tasks == "previous":
            self._previous_tasks.assign(np.asarray(self._sampler.tasks, np.float64))
        self._iteration.assign_add(1)
        metrics = self.algo.optimize_policy(batches)
        return {**metrics, **dict(zip(STATISTICS, self._last.numpy().tolist(), strict=True))}

    def _measure(self, batches: Sequence[Samples]) -> dict[str, float]:
        if self.settings.round_tasks == "previous":
            n_rollouts = self._sampler.batch_shape[1]
            self._sampler.envs.set_tasks(np.repeat(self._previous_tasks.numpy(), n_rollouts, axis=0))
        rounds = [round_gradients(self.algo, batches)]
        further = range(self.settings.sampling_rounds - 1)
        rounds += [sampled_gradients(self.algo, self._sampler, self._processor, self._rng) for _ in further]
        return gradient_statistics(rounds)


def sampled_gradients(
    algo: MAMLAlgo, sampler: "MetaSampler", sample_processor: "SampleProcessor", rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """`round_gradients` of one more round at theta, with the samples of the steps 0..K."""
    params, steps = algo.policy.stacked_theta(sampler.batch_shape[0]), algo.num_inner_grad_steps
    rounds = adaptation_rounds(algo, sampler, sample_processor, params, steps, rng)
    return round_gradients(algo, [found.samples for found in rounds])


def round_gradients(algo: MAMLAlgo, batches: Sequence[Samples]) -> tuple[np.ndarray, np.ndarray]:
    """The meta-gradient [J] and the tasks' inner gradients [N, J] on the samples of one round."""
    batches = tf.nest.map_structure(tf.convert_to_tensor, tuple(batches))
    _, meta = algo.meta_gradient(batches)
    return flat(meta), flat(inner_gradient(algo, batches[0]), tasks=True)


def gradient_statistics(rounds: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Both kinds of statistics of the gradients of R rounds."""
    meta, inner = (np.array(gradients, np.float64) for gradients in zip(*rounds, strict=True))
    return {**meta_gradient_statistics(meta), **inner_gradient_statistics(inner)}


def inner_gradient(algo: MAMLAlgo, samples: Samples) -> dict[str, tf.Tensor]:
    """grad L_inner(theta; D_i) of each task, [N, ...] by name."""
    params = algo.policy.stacked_theta(samples.observations.shape[0])
    with tf.GradientTape() as tape:
        tape.watch(params)
        loss = tf.reduce_sum(algo.inner_loss(algo.policy.distribution(params, samples.observations), samples))
    return tape.gradient(loss, params)


def flat(gradient: Params, tasks: bool = False) -> np.ndarray:
    """All entries [J] in the order of their names; with a leading task axis [N, J]."""
    rows = [np.reshape(gradient[name], (len(gradient[name]) if tasks else 1, -1)) for name in sorted(gradient)]
    joined = np.concatenate(rows, axis=1)
    return joined if tasks else joined[0]


def measured(build: Build, config: GradientVarianceConfig, rng: np.random.Generator) -> Components:
    """The components that a run script builds, with its algorithm measured."""
    components = build(config, rng)
    algo = cast("MAMLAlgo", MeasuredAlgo(*components, rng, config))  # it has all that a trainer uses
    return Components(algo, components.sampler, components.sample_processor)
