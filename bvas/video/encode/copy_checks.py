"""Checks that all copies share: decodable pictures of the source, and times of the finished copy."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DataError, DecodeError
from bvas.values.plural import count_text
from bvas.video.decode.damage_scan import ranges_of
from bvas.video.decode.pyav_backend import open_backend
from bvas.video.index.frame_table import VideoIndex
from bvas.video.index.video_index import build_index
from bvas.video.index.video_info import VideoInfo


class DecodablePictures:
    """The decodable pictures of a stretch of video, past damage: (number, PyAV's frame).

    Args:
        index: The video's frames.
        info: Facts about it.
        start: First frame.
        stop: Behind the last frame; None for the end.
    """

    def __init__(self, index: VideoIndex, info: VideoInfo, start: int = 0, stop: int | None = None) -> None:
        self._index, self._info = index, info
        self._range = range(start, index.num_frames if stop is None else stop)
        self.sample_aspect: Fraction | None = None
        """Of the picture that came last, as `Backend.sample_aspect`."""
        self._lost: set[int] = set()
        self._damaged: set[int] = set()

    @property
    def lost(self) -> tuple[range, ...]:
        """Frames met so far that cannot be decoded."""
        return ranges_of(sorted(self._lost))

    @property
    def num_damaged(self) -> int:
        """Frames met so far that follow a reported error, and may be wrong."""
        return len(self._damaged)

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        start, stop = self._range.start, self._range.stop
        while start < stop:
            pictures = open_backend(self._index, self._info)
            try:
                for number, picture in pictures.pictures(range(start, stop)):
                    self.sample_aspect = pictures.sample_aspect
                    yield number, picture
                return
            except DecodeError as error:
                if error.lost is None:
                    raise
                self._lost.update(number for number in error.lost if start <= number < stop)
                start = error.lost.stop
            finally:
                self._damaged.update(pictures.damaged)
                pictures.close()


def check_times(part: Path, wanted: NDArray[np.float64], source: VideoIndex, what: str) -> VideoIndex:
    """Refuse a copy whose frames have wrong times; return its frames.

    Args:
        part: The finished copy.
        wanted: Seconds of each of its frames from the start of the file, which is what a player counts from.
        source: The original.
        what: Name of the copy in messages.

    Raises:
        DataError: names the first frame that is off.
    """
    found, info = build_index(part, cache=False)
    fault = ""
    if found.num_frames != len(wanted):
        fault = f"came out with {count_text(found.num_frames, 'frame')} instead of {len(wanted)}"
    else:
        seconds = found.seconds + info.start_seconds
        off = np.abs(seconds - wanted)
        worst = int(off.argmax())
        if off[worst] > float(source.time_base) / 2:
            fault = f"has frame {worst} at {seconds[worst]:.6f} s instead of {wanted[worst]:.6f} s"
    if fault:
        raise DataError(f"the {what} of {source.path} {fault}, and was not kept; please report this")
    return found
