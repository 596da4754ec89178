"""The meta-gradients of the paper, written by hand for the quadratic policy: the check on automatic differentiation."""

import numpy as np

from meta_policy_search.types import Samples


def hand_gradient(formulation: str, theta: np.ndarray, inner_lr: float, before: Samples, after: Samples) -> np.ndarray:
    """grad J [2] = mean over instances of grad J_post + grad J_pre (paper, equations 1-3 and appendix A).

    With g_n, H_n first and second derivative of log P(tau_n) at theta, R_n the return, primes for after adaptation (g'_n at
    theta'), and means over the N trajectories of an instance:

        theta' = theta + alpha mean g_n R_n          G' = mean g'_n R'_n
        grad J_post = (I + alpha mean H_n R_n) G'
        grad J_pre  = alpha mean g_n R_n (g_n . G')  in formulation I (equation 3)
        grad J_pre  = (sum g_n) mean R'_n            in formulation II

    The paper's equation 2 has alpha before formulation II's term; differentiating its J^II gives none (R(tau') is weighted
    by P(tau_1 ... tau_N | theta), whose score is the sum of the g_n), and neither does the package's E-MAML term.
    """
    gradients = []
    for i in range(len(before.actions)):
        score, hessian = _scores(theta, before, i), _hessians(before, i)
        returns, returns_after = before.advantages[i, :, 0], after.advantages[i, :, 0]
        adapted = theta + inner_lr * np.mean(score * returns[:, None], axis=0)
        outer = np.mean(_scores(adapted, after, i) * returns_after[:, None], axis=0)
        post = outer + inner_lr * np.mean(hessian * returns[:, None, None], axis=0) @ outer
        if formulation == "I":
            pre = inner_lr * np.mean(score * (returns * (score @ outer))[:, None], axis=0)
        else:
            pre = score.sum(axis=0) * returns_after.mean()
        gradients.append(post + pre)
    return np.mean(gradients, axis=0)


def _features(samples: Samples, i: int) -> np.ndarray:
    """d mean / d theta, [R, T, 2]."""
    states = samples.observations[i, :, :, 0]
    return np.stack([states**2, np.ones_like(states)], axis=-1)


def _scores(theta: np.ndarray, samples: Samples, i: int) -> np.ndarray:
    """grad log P(tau_n), [R, 2]."""
    features = _features(samples, i)
    residuals = samples.actions[i, :, :, 0] - features @ theta
    return (residuals[..., None] * features).sum(axis=1)


def _hessians(samples: Samples, i: int) -> np.ndarray:
    """Second derivative of log P(tau_n), [R, 2, 2]."""
    features = _features(samples, i)
    return -np.einsum("rti,rtj->rij", features, features)
