"""Detections of a video: a detector over its frames, at even distances in time."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bvas.detection.detector_protocol import Detector
from bvas.errors import ConfigError, DecodeError
from bvas.tracking.frame_boxes import FrameBoxes
from bvas.values.plural import count_text
from bvas.values.spaced_times import spaced_times
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.decode.damage_scan import ranges_of
from bvas.video.decode.open_video import open_video
from bvas.video.decode.prefetch import DecodedAhead, Lost
from bvas.video.index.frame_table import VideoIndex

DEFAULT_STRIDE = 1 / 30
"""Seconds between detections: each frame of a video of 25 or 30 frames a second, every second one of 50 or 60."""
_LARGEST_LOST_SHARE = 0.2


def detection_frames(seconds: NDArray[np.float64], stride: float) -> NDArray[np.int64]:
    """Return the frames in which players are detected: the first, and each at least `stride` after the one before.

    Args:
        seconds: Time of each frame of the video.
        stride: Seconds; 0 takes each frame.

    Raises:
        ConfigError: the stride is negative or not finite.
    """
    if not 0 <= stride < math.inf:
        raise ConfigError(f"detector stride must be at least 0 seconds, got {stride:g}; 0 takes each frame")
    return spaced_times(seconds, stride)


@dataclass(kw_only=True, eq=False)
class VideoDetections:
    """Detections of a video, frame by frame; iterate once.

    Args:
        index: The video.
        detector: Finds the players.
        frames: Source frames to look at, ascending.
        batch_size: Frames given to the detector at once.
        reading: Stream, rate and tone.
        strict: Raise where a frame cannot be decoded, instead of passing it over.
        progress: Called with the frames done and all there are.
    """

    index: VideoIndex
    detector: Detector
    frames: NDArray[np.int64]
    batch_size: int = 1
    reading: ReadOptions = DEFAULT_READING
    strict: bool = False
    progress: Callable[[int, int], None] | None = None
    lost: tuple[range, ...] = field(default=(), init=False)
    """Frames that could not be decoded, so far."""

    def __iter__(self) -> Iterator[FrameBoxes]:
        """Yield the boxes of each frame that can be decoded.

        Raises:
            DecodeError: more than a fifth of the frames cannot be decoded, or `strict` and one cannot.
        """
        reader = open_video(
            self.index.path,
            channels="rgb",
            stream=self.reading.stream,
            rate=self.reading.rate,
            tone=self.reading.tone,
        )
        keyframes = np.searchsorted(self.index.pts, self.index.keyframe_pts)
        missing: list[int] = []
        done = 0
        frame_bytes = math.prod(reader.frame_shape)
        with DecodedAhead(lambda: reader, self.frames, keyframes, frame_bytes=frame_bytes) as decoded:
            for piece in decoded:
                if isinstance(piece, Lost):
                    if self.strict:
                        raise piece.error
                    missing += self.frames[done : done + piece.count].tolist()
                    done += piece.count
                    continue
                for start in range(0, len(piece.pixels), self.batch_size):
                    pixels = np.asarray(piece.pixels[start : start + self.batch_size])
                    yield from self._detected(pixels, self.frames[done : done + len(pixels)])
                    done += len(pixels)
                    if self.progress is not None:
                        self.progress(done, len(self.frames))
        self.lost = ranges_of(missing)
        if len(missing) > _LARGEST_LOST_SHARE * len(self.frames):
            raise DecodeError(
                f"{self.index.path}: {len(missing)} of {count_text(len(self.frames), 'frame')} cannot be decoded, more "
                f"than {_LARGEST_LOST_SHARE:.0%}; repair or re-encode the file",
                path=self.index.path,
            )

    def _detected(self, pixels: NDArray[np.uint8], frames: NDArray[np.int64]) -> Iterator[FrameBoxes]:
        found = self.detector.detect(pixels)
        for frame, (boxes, scores) in zip(frames.tolist(), found, strict=True):
            yield FrameBoxes(frame=frame, seconds=self.index.seconds_of(frame), boxes=boxes, scores=scores)
