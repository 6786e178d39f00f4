"""Search frame by frame: detections to tracklets, in one pass.

Each frame: predict (Kalman, `motion.py`), remove the camera's motion (`camera_motion.py`), associate in rounds, as
SORT (Bewley 2016) and ByteTrack (Zhang 2022) do: likeliest pairs first, weak detections continue tracks only.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bvas.tracking.association import Pairs, likely_pairs, overlapping_pairs
from bvas.tracking.camera_motion import CameraMotion
from bvas.tracking.motion import (
    Floats,
    MotionModel,
    joined,
    noise_variances,
    predict,
    start_states,
    update,
)
from bvas.tracking.tracker_config import TrackerConfig
from bvas.tracking.tracklets import Tracklet

START_SPEED = 2.0
"""Standard deviation of a new player's velocity, in heights (widths for the width) / s."""
_JERK = 0.3
"""Heights by which a jerk of the camera moves all at once."""
_PAUSE = 2.0
"""Usual steps behind the last frame at which the next one should have come."""
_FEW = 0.7
"""Share of possible pairs below which the camera has jerked."""


@dataclass(slots=True, eq=False)
class _Live:
    """A track in the making."""

    rows: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    measured: list[Floats] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def add(self, row: int, seconds: float, measured: Floats, score: float) -> None:
        self.rows.append(row)
        self.seconds.append(seconds)
        self.measured.append(measured)
        self.scores.append(score)

    def ended(self) -> Tracklet:
        return Tracklet(
            rows=np.array(self.rows, np.int64),
            seconds=np.array(self.seconds),
            measured=np.array(self.measured),
            scores=np.array(self.scores, np.float32),
        )


class OnlineTracking:
    """The pass over the frames: `step` for each, `result` in the end.

    Args:
        config: Settings.
        model: The motion.
        usual_step: Seconds from frame to frame.
    """

    def __init__(self, config: TrackerConfig, model: MotionModel, usual_step: float) -> None:
        self._config, self._model = config, model
        self._usual_step = usual_step
        self._camera = CameraMotion()
        self._live: list[_Live] = []
        self._ended: list[Tracklet] = []
        self._states = start_states(np.zeros((0, 4)), model, START_SPEED)
        self._seconds = 0.0
        self._row = -1

    def step(self, seconds: float, measured: Floats, scores: NDArray[np.float32]) -> None:
        """Take in the detections of a frame: centers and sizes [N, 4], scores [N]."""
        self._row += 1
        # A pause loses all, as frames without boxes in it would.
        self._end_lost(seconds - _PAUSE * self._usual_step)
        elapsed, self._seconds = seconds - self._seconds, seconds
        is_new = scores >= self._config.sure_score
        if self._live:
            self._states = predict(self._states, elapsed, self._model)
            tracks, boxes = self._associated(elapsed, measured)
            self._take(tracks, boxes, measured, scores)
            self._end_lost(seconds)
            is_new[boxes] = False
        else:
            self._camera.rest()
        self._start(is_new, measured, scores)

    def result(self) -> tuple[list[Tracklet], Floats]:
        """Return all tracklets in order of their first frame, and the camera's offsets [F, 2]."""
        tracklets = self._ended + [live.ended() for live in self._live]
        tracklets.sort(key=lambda tracklet: int(tracklet.rows[0]))
        return tracklets, np.array(self._camera.offsets).reshape(-1, 2)

    def _associated(self, elapsed: float, measured: Floats) -> Pairs:
        states, model = self._states, self._model
        height = float(np.median(states.positions[:, 3]))
        states.positions[:, :2] += self._camera.expected(elapsed, height)
        pairs = likely_pairs(states, measured, model)
        if len(pairs[0]) < _FEW * min(len(states), len(measured)):
            pairs = likely_pairs(states, measured, model, (_JERK * height) ** 2)
        tracks, boxes = pairs
        variances = (states.position_variances[tracks] + noise_variances(states.positions[tracks], model))[
            :, :2
        ]
        surprises = measured[boxes, :2] - states.positions[tracks, :2]
        states.positions[:, :2] += self._camera.observe(surprises, variances)
        # Once more: the camera's motion is known now.
        return overlapping_pairs(states, measured, likely_pairs(states, measured, model))

    def _take(
        self,
        tracks: NDArray[np.int64],
        boxes: NDArray[np.int64],
        measured: Floats,
        scores: NDArray[np.float32],
    ) -> None:
        before = self._states.chosen(tracks)
        variances = noise_variances(before.positions, self._model)
        self._states.assign(tracks, update(before, measured[boxes], variances))
        for track, box in zip(tracks.tolist(), boxes.tolist(), strict=True):
            self._live[track].add(self._row, self._seconds, measured[box], float(scores[box]))

    def _end_lost(self, seconds: float) -> None:
        """End the tracks that were lost at a time."""
        limit = seconds - self._config.coast_seconds - 1e-9
        is_alive = np.array([live.seconds[-1] >= limit for live in self._live], bool)
        if is_alive.all():
            return
        self._ended += [live.ended() for live, alive in zip(self._live, is_alive, strict=True) if not alive]
        self._live = [live for live, alive in zip(self._live, is_alive, strict=True) if alive]
        self._states = self._states.chosen(is_alive)

    def _start(self, is_new: NDArray[np.bool_], measured: Floats, scores: NDArray[np.float32]) -> None:
        if not is_new.any():
            return
        self._states = joined([self._states, start_states(measured[is_new], self._model, START_SPEED)])
        for box in np.flatnonzero(is_new).tolist():
            live = _Live()
            live.add(self._row, self._seconds, measured[box], float(scores[box]))
            self._live.append(live)
