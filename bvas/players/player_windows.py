"""Windows of players: which frames of whom are classified as one clip.

Windows are centered at the same times for all players, every so many seconds of the video. A window belongs to one
visible stretch of a track. Its frames before the first or after the last of the stretch are that frame again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.tracking.tracks import Track
from bvas.values.clip_config import ClipConfig
from bvas.video.index.frame_grid import Grid


@dataclass(frozen=True, slots=True, eq=False)
class PlayerWindow:
    """One clip of one player."""

    place: int
    """Place of the track in the list of tracks."""
    center: int
    """Grid frame."""
    frames: NDArray[np.int64]
    """Grid frames [T] of the clip, in order."""


def visible_stretches(track: Track) -> list[tuple[int, int]]:
    """Return the first and last source frame of each stretch in which a track has a box in every frame."""
    starts = np.flatnonzero(np.diff(track.frames, prepend=-2) > 1)
    stops = np.append(starts[1:], len(track.frames))
    return [
        (int(track.frames[start]), int(track.frames[stop - 1]))
        for start, stop in zip(starts, stops, strict=True)
    ]


def player_windows(
    tracks: Sequence[Track], grid: Grid, centers: NDArray[np.int64], clip: ClipConfig
) -> list[PlayerWindow]:
    """Return the windows of all players in order of their last frames, then of tracks.

    Args:
        tracks: With a box in each frame in which the player is visible.
        grid: Grid of the video.
        centers: Grid frames at the centers of windows, ascending; a player has those at which he is visible.
        clip: Number and spacing of a clip's frames.
    """
    windows = []
    offsets = np.arange(clip.num_frames) * clip.frame_step - clip.frames_before
    for place, track in enumerate(tracks):
        for first, last in visible_stretches(track):
            # Grid frames that show a frame of the stretch.
            start, stop = np.searchsorted(grid.indices, [first, last + 1])
            for center in centers[(start <= centers) & (centers < stop)].tolist():
                windows.append(PlayerWindow(place, center, np.clip(center + offsets, start, stop - 1)))
    return sorted(windows, key=lambda window: (int(window.frames[-1]), window.center, window.place))
