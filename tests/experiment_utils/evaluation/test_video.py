import imageio.v3 as imageio
import numpy as np
import pytest

from experiment_utils.evaluation.video import CAPTION_HEIGHT, VideoError, side_by_side, write_video

BLACK, GREY = np.zeros((40, 60, 3), np.uint8), np.full((40, 60, 3), 128, np.uint8)


def test_pictures_stand_side_by_side_below_their_captions():
    frame = side_by_side([BLACK, GREY], ["before", "after"])
    assert frame.shape == (40 + CAPTION_HEIGHT, 120, 3)
    np.testing.assert_array_equal(frame[CAPTION_HEIGHT:, :60], BLACK)
    np.testing.assert_array_equal(frame[CAPTION_HEIGHT:, 60:], GREY)
    assert frame[:CAPTION_HEIGHT, :60].min() < 50 < 250 < frame[:CAPTION_HEIGHT, :60].max()  # black on white
    assert not np.array_equal(frame[:CAPTION_HEIGHT, :60], frame[:CAPTION_HEIGHT, 60:])


@pytest.mark.parametrize("ending", [".mp4", ".gif"])
def test_film_has_all_frames_in_order(tmp_path, ending):
    path = tmp_path / "new" / f"film{ending}"
    write_video([BLACK, GREY, BLACK], path, fps=20)
    film = imageio.imread(path, plugin="FFMPEG") if ending == ".mp4" else imageio.imread(path, index=None)
    assert film.shape == (3, 40, 60, 3)
    np.testing.assert_allclose(film.mean(axis=(1, 2, 3)), [0, 128, 0], atol=4)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_width_scales_the_film(tmp_path):
    write_video([BLACK, GREY], tmp_path / "film.gif", fps=20, width=30)
    assert imageio.imread(tmp_path / "film.gif", index=None).shape == (2, 20, 30, 3)


def test_other_endings_get_a_sentence(tmp_path):
    with pytest.raises(VideoError, match=r"ends in \.mp4 or \.gif"):
        write_video([BLACK], tmp_path / "film.avi", fps=20)
