"""Tracks at every source frame: boxes between detections, by linear interpolation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bvas.tracking.motion import Floats
from bvas.tracking.tracks import Track


def fill_tracks(tracks: Sequence[Track], seconds: Floats, max_gap_seconds: float) -> list[Track]:
    """Return tracks with a row for each source frame between two rows that are close enough in time.

    Args:
        tracks: Their frames count from 0 among the source frames.
        seconds: Times of all source frames [F].
        max_gap_seconds: Longest time between two rows that is filled; longer ones stay gaps.

    A new row has a score of NaN; rows that were there stay as they are.
    """
    frames = np.arange(len(seconds))
    return [filled_track(track, frames, seconds, max_gap_seconds) for track in tracks]


def filled_track(track: Track, frames: NDArray[np.int64], seconds: Floats, max_gap_seconds: float) -> Track:
    """Return a track with a row for each of some source frames between two rows that are close enough in time.

    Args:
        track: The rows that are there; all of its frames are among `frames`.
        frames: Source frames [F], ascending.
        seconds: Their times [F].
        max_gap_seconds: As `fill_tracks` takes it.
    """
    first, last = np.searchsorted(frames, track.frames[[0, -1]])
    frames, times = frames[first : last + 1], seconds[first : last + 1]
    behind = np.searchsorted(track.frames, frames)
    is_there = track.frames[behind] == frames
    gaps = track.seconds[behind] - track.seconds[np.maximum(behind - 1, 0)]
    kept = is_there | (gaps <= max_gap_seconds + 1e-9)
    frames, times, is_there, behind = frames[kept], times[kept], is_there[kept], behind[kept]
    times = np.where(is_there, track.seconds[behind], times)
    boxes = track.boxes_at(times)
    boxes[is_there] = track.boxes[behind[is_there]]
    scores = np.where(is_there, track.scores[behind], np.float32(np.nan)).astype(np.float32)
    return Track(number=track.number, frames=frames, seconds=times, boxes=boxes, scores=scores)
