"""Rows of tracks, which scores are made from."""

from collections.abc import Sequence

import numpy as np

from bvas.metrics.track_overlaps import TrackRows
from bvas.tracking.tracks import Track


def rows_of_tracks(tracks: Sequence[Track]) -> TrackRows:
    """Return all boxes of tracks, filled ones too, for `bvas.metrics.tracking_scores.score_tracks`.

    Raises:
        ConfigError: two tracks with one number have a box in the same frame.
    """
    lengths = [len(track.frames) for track in tracks]
    numbers = np.array([track.number for track in tracks], dtype=np.int64)
    return TrackRows(
        frames=np.concatenate([np.empty(0, np.int64), *(track.frames for track in tracks)]),
        identities=np.repeat(numbers, lengths),
        boxes=np.concatenate([np.empty((0, 4)), *(track.boxes for track in tracks)]),
    )
