"""Tracker: detections of a video's frames to one track for each player.

1. Search frame by frame (`online_tracking.py`), with a first model of motion.
2. Noise and agitation are estimated from what was found (`noise_estimation.py`); search again with them.
3. Swaps of two players are undone (`swap_correction.py`), tracklets linked over gaps (`tracklet_linking.py`).
4. Boxes are smoothed as far as the detections are noisy, and short gaps filled (`smoothing.py`).

All times are seconds: the same times give the same tracks at every frame rate.
"""

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
_SWAP_NOISE = 0.005
_HARMLESS_NOISE = 0.04
"""Noise that is not smoothed away: boxes so exact are left as they are."""
_LEAST_NOISE = 1e-3


def track_boxes(frames: Iterable[FrameBoxes], config: TrackerConfig | None = None) -> list[Track]:
    """Return the tracks of a video, in order of their first frame, numbered from 1.

    Args:
        frames: In order of time, with or without boxes. Frames that the detector did not see are left out.
        config: Settings; the default ones where None.

    Boxes are smoothed; rows where a detection is missing for at most `fill_seconds` are filled, with a score of NaN.

    Raises:
        ConfigError: frames out of order, or a box that is not finite or has no area.
    """
    config = config or TrackerConfig()
    given = _checked(frames)
    all_times = np.array([frame.seconds for frame in given])
    seen = [given[place] for place in spaced_times(all_times, config.step_seconds).tolist()]
    tracklets, offsets = _searched(seen, FIRST_MODEL, config)
    if not tracklets:
        return []
    times = np.array([frame.seconds for frame in seen])
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    model = estimated_model(tracklets, offsets, FIRST_MODEL, step)
    search_model = replace(model, noise=np.maximum(model.noise, _SEARCH_NOISE))
    tracklets, offsets = _searched(seen, search_model, config)
    tracklets = without_swaps(tracklets, replace(model, noise=np.maximum(model.noise, _SWAP_NOISE)))
    players = linked(tracklets, offsets, search_model, config.link_seconds, config.max_players)
    # Half a step of tolerance: times are rounded in files.
    players = [player for player in players if (len(player) + 0.5) * step >= config.least_seconds]
    rest = np.sqrt(np.maximum(model.noise**2 - _HARMLESS_NOISE**2, _LEAST_NOISE**2))
    box_model = replace(model, noise=rest)
    numbers = np.array([frame.frame for frame in seen])
    tracks = [
        _track(number, player, times, numbers, offsets, box_model, config.fill_seconds)
        for number, player in enumerate(players, start=1)
    ]
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
        if not (np.isfinite(frame.boxes).all() and (frame.boxes[:, 2:] > 0).all()):
            raise ConfigError(
                f"frame {frame.frame} has a box that is not finite or has no area; leave such boxes out"
            )
        result.append(frame)
    return result


def _searched(
    frames: Sequence[FrameBoxes], model: MotionModel, config: TrackerConfig
) -> tuple[list[Tracklet], Floats]:
    search = OnlineTracking(config, model)
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
    rows = np.arange(player.rows[0], player.rows[-1] + 1)
    behind = np.searchsorted(player.rows, rows)
    is_seen = player.rows[behind] == rows
    gaps = player.seconds[behind] - player.seconds[np.maximum(behind - 1, 0)]
    kept = is_seen | (gaps <= fill_seconds + 1e-9)
    rows, is_seen = rows[kept], is_seen[kept]
    measured = np.zeros((len(rows), 4))
    measured[is_seen] = player.without_camera(offsets)
    centers, _ = smoothed(times[rows], measured, is_seen, model)
    centers[:, :2] += offsets[rows]
    # Between two boxes of very different size the curve can pass below nothing.
    centers[:, 2:] = np.maximum(centers[:, 2:], 1.0)
    scores = np.full(len(rows), np.nan, np.float32)
    scores[is_seen] = player.scores
    return Track(
        number=number, frames=frames[rows], seconds=times[rows], boxes=cornered(centers), scores=scores
    )
