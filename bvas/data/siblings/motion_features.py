"""Features of what moves in a video: keypoints of differences of two frames a moment apart.

A background that stands still cancels out, so clips of one place differ in them. A mirrored, turned or shifted copy has
the same keypoints at other places. Three differences are taken, spread over the video, so a copy must have the same
length and time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bvas.video.decode.video_reader import FrameReader

NUM_MOMENTS = 3
SIDE = 192
"""Pictures are fitted into a square of this side, in pixels."""
THUMBNAIL = 48
"""Side of the differences that are kept, in pixels."""
_GAP_SECONDS = 0.4
_MOST_KEYPOINTS = 40
# Share of the pixels that must differ by more than coding noise does.
_NOISE, _LEAST_MOVING = 12, 0.002


@dataclass(frozen=True, slots=True)
class MotionFeatures:
    """Keypoints of all moments of a video, N together."""

    points: NDArray[np.float32]
    """x and y, [N, 2], in pixels of the square."""
    angles: NDArray[np.float32]
    """Orientation in degrees, clockwise from x, [N]."""
    moments: NDArray[np.uint8]
    """Number of the moment, [N]."""
    descriptors: NDArray[np.uint8]
    """SIFT descriptors, [N, 128]: 4 rows, 4 columns and 8 directions, in the frame of the keypoint."""
    thumbnails: NDArray[np.uint8]
    """The differences, 128 where nothing moves, then the first frame of each, [6, 48, 48]."""


def read_features(reader: FrameReader, begin_seconds: float, end_seconds: float) -> MotionFeatures | None:
    """Return the features of a stretch of a video; None where nothing moves in it.

    Args:
        reader: Of the video, in the square.
        begin_seconds: Begin of the stretch.
        end_seconds: Its end.

    Raises:
        DecodeError: the video cannot be read.
    """
    length = end_seconds - begin_seconds
    gap = min(_GAP_SECONDS, length / (NUM_MOMENTS + 1))
    centers = [begin_seconds + length * (number + 0.5) / NUM_MOMENTS for number in range(NUM_MOMENTS)]
    times = [center + side * gap / 2 for center in centers for side in (-1, 1)]
    return features_of(reader.read_array([reader.index.frame_at(time) for time in times]))


def features_of(frames: NDArray[np.uint8]) -> MotionFeatures | None:
    """Return the features of pairs of frames, uint8 [2 * 3, S, S]; None where nothing moves."""
    signed = frames.astype(np.int16)
    changes = signed[1::2] - signed[::2]
    if np.mean(np.abs(changes) > _NOISE) < _LEAST_MOVING:
        return None
    pictures = np.clip(changes + 128, 0, 255).astype(np.uint8)
    # Another one in each thread; mypy's stubs of OpenCV lack it.
    detector: Any = cv2.SIFT_create(nfeatures=_MOST_KEYPOINTS)  # type: ignore[attr-defined]
    found = [detector.detectAndCompute(picture, None) for picture in pictures]
    keypoints = [point for points, _ in found for point in points[:_MOST_KEYPOINTS]]
    if not keypoints:
        return None
    descriptors = [values[:_MOST_KEYPOINTS] for _, values in found if values is not None]
    counts = [min(len(points), _MOST_KEYPOINTS) for points, _ in found]
    return MotionFeatures(
        points=np.array([point.pt for point in keypoints], np.float32),
        angles=np.array([point.angle for point in keypoints], np.float32),
        moments=np.repeat(np.arange(NUM_MOMENTS, dtype=np.uint8), counts),
        descriptors=np.concatenate(descriptors).astype(np.uint8),
        thumbnails=thumbnails_of([*pictures, *frames[::2]]),
    )


def thumbnails_of(pictures: Sequence[Any] | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the differences at a quarter of their size."""
    size = (THUMBNAIL, THUMBNAIL)
    return np.stack([cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in pictures])
