"""ProMP from a theta whose kernels are the beginnings of one stream of draws.

An unseeded GlorotUniform object of tf_keras that several layers share gives each of them the same draws, which TensorFlow 1
did not. docs/results.md asks whether the fast courses of the original's code on half-cheetah are an artefact of that.
"""

import dataclasses
import math
import sys
from typing import TYPE_CHECKING, Literal

import numpy as np

from experiment_utils.algorithm_configs import ProMPConfig
from experiment_utils.algorithms import algorithm
from experiment_utils.experiment import main

if TYPE_CHECKING:
    from experiment_utils.builders import Components


@dataclasses.dataclass(frozen=True)
class SharedStreamConfig(ProMPConfig):
    """ProMP's settings, and how theta is drawn."""

    algo = "ProMP"
    kernel_draws: Literal["shared", "independent"] = "shared"
    """Kernels from the beginning of one stream of U(-1, 1), or, as everywhere else, each with draws of its own."""


DEFAULTS = SharedStreamConfig()


def build(config: SharedStreamConfig, rng: np.random.Generator) -> "Components":
    """Return the components of ProMP; with `shared`, with other kernels."""
    components = algorithm("ProMP").build(config, rng)
    if config.kernel_draws == "shared":
        kernels = {name: variable for name, variable in components.algo.theta.items() if name.endswith("/kernel")}
        shapes = {name: tuple(variable.shape) for name, variable in kernels.items()}
        for name, value in shared_stream(shapes, rng).items():
            kernels[name].assign(value)
    return components


def shared_stream(shapes: dict[str, tuple[int, int]], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Kernels [in, out]: Glorot's limit sqrt(6 / (in + out)) times the first in * out numbers of one U(-1, 1) stream."""
    stream = rng.uniform(-1.0, 1.0, max(math.prod(shape) for shape in shapes.values()))
    return {name: math.sqrt(6.0 / sum(shape)) * stream[: math.prod(shape)].reshape(shape) for name, shape in shapes.items()}


if __name__ == "__main__":
    sys.exit(main(DEFAULTS, build, __doc__))
