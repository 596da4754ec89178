"""Films of a policy: pictures side by side, captions, and files."""

import importlib.util
import os
import re
import shutil
import socket
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from experiment_utils.validation import ConfigError
from meta_policy_search.utils.atomic_write import replacing

CAPTION_HEIGHT = 34  # pixels
NEEDED = {".mp4": ("imageio", "PIL", "imageio_ffmpeg"), ".gif": ("imageio", "PIL")}  # packages that write each format


class VideoError(ConfigError):
    """A film that can't be written as asked."""


def side_by_side(pictures: Sequence[np.ndarray], captions: Sequence[str]) -> np.ndarray:
    """Pictures [h, w, 3] uint8 of equal size in a row, a caption above each: [h + 34, n w, 3] uint8."""
    return np.concatenate([captioned(*pair) for pair in zip(pictures, captions, strict=True)], axis=1)


def captioned(picture: np.ndarray, caption: str) -> np.ndarray:
    """A picture [h, w, 3] uint8 below a line of text: [h + 34, w, 3] uint8."""
    from PIL import Image, ImageDraw, ImageFont  # an optional package

    line = Image.new("RGB", (picture.shape[1], CAPTION_HEIGHT), "white")
    font = ImageFont.load_default(size=CAPTION_HEIGHT // 2)
    ImageDraw.Draw(line).text((8, CAPTION_HEIGHT // 4), caption, fill="black", font=font)
    return np.concatenate([np.asarray(line), picture])


def require_format(path: Path) -> None:
    """Raise VideoError for a video that can't be written here.

    Raises:
      VideoError: the name does not end in .mp4 or .gif, or a package or program is missing.
    """
    if path.suffix not in NEEDED:
        raise VideoError(f"--video {path}: a film's name ends in {' or '.join(NEEDED)}")
    missing = [name for name in NEEDED[path.suffix] if importlib.util.find_spec(name) is None]
    or_gif = " or name a film that ends in .gif" if missing == ["imageio_ffmpeg"] else ""
    if missing:
        package = {"PIL": "pillow"}.get(missing[0], missing[0].replace("_", "-"))
        raise VideoError(f"a {path.suffix} film needs the package {package}: pip install {package},{or_gif}".rstrip(","))
    if path.suffix == ".mp4":
        _require_ffmpeg()


def _require_ffmpeg() -> None:
    import imageio_ffmpeg

    try:
        program = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        program = "ffmpeg"
    if shutil.which(program) is None:
        raise VideoError(f"a .mp4 film needs the program {program}, which is not there: install it, or name a .gif film")


def has_display() -> bool:
    """Whether windows can be shown, as far as the environment variables say."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def require_display() -> None:
    """Raise VideoError where no window can be shown."""
    instead = "make a film instead: --video film.mp4"
    if not has_display():
        raise VideoError(f"--window needs a display, and DISPLAY is not set; {instead}")
    local = re.fullmatch(r":(\d+)(\.\d+)?", os.environ.get("DISPLAY", ""))
    if local and not os.environ.get("WAYLAND_DISPLAY") and not _answers(f"/tmp/.X11-unix/X{local[1]}"):  # noqa: S108, the X server's
        raise VideoError(f"--window needs a display, and none answers at DISPLAY={local[0]}; {instead}")


def _answers(path: str) -> bool:
    """Whether a local X server listens, on a socket of this path or of the same abstract name."""
    for address in (path, f"\0{path}"):
        with socket.socket(socket.AF_UNIX) as connection:
            if connection.connect_ex(address) == 0:
                return True
    return False


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
    with replacing(path, ending=path.suffix) as partial:
        partial.touch()  # a place that can't be written raises before anything is drawn
        _write(np.stack([_resized(frame, width) for frame in frames]), partial, fps)


def _write(frames: np.ndarray, path: Path, fps: float) -> None:
    import imageio.v3 as imageio  # an optional package

    if path.suffix == ".mp4":
        even = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2]  # as H.264 needs it
        imageio.imwrite(path, even, plugin="FFMPEG", fps=fps, codec="libx264", macro_block_size=1, extension=".mp4")
    else:
        imageio.imwrite(path, frames, plugin="pillow", duration=1000 / fps, loop=0, extension=".gif")


def _resized(frame: np.ndarray, width: int | None) -> np.ndarray:
    if width is None:
        return frame
    from PIL import Image

    height = round(frame.shape[0] * width / frame.shape[1])
    return np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.LANCZOS))
