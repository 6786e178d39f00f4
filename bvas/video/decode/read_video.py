"""`read_video`: a whole video in memory, as RGB with its sound."""

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.values.units import bytes_text
from bvas.video.container.open_container import open_media
from bvas.video.container.read_options import file_of
from bvas.video.decode.open_video import open_video
from bvas.video.decode.sound_frames import first_sound, sound_frames
from bvas.video.index.frame_table import VideoInfo

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class WholeVideo:
    """Pictures and sound of a video."""

    frames: "Tensor"
    """RGB uint8 [T, H, W, 3], upright."""
    sound: "Tensor"
    """float32 [C, N], mostly in [-1, 1], beginning with the first frame; [0, 0] without sound."""
    frame_rate: float
    """Frames per second; the average where it varies."""
    sample_rate: int
    """Samples of the sound per second; 0 without sound."""


def read_video(path: Path | str, *, max_bytes: int = 1 << 32) -> WholeVideo:
    """Read a whole video into memory: its frames as RGB, and its first sound.

    >>> video = read_video("clip.mp4")  # doctest: +SKIP
    >>> video.frames.shape, video.sound.shape, video.frame_rate, video.sample_rate  # doctest: +SKIP
    (torch.Size([255, 720, 1280, 3]), torch.Size([2, 407552]), 29.97002997002997, 48000)

    Args:
        path: A video file, or a folder of numbered pictures.
        max_bytes: Largest memory of the result.

    Raises:
        DecodeError: the file cannot be read, or a frame of it is lost.
        ConfigError: the result would take more than `max_bytes`.
    """
    import torch

    path = file_of(path)
    with open_video(path, "pyav", channels="rgb") as reader:
        info = reader.info
        num_bytes = info.num_frames * math.prod(reader.frame_shape)
        _check_room(info, num_bytes, max_bytes, "as a whole")
        sound, sample_rate = _sound_of(path, info, num_bytes, max_bytes)
        frames = torch.empty((info.num_frames, *reader.frame_shape), dtype=torch.uint8)
        reader.read_into(range(info.num_frames), frames.numpy())
    return WholeVideo(frames, torch.from_numpy(sound), float(info.rate), sample_rate)


def _check_room(info: VideoInfo, num_bytes: int, max_bytes: int, what: str) -> None:
    if num_bytes > max_bytes:
        raise ConfigError(
            f"{info.path.name} takes {bytes_text(num_bytes)} {what}, above max_bytes ({bytes_text(max_bytes)}); "
            'read it in pieces: for first, frames in open_video(path, channels="rgb").stream(): ..., or allow more'
        )


def _sound_of(path: Path, info: VideoInfo, num_bytes: int, max_bytes: int) -> tuple[NDArray[np.float32], int]:
    """Return the sound, float32 [C, N], and its samples per second.

    Args:
        path: The file.
        info: Its facts.
        num_bytes: Memory of the pictures.
        max_bytes: Largest memory of both.
    """
    nothing = np.empty((0, 0), np.float32), 0
    if path.is_dir():
        return nothing
    with open_media(str(path.absolute())) as container:
        stream = first_sound(container)
        if stream is None:
            return nothing
        start = Fraction(info.start_seconds).limit_denominator(10**9)
        pieces, rate = [], 0
        for frame in sound_frames(container, stream, start):
            pieces.append(frame.to_ndarray())
            rate = frame.sample_rate
            num_bytes += pieces[-1].nbytes
            _check_room(info, num_bytes, max_bytes, "with its sound")
    return (np.concatenate(pieces, axis=1), rate) if pieces else nothing
