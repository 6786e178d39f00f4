"""Numbered pictures of the frames of a video, as PNG or JPEG files: upright, in RGB, with square pixels."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np

from bvas.cutting.clip_names import check_free, picture_name
from bvas.cutting.cut_list import joined_cuts
from bvas.cutting.interval_cuts import interval_cuts
from bvas.data.interval_files import IntervalFile
from bvas.errors import ConfigError, DataError, DecodeError
from bvas.system.atomic_files import check_writable, new_folder
from bvas.system.interrupts import InterruptsDelayed
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.decode.damage_scan import ranges_of
from bvas.video.decode.open_video import open_video
from bvas.video.encode.stretches import SourceVideo
from bvas.video.index.video_index import build_index

PictureFormat = Literal["png", "jpg"]
_JPEG_QUALITY = 95


@dataclass(frozen=True, kw_only=True, slots=True)
class FramePictures:
    """Pictures that were written."""

    paths: tuple[Path, ...]
    """In order of the frames."""
    lost: tuple[range, ...]
    """Chosen frames that cannot be decoded, which have no picture."""


def write_frames(
    video: Path,
    folder: Path,
    *,
    every: int = 1,
    intervals: IntervalFile | None = None,
    format: PictureFormat = "png",
    strict: bool = False,
    overwrite: bool = False,
    reading: ReadOptions = DEFAULT_READING,
    progress: Callable[[int, int], None] | None = None,
) -> FramePictures:
    """Write pictures of frames, named by the numbers of the frames in the video; all or none.

    Args:
        video: The video.
        folder: Where they go.
        every: Each so manieth frame, counted from the first one of the video, or of each interval.
        intervals: Only frames of these.
        format: `png` keeps every pixel, `jpg` is smaller.
        strict: Raise where a frame cannot be decoded; else it has no picture.
        overwrite: Replace pictures that exist.
        reading: Which stream of the video is read, and how.
        progress: Called with the frames done and all there are.

    Raises:
        ConfigError: `every` below 1, an unknown format, or a picture that exists.
        DataError: the intervals are of another video, or a picture cannot be written.
        DecodeError: the video cannot be read, or `strict` and a frame cannot be decoded.
    """
    if every < 1:
        raise ConfigError(f"every must be at least 1, got {every}")
    if format not in get_args(PictureFormat):
        raise ConfigError(f"unknown format {format!r}; known are {', '.join(get_args(PictureFormat))}")
    index, info = build_index(video, reading=reading)
    numbers = list(range(0, index.num_frames, every))
    if intervals is not None:
        cuts = joined_cuts(interval_cuts(intervals, [SourceVideo(index=index, info=info)]))
        numbers = [number for cut in cuts for number in cut.frames[::every]]
    names = [picture_name(number, index.num_frames, f".{format}") for number in numbers]
    check_free((folder / name for name in names), [video], overwrite=overwrite)
    check_writable(folder, *names[-1:])
    size = info.height, max(1, round(info.width * info.sample_aspect))
    written, lost = [], []
    try:
        with (
            new_folder(folder),
            tempfile.TemporaryDirectory(prefix=".frames-", dir=folder) as unfinished,
            open_video(video, "pyav", size=size, channels="rgb", **reading.keywords) as reader,
        ):
            picture = np.empty((1, *reader.frame_shape), np.uint8)
            for done, (number, name) in enumerate(zip(numbers, names, strict=True), 1):
                try:
                    reader.read_into([number], picture)
                except DecodeError as error:
                    if strict or error.lost is None:
                        raise
                    lost.append(number)
                    continue
                Path(unfinished, name).write_bytes(_coded(picture[0], format))
                written.append(name)
                if progress is not None:
                    progress(done, len(numbers))
            if not written:
                raise DecodeError(f"none of the chosen frames of {video} can be decoded", path=video)
            with InterruptsDelayed():
                for name in written:
                    Path(unfinished, name).replace(folder / name)
    except OSError as error:
        raise DataError(
            f"cannot write the pictures to {folder}: {error.strerror or error}; none of them was kept. Make room "
            "there, or choose another folder"
        ) from error
    return FramePictures(paths=tuple(folder / name for name in written), lost=ranges_of(lost))


def _coded(picture: np.ndarray, format: PictureFormat) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if format == "jpg" else []
    is_coded, data = cv2.imencode(f".{format}", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    assert is_coded, picture.shape
    return bytes(data)
