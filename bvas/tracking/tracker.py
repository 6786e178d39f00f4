"""Tracker: detections of a video's frames to one track for each player.

1. Search frame by frame (`online_tracking.py`), with a first model of motion.
2. Noise and agitation are estimated from what was found (`noise_estimation.py`); search again with them.
3. Swaps of two players are undone (`swap_correction.py`), tracklets linked over gaps (`tracklet_linking.py`).
4. Boxes are smoothed as far as the detections are noisy, and short gaps filled (`smoothing.py`).

All times are seconds: the same times give the same tracks at every frame rate.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.tracking.frame_boxes import FrameBoxes
from bvas.tracking.motion import Floats, MotionModel, centered, cornered
from bvas.tracking.noise_estimation import estimated_model
from bvas.tracking.online_tracking import OnlineTracking
from bvas.tracking.smoothing import smoothed
from bvas.tracking.swap_correction import without_swaps
from bvas.tracking.track_filling import filled_track
from bvas.tracking.tracker_config import TrackerConfig
from bvas.tracking.tracklet_linking import linked
from bvas.tracking.tracklets import Tracklet
from bvas.tracking.tracks import Track
from bvas.values.spaced_times import spaced_times

FIRST_MODEL = MotionModel(
    noise=np.full(4, 0.05), agitation=np.array([4.0, 2.0, 80.0, 5.0]), memory=np.array([1.0, 1.0, 0.15, 0.15])
)
"""Players of SportsMOT, measured by a detector of middling quality."""
_SEARCH_NOISE = 0.02
"""Least noise in the search: a precise detector errs too now and then."""
_SWAP_NOISE = 0.03
"""Mean noise below which swaps are not looked for: players with so exact boxes are rarely mistaken while tracking. On
the true boxes of 23 sequences of SportsMOT the correction gained twice and lost four times."""
_HARMLESS_NOISE = 0.04
"""Noise that is not smoothed away: boxes so exact are left as they are."""
_LEAST_NOISE = 1e-3
_FARTHEST = 2.0**53
"""Pixels; beyond, float64 knows no half pixels."""
_JUMP, _FASTEST = 1.0, 10.0
"""Heights, and heights / s: a player does not move further between two detections. Beyond, the curve is cut."""


def track_boxes(frames: Iterable[FrameBoxes], config: TrackerConfig | None = None) -> list[Track]:
    """Return the tracks of a video, in order of their first frame, numbered from 1.

    Args:
        frames: In order of time, with or without boxes. Frames that the detector did not see are left out.
        config: Settings; the default ones where None.

    Boxes are smoothed; rows where a detection is missing for at most `fill_seconds` are filled, with a score of NaN.

    Raises:
        ConfigError: frames out of order, a time or a box that is not finite, a box without area, or a score outside of
            [0, 1].
    """
    config = config or TrackerConfig()
    given = _checked(frames)
    all_times = np.array([frame.seconds for frame in given])
    seen = [given[place] for place in spaced_times(all_times, config.step_seconds).tolist()]
    times = np.array([frame.seconds for frame in seen])
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    unit = _unit(seen)
    seen = [replace(frame, boxes=frame.boxes / unit) for frame in seen]
    tracklets, offsets = _searched(seen, FIRST_MODEL, config, step)
    if not tracklets:
        return []
    model = estimated_model(tracklets, offsets, FIRST_MODEL, step)
    search_model = replace(model, noise=np.maximum(model.noise, _SEARCH_NOISE))
    tracklets, offsets = _searched(seen, search_model, config, step)
    if model.noise.mean() >= _SWAP_NOISE:
        tracklets = without_swaps(tracklets, model)
    players = linked(tracklets, offsets, search_model, config.link_seconds, config.max_players)
    # Half a step of tolerance: times are rounded in files.
    least = min(config.least_seconds, len(seen) * step)
    players = [player for player in players if (len(player) + 0.5) * step >= least]
    rest = np.sqrt(np.maximum(model.noise**2 - _HARMLESS_NOISE**2, _LEAST_NOISE**2))
    box_model = replace(model, noise=rest)
    numbers = np.array([frame.frame for frame in seen])
    tracks = [
        _track(number, player, times, numbers, offsets, box_model, config.fill_seconds)
        for number, player in enumerate(players, start=1)
    ]
    tracks = [replace(track, boxes=track.boxes * unit) for track in tracks]
    if len(seen) == len(given):
        return tracks
    all_numbers = np.array([frame.frame for frame in given])
    # Two searched frames are less than two steps apart, unless frames are missing.
    return [filled_track(track, all_numbers, all_times, 2 * config.step_seconds) for track in tracks]


def _checked(frames: Iterable[FrameBoxes]) -> list[FrameBoxes]:
    result: list[FrameBoxes] = []
    for frame in frames:
        if result and not (frame.frame > result[-1].frame and frame.seconds > result[-1].seconds):
            raise ConfigError(
                f"frame {frame.frame} at {frame.seconds} s comes behind frame {result[-1].frame} at "
                f"{result[-1].seconds} s; give the frames in order of time, each once"
            )
        if not math.isfinite(frame.seconds):
            raise ConfigError(
                f"frame {frame.frame} is at {frame.seconds} s; give the finite time of each frame"
            )
        if not ((np.abs(frame.boxes) <= _FARTHEST).all() and (frame.boxes[:, 2:] > 0).all()):
            raise ConfigError(
                f"frame {frame.frame} has a box that is not finite or has no area; leave such boxes out"
            )
        if len(frame.scores) != len(frame.boxes) or not ((frame.scores >= 0) & (frame.scores <= 1)).all():
            raise ConfigError(
                f"frame {frame.frame} has {len(frame.boxes)} boxes and the scores {frame.scores.tolist()}; give each "
                "box a score in [0, 1]"
            )
        result.append(frame)
    return result


def _unit(frames: Sequence[FrameBoxes]) -> float:
    """Return the pixels of a unit of length in which boxes are usually 1024 to 2048 high, a power of two.

    In it the limits of a pixel, below which sizes do not fall, mean the same at each size of the picture.
    """
    heights = np.concatenate([np.zeros(0), *(frame.boxes[:, 3] for frame in frames)])
    return float(2.0 ** (np.floor(np.log2(np.median(heights))) - 10)) if len(heights) else 1.0


def _searched(
    frames: Sequence[FrameBoxes], model: MotionModel, config: TrackerConfig, step: float
) -> tuple[list[Tracklet], Floats]:
    search = OnlineTracking(config, model, step)
    for frame in frames:
        kept = frame.scores >= config.min_score
        search.step(frame.seconds, centered(frame.boxes[kept]), frame.scores[kept])
    return search.result()


def _track(
    number: int,
    player: Tracklet,
    times: Floats,
    frames: NDArray[np.int64],
    offsets: Floats,
    model: MotionModel,
    fill_seconds: float,
) -> Track:
    measured = player.without_camera(offsets)
    centers, scores, rows = [], [], []
    for start, stop in _pieces(player.seconds, measured):
        part = player.part(start, stop)
        places = np.arange(part.rows[0], part.rows[-1] + 1)
        behind = np.searchsorted(part.rows, places)
        is_seen = part.rows[behind] == places
        gaps = part.seconds[behind] - part.seconds[np.maximum(behind - 1, 0)]
        kept = is_seen | (gaps <= fill_seconds + 1e-9)
        places, is_seen = places[kept], is_seen[kept]
        known = np.zeros((len(places), 4))
        known[is_seen] = measured[start:stop]
        centers.append(smoothed(times[places], known, is_seen, model)[0])
        scores.append(np.full(len(places), np.nan, np.float32))
        scores[-1][is_seen] = part.scores
        rows.append(places)
    all_rows, all_centers = np.concatenate(rows), np.concatenate(centers)
    all_centers[:, :2] += offsets[all_rows]
    # Between two boxes of very different size the curve can pass below nothing.
    all_centers[:, 2:] = np.maximum(all_centers[:, 2:], 1.0)
    return Track(
        number=number,
        frames=frames[all_rows],
        seconds=times[all_rows],
        boxes=cornered(all_centers),
        scores=np.concatenate(scores),
    )


def _pieces(seconds: Floats, measured: Floats) -> list[tuple[int, int]]:
    """Return half-open ranges of detections between which a track does not jump, as it does at a cut."""
    away = np.abs(np.diff(measured[:, :2], axis=0)).max(axis=1)
    heights = (measured[1:, 3] + measured[:-1, 3]) / 2
    cuts = np.flatnonzero(away > heights * (_JUMP + _FASTEST * np.diff(seconds))) + 1
    bounds = [0, *cuts.tolist(), len(seconds)]
    return list(itertools.pairwise(bounds))
