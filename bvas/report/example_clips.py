"""Moving pictures of samples: their frames at the source's rate, and small H.264 files for browsers."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvas.loading.labelled_video import LabelledVideo
from bvas.video.decode.open_video import open_video
from bvas.video.encode.browser_preview import preview_size
from bvas.video.encode.video_writer import VideoWriter
from bvas.video.index.video_index import build_index

MOST_SECONDS = 10.0
"""A longer sample is shown from its beginning for this long."""
MAX_HEIGHT = 240
_CHUNK = 32
_CRF = 26


def sample_frames(video: LabelledVideo) -> tuple[list[int], Fraction]:
    """Return the source frames that are shown of a sample, at least one, and their rate.

    Args:
        video: Its only range is the sample.
    """
    index, _ = build_index(video.path)
    start, stop, _ = video.ranges[0].tolist()
    first, last = int(video.grid.indices[start]), int(video.grid.indices[stop - 1])
    return list(range(first, last + 1))[: max(1, int(MOST_SECONDS * index.rate))], index.rate


def read_sample(video: LabelledVideo, size: tuple[int, int]) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a sample, uint8 [H, W, 3] RGB, padded to a size (H, W).

    Raises:
        DecodeError: a frame cannot be decoded.
    """
    numbers, _ = sample_frames(video)
    with open_video(video.path, "pyav", channels="rgb", size=size) as reader:
        for start in range(0, len(numbers), _CHUNK):
            yield from reader.read_array(numbers[start : start + _CHUNK])


def write_example(video: LabelledVideo, path: Path, *, max_height: int = MAX_HEIGHT) -> None:
    """Write a sample as a small silent video.

    Args:
        video: Its only range is the sample.
        path: `.mp4`.
        max_height: A taller picture is scaled down to it.

    Raises:
        DecodeError: a frame cannot be decoded; no file is left.
        DataError: the file cannot be written.
    """
    _, info = build_index(video.path)
    size = preview_size(info, max_height)
    _, rate = sample_frames(video)
    with VideoWriter(path, size=size, rate=rate, crf=_CRF) as writer:
        for frame in read_sample(video, size):
            writer.write(frame)
