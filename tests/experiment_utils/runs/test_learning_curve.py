import matplotlib.image
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from experiment_utils.algorithms import algorithm
from experiment_utils.runs.learning_curve import BEFORE, draw_learning_curve


@pytest.mark.parametrize("name", ["ProMP", "LVC-VPG"])
def test_the_curve_after_adaptation_has_the_algorithms_colour(tmp_path, name):
    rows = [f"{n},{100 * n},{n},{-n}" for n in range(9)]
    (tmp_path / "progress.csv").write_text(
        "\n".join(["Itr,n_timesteps,Step_1-AverageReturn,Step_0-AverageReturn", *rows, ""])
    )
    draw_learning_curve(tmp_path / "progress.csv", 1, "title", [tmp_path / "curve.png"], algorithm(name).colour)
    pixels = matplotlib.image.imread(tmp_path / "curve.png")[..., :3]
    for colour in (algorithm(name).colour, BEFORE):
        assert (np.abs(pixels - to_rgb(colour)).max(axis=-1) < 0.01).sum() > 100
