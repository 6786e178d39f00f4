"""Players chosen by hand: the tracks that drawn boxes take."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bvas.errors import ConfigError
from bvas.players.rois import Roi
from bvas.tracking.tracks import Track
from bvas.values.boxes import box_overlaps
from bvas.values.plural import count_text
from bvas.video.index.frame_table import VideoIndex

# A drawn box that overlaps no player takes one whose center is at most so many of its diagonals away.
_FARTHEST_DIAGONALS = 1.0
# More than any distance.
_IMPOSSIBLE = 1e6


def group_rois(rois: Sequence[Roi]) -> list[tuple[str, list[Roi]]]:
    """Return the drawn players: their names and boxes, in order of the first box of each.

    Boxes of one name are of one player; boxes without a name are of a player each.
    """
    groups: list[tuple[str, list[Roi]]] = []
    places: dict[str, int] = {}
    for roi in rois:
        if roi.name and roi.name in places:
            groups[places[roi.name]][1].append(roi)
            continue
        if roi.name:
            places[roi.name] = len(groups)
        groups.append((roi.name, [roi]))
    return groups


def frames_of(rois: Sequence[Roi], index: VideoIndex) -> list[int]:
    """Return the frame on screen at the time of each drawn box.

    Raises:
        ConfigError: a time lies outside the video.
    """
    end = index.duration_seconds
    for roi in rois:
        if not 0 <= roi.seconds < end:
            raise ConfigError(
                f"a box is drawn at {roi.seconds:g} s, and {index.path.name} runs from 0 s to {end:.3f} s"
            )
    return [index.frame_at(roi.seconds) for roi in rois]


def check_rois(rois: Sequence[Roi], index: VideoIndex, size: tuple[int, int]) -> None:
    """Refuse drawn boxes that are not of this video, before any work.

    Args:
        rois: The boxes.
        index: The video.
        size: (h, w) of its upright picture.

    Raises:
        ConfigError: a time lies outside the video, or a box outside the picture.
    """
    frames_of(rois, index)
    height, width = size
    for roi in rois:
        x, y, w, h = roi.box
        if not (x < width and y < height and x + w > 0 and y + h > 0):
            raise ConfigError(
                f"the box {_text(roi)} lies outside of the picture of {width}x{height}; "
                "draw it around a player"
            )


def chosen_tracks(tracks: Sequence[Track], rois: Sequence[Roi], index: VideoIndex) -> list[tuple[Track, str]]:
    """Return the tracks that drawn boxes take, with the names of the boxes, numbered from 1 as they were drawn.

    Each box takes the track that overlaps it most in its frame, or one beside it; two boxes of a frame take two
    tracks. Boxes of one name unite their tracks. Where these have boxes in the same frame, that of the box that was
    drawn first stays.

    Raises:
        ConfigError: no player was found near a box, boxes of two players take one track, or a time lies outside the
            video.
    """
    frames = frames_of(rois, index)
    taken: dict[int, Track] = {}
    for frame in sorted(set(frames)):
        places = [place for place, at in enumerate(frames) if at == frame]
        boxes = np.array([rois[place].box for place in places], np.float64)
        for place, track in zip(places, _nearest(tracks, boxes, frame, index), strict=True):
            taken[place] = track
    chosen, position = [], {id(roi): place for place, roi in enumerate(rois)}
    owners: dict[int, Roi] = {}
    for number, (name, drawn) in enumerate(group_rois(rois), start=1):
        for roi in drawn:
            owner = owners.setdefault(taken[position[id(roi)]].number, roi)
            if owner not in drawn:
                raise ConfigError(
                    f"the boxes {_text(owner)} and {_text(roi)} take the same player; draw him once, or give "
                    "both boxes one name"
                )
        chosen.append((_united([taken[position[id(roi)]] for roi in drawn], number), name))
    return chosen


def _nearest(
    tracks: Sequence[Track], boxes: NDArray[np.float64], frame: int, index: VideoIndex
) -> list[Track]:
    """Return the track of each box drawn in a frame."""
    there = [(track, int(np.searchsorted(track.frames, frame))) for track in tracks]
    there = [(track, row) for track, row in there if row < len(track.frames) and track.frames[row] == frame]
    when = f"at {index.seconds_of(frame):.2f} s"
    if len(there) < len(boxes):
        drawn, detected = count_text(len(boxes), "box"), count_text(len(there), "player")
        raise ConfigError(
            f"{drawn} drawn {when}, and {detected} detected there; draw at another time, or follow the boxes "
            "themselves with --detector none"
        )
    found = np.array([track.boxes[row] for track, row in there])
    centers = [part[:, :2] + part[:, 2:] / 2 for part in (boxes, found)]
    away = np.linalg.norm(centers[0][:, None] - centers[1][None], axis=2)
    diagonals = np.linalg.norm(boxes[:, 2:], axis=1)[:, None]
    overlaps = box_overlaps(boxes, found)
    is_far = (overlaps == 0) & (away > _FARTHEST_DIAGONALS * diagonals)
    # Overlap decides, and distance among those without.
    cost = np.where(is_far, _IMPOSSIBLE, 1.0 - overlaps + 0.01 * away / diagonals)
    rows, columns = linear_sum_assignment(cost)
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        if is_far[row, column]:
            raise ConfigError(
                f"no player was detected near the box {_sides_text(boxes[row])} {when}; draw it around a player, or "
                "follow the box itself with --detector none"
            )
    return [there[column][0] for column in columns.tolist()]


def _text(roi: Roi) -> str:
    return f"{_sides_text(roi.box)} at {roi.seconds:.2f} s{f' ({roi.name})' if roi.name else ''}"


def _sides_text(box: Iterable[float]) -> str:
    return ",".join(f"{side:g}" for side in box)


def _united(tracks: Sequence[Track], number: int) -> Track:
    """Return the rows of all tracks as one track; of rows of one frame that of the earlier track."""
    frames, firsts = np.unique(np.concatenate([track.frames for track in tracks]), return_index=True)
    return replace(
        tracks[0],
        number=number,
        frames=frames,
        seconds=np.concatenate([track.seconds for track in tracks])[firsts],
        boxes=np.concatenate([track.boxes for track in tracks])[firsts],
        scores=np.concatenate([track.scores for track in tracks])[firsts],
    )
