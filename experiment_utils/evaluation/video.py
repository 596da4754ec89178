"""Films of a policy: pictures side by side, captions, and files."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from experiment_utils.config import ConfigError

CAPTION_HEIGHT = 34  # pixels
FORMATS = (".mp4", ".gif")


class VideoError(ConfigError):
    """A film that can't be written as asked."""


def side_by_side(pictures: Sequence[np.ndarray], captions: Sequence[str]) -> np.ndarray:
    """Pictures [h, w, 3] uint8 of equal size in a row, a caption above each: [h + 34, n w, 3] uint8."""
    return np.concatenate([captioned(*pair) for pair in zip(pictures, captions, strict=True)], axis=1)


def captioned(picture: np.ndarray, caption: str) -> np.ndarray:
    """A picture [h, w, 3] uint8 below a line of text: [h + 34, w, 3] uint8."""
    line = Image.new("RGB", (picture.shape[1], CAPTION_HEIGHT), "white")
    font = ImageFont.load_default(size=CAPTION_HEIGHT // 2)
    ImageDraw.Draw(line).text((8, CAPTION_HEIGHT // 4), caption, fill="black", font=font)
    return np.concatenate([np.asarray(line), picture])


def require_format(path: Path) -> None:
    """Raise VideoError for a name that no video can have.

    Raises:
      VideoError: the name does not end in .mp4 or .gif.
    """
    if path.suffix not in FORMATS:
        raise VideoError(f"--video {path}: a film's name ends in {' or '.join(FORMATS)}")


def write_video(frames: Iterable[np.ndarray], path: Path, fps: float, width: int | None = None) -> None:
    """Writes frames [h, w, 3] uint8 as .mp4 (H.264) or .gif (endless), whole or not at all.

    Args:
      fps: pictures per second; a .gif rounds it to 100 / n.
      width: in pixels, to make it smaller; None keeps the size.

    Raises:
      VideoError: see `require_format`.
      OSError: the file can't be written.
    """
    require_format(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}")
    partial.touch()  # a place that can't be written raises before anything is drawn
    try:
        _write(np.stack([_resized(frame, width) for frame in frames]), partial, fps)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _write(frames: np.ndarray, path: Path, fps: float) -> None:
    if path.suffix == ".mp4":
        even = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2]  # as H.264 needs it
        imageio.imwrite(path, even, plugin="FFMPEG", fps=fps, codec="libx264", macro_block_size=1, extension=".mp4")
    else:
        imageio.imwrite(path, frames, plugin="pillow", duration=1000 / fps, loop=0, extension=".gif")


def _resized(frame: np.ndarray, width: int | None) -> np.ndarray:
    if width is None:
        return frame
    height = round(frame.shape[0] * width / frame.shape[1])
    return np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.LANCZOS))
