"""The two-parameter policy of the poster's picture."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from typing_extensions import override

from meta_policy_search.policies.base import MetaPolicy
from meta_policy_search.types import ArrayParams, Params

ACTION_LIMIT = 2.0  # m


class QuadraticPolicy(MetaPolicy):
    """pi_theta(a | s) = N(a; theta_0 s^2 + theta_1, 1); s and a in m.

    theta starts at (0, 0). As in the original, actions are clipped to [-2, 2], and it is the clipped action whose
    log-probability counts; `clipped=False` leaves the clipping to the environment.
    """

    obs_dim = 1

    def __init__(self, clipped: bool = True, dtype: tf.DType = tf.float64):
        super().__init__(np.random.default_rng(0), dtype)
        self.limit = ACTION_LIMIT if clipped else np.inf

    @override
    def init_params(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        return {"theta": np.zeros(2)}

    @override
    def distribution(self, params: Params, observations: tf.Tensor) -> tfp.distributions.Distribution:
        theta = params["theta"]
        if theta.shape.rank == 2:  # [N, 2] beside observations [N, R, T, 1]
            theta = tf.reshape(theta, [-1, *[1] * (observations.shape.rank - 2), 2])
        mean = theta[..., :1] * observations**2 + theta[..., 1:]
        return self.distribution_of({"mean": mean, "log_std": tf.zeros_like(mean)})

    @override
    def agent_infos(self, distribution: tfp.distributions.Distribution) -> dict[str, tf.Tensor]:
        mean = distribution.distribution.loc
        return {"mean": mean, "log_std": tf.zeros_like(mean)}

    @override
    def distribution_of(self, agent_infos: dict[str, tf.Tensor]) -> tfp.distributions.Distribution:
        normal = tfp.distributions.Normal(agent_infos["mean"], tf.exp(agent_infos["log_std"]))
        return tfp.distributions.Independent(normal, reinterpreted_batch_ndims=1)

    @override
    def noise(self, rng: np.random.Generator, batch_shape: tuple[int, ...]) -> np.ndarray:
        return rng.standard_normal((*batch_shape, 1))

    @override
    def act(
        self, params: ArrayParams, observations: np.ndarray, noise: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        theta = params["theta"][:, np.newaxis, np.newaxis]
        mean = theta[..., 0] * observations**2 + theta[..., 1]
        return np.clip(mean + noise, -self.limit, self.limit), {"mean": mean, "log_std": np.zeros_like(mean)}

    @override
    def diagnostics(self, agent_infos: dict[str, np.ndarray], mask: np.ndarray) -> dict[str, float]:
        return {"AveragePolicyStd": 1.0}
