"""visualize.py as a user calls it."""

import importlib.util
from pathlib import Path

import imageio.v3 as imageio
import pytest

from experiment_utils.commands.visualize import main
from experiment_utils.evaluation import use_run
from experiment_utils.evaluation.video import CAPTION_HEIGHT
from meta_policy_search.envs.base import SimulationError
from meta_policy_search.envs.point_envs.point_env_2d import MetaPointEnv
from tests.experiment_utils.small_runs import SMALL, small, train

PICTURE = 400  # pixels, of a point mass


@pytest.fixture(autouse=True)
def configured(monkeypatch):
    """`configure_tensorflow` works only before TensorFlow's first operation, and some test has had it."""
    monkeypatch.setattr(use_run, "configure_tensorflow", lambda: None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("run")
    train(path, small(inner_lr=5.0))  # so that adaptation is seen
    return path


def test_film_of_a_run_has_a_frame_per_step(folder, capsys):
    assert main([str(folder), "--itr", "last", "--task", "[1.0, -2.0]"]) == 0
    film = imageio.imread(folder / "video.mp4", plugin="FFMPEG")
    assert film.shape == (SMALL["max_path_length"], PICTURE + 2 * CAPTION_HEIGHT, 2 * PICTURE, 3)
    assert "after 1 step on 2 rollouts" in capsys.readouterr().out
    assert (film[0] != film[-1]).any()


def test_the_environments_of_a_film_are_closed(folder, tmp_path, monkeypatch):
    closed = []
    monkeypatch.setattr(MetaPointEnv, "close", lambda self: closed.append(self.render_mode))
    assert main([str(folder), "--itr", "last", "--video", str(tmp_path / "film.gif"), "--max_path_length", "2"]) == 0
    assert closed.count("rgb_array") == 2


def test_settings_of_the_film_change_it(folder, tmp_path):
    def filmed(name, *argv):
        assert main([str(folder), "--video", str(tmp_path / name), "--max_path_length", "3", "--itr", "0", *argv]) == 0
        return imageio.imread(tmp_path / name, index=None)

    base = filmed("base.gif")
    assert (filmed("again.gif") == base).all()
    for number, argv in enumerate(
        (["--sample"], ["--steps", "3"], ["--seed", "1"], ["--task", "[2, 2]"], ["--rollouts", "9"])
    ):
        assert (filmed(f"{number}.gif", *argv) != base).any(), argv
    assert filmed("small.gif", "--width", "200").shape[2] == 200
    assert len(filmed("short.gif", "--max_path_length", "2")) == 2


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--video", "film.avi"], "ends in .mp4 or .gif"),
        (["--task", "left"], "is not JSON"),
        (["--task", "[1, 2, 3]"], "must be like"),
        (["--itr", "7"], "no policy snapshot '7'"),
        (["--vidoe", "film.mp4"], "did you mean '--video'"),
        (["--max_path_length", "0"], "max_path_length is 0; it must be a positive whole number"),
        (["--video", f"{__file__}/film.mp4"], "is not a directory"),
        (["--window"], "--window needs a display, and DISPLAY is not set; make a film instead: --video film.mp4"),
        (["--window", "--width", "100"], "--width has no effect on --window"),
        (["--width", "1"], "width is 1; it must be a whole number, 16 or more"),
        (["--video", "/proc/film.mp4"], "can't read or write"),
    ],
)
def test_mistakes_get_one_sentence(folder, capsys, monkeypatch, argv, sentence):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert main([str(folder), *argv]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_folder_without_a_run_gets_a_sentence(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert "there is no run in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("missing", "video", "sentence"),
    [
        (
            "imageio_ffmpeg",
            "film.mp4",
            "pip install imageio-ffmpeg, or name a film that ends in .gif",
        ),
        ("imageio", "film.gif", "needs the package imageio: pip install imageio\n"),
        ("PIL", "film.gif", "needs the package pillow: pip install pillow\n"),
    ],
)
def test_a_package_that_is_not_installed_is_named_before_anything_is_computed(
    folder, capsys, monkeypatch, missing, video, sentence
):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == missing else find(name, *rest))
    assert main([str(folder), "--video", str(folder / video)]) == 2
    assert sentence in capsys.readouterr().err


def test_a_missing_ffmpeg_is_named_before_anything_is_computed(folder, capsys, monkeypatch):
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/nowhere/ffmpeg")
    assert main([str(folder), "--video", str(folder / "film.mp4")]) == 2
    assert "needs the program /nowhere/ffmpeg, which is not there" in capsys.readouterr().err


def test_a_display_that_does_not_answer_is_named_before_anything_is_computed(folder, capsys, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert main([str(folder), "--window"]) == 2
    assert "--window needs a display, and none answers at DISPLAY=:987; make a film instead" in capsys.readouterr().err


def test_a_window_without_a_toolkit_is_refused():
    env = MetaPointEnv(render_mode="human")
    with pytest.raises(SimulationError, match="no window can be opened here: matplotlib has no toolkit for it"):
        env.reset(seed=0)
