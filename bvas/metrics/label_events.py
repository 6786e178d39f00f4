"""Annotations and spots of each label as arrays: on the official metric's frames, or at exact times.

On frames the rules are those of `bvas.metrics.official`: times rounded down, one event per frame and label, two hours
per video. At exact times (microseconds) all events are kept.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bvas.metrics.average_precision import label_ids
from bvas.metrics.matching import are_hits
from bvas.values.annotations import AnnotationLists, LabelSet, SpotLists
from bvas.values.arrays import Bools, Floats, Ints

MAX_SECONDS = 120 * 60
MICROSECONDS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelEvents:
    """Events of one label, all videos in a row, farther apart than any tolerance."""

    annotation_times: Ints
    """[M], ascending; frames or microseconds."""
    annotation_videos: Ints
    """[M], index of the video."""
    visible: Bools
    """[M], whether the action is shown."""
    spot_times: Ints
    """[P], ascending, in the same unit."""
    spot_videos: Ints
    """[P], index of the video."""
    confidences: Floats
    """[P]"""
    near_visible: Bools
    """[P], whether the nearest annotation of the spot's video is visible."""

    def are_hits(self, tolerance: float) -> Bools:
        """Return whether each spot matches an annotation, bool [P]; the half-width is in the unit of the times."""
        return are_hits(self.annotation_times, self.spot_times, self.confidences, tolerance)


def frame_events(
    annotations: AnnotationLists, spots: SpotLists, labels: LabelSet, rate: float
) -> list[LabelEvents]:
    """Return the events of each label, in the order of the labels.

    Args:
        annotations: One sequence per video, in the order of the file.
        spots: One sequence per video, in the order of the file.
        labels: Events of other labels are ignored.
        rate: Frames per second.
    """
    last = int(MAX_SECONDS * rate) - 1
    arrays = partial(_last_of_each_frame, rate=rate, last=last)
    # Twice the length of a video, so that no tolerance reaches the next one.
    return _label_events(annotations, spots, labels, arrays, 2 * (last + 1))


def moment_events(annotations: AnnotationLists, spots: SpotLists, labels: LabelSet) -> list[LabelEvents]:
    """Return the events of each label at exact times in microseconds; `tolerance_us` gives their tolerance.

    Args:
        annotations: One sequence per video, in any order.
        spots: One sequence per video, in any order.
        labels: Events of other labels are ignored.
    """
    times = [a.seconds for video in annotations for a in video]
    times += [s.seconds for video in spots for s in video]
    distance = round((max(times, default=0.0) + MAX_SECONDS) * MICROSECONDS)
    return _label_events(annotations, spots, labels, _sorted_moments, distance)


def tolerance_us(tolerance_seconds: float) -> float:
    """Return a tolerance for `moment_events`.

    Rounding may move both events by half a microsecond; a spot at exactly the tolerance must count.
    """
    return tolerance_seconds * MICROSECONDS + 1


_Number = TypeVar("_Number", np.int64, np.float64)
_Events = tuple[Ints, Floats]
_NO_EVENTS: _Events = (np.zeros(0, np.int64), np.zeros(0))
# (label id, None for one that is ignored; seconds; value)
_Entries = Iterable[tuple[int | None, float, float]]


def _label_events(
    annotations: AnnotationLists,
    spots: SpotLists,
    labels: LabelSet,
    arrays: Callable[[_Entries], dict[int, _Events]],
    distance: int,
) -> list[LabelEvents]:
    """Return the events of each label, with the begins of neighboring videos `distance` apart."""
    ids = label_ids(labels)
    truths = [
        arrays((ids.get(a.label), a.seconds, 1.0 if a.visible else -1.0) for a in video)
        for video in annotations
    ]
    founds = [arrays((ids.get(s.label), s.seconds, s.confidence) for s in video) for video in spots]
    return [
        _end_to_end(
            [truth.get(label_id, _NO_EVENTS) for truth in truths],
            [found.get(label_id, _NO_EVENTS) for found in founds],
            distance,
        )
        for label_id in range(len(labels))
    ]


def _end_to_end(truths: Sequence[_Events], founds: Sequence[_Events], distance: int) -> LabelEvents:
    near = [
        _nearest_values(frames, visibility, spot_frames)
        for (frames, visibility), (spot_frames, _) in zip(truths, founds, strict=True)
    ]
    annotation_videos, spot_videos = _videos(truths), _videos(founds)
    return LabelEvents(
        annotation_times=_joined([frames for frames, _ in truths], np.int64) + annotation_videos * distance,
        annotation_videos=annotation_videos,
        visible=_joined([values for _, values in truths], np.float64) > 0,
        spot_times=_joined([frames for frames, _ in founds], np.int64) + spot_videos * distance,
        spot_videos=spot_videos,
        confidences=_joined([values for _, values in founds], np.float64),
        near_visible=_joined(near, np.float64) > 0,
    )


def _joined(parts: Sequence[NDArray[_Number]], dtype: type[_Number]) -> NDArray[_Number]:
    return np.concatenate([np.zeros(0, dtype), *parts])


def _videos(events: Sequence[_Events]) -> Ints:
    return np.repeat(np.arange(len(events)), [len(frames) for frames, _ in events]).astype(np.int64)


def _sorted_moments(entries: _Entries) -> dict[int, _Events]:
    """Return per label id the times in microseconds, ascending, and their values."""
    held: dict[int, list[tuple[int, float]]] = {}
    for label_id, seconds, value in entries:
        if label_id is not None:
            held.setdefault(label_id, []).append((round(seconds * MICROSECONDS), value))
    return {label_id: _sorted(moments) for label_id, moments in held.items()}


def _last_of_each_frame(entries: _Entries, rate: float, last: int) -> dict[int, _Events]:
    """Return per label id the frames, ascending, and the last value of each frame."""
    held: dict[int, dict[int, float]] = {}
    for label_id, seconds, value in entries:
        if label_id is not None:
            held.setdefault(label_id, {})[min(int(rate * seconds), last)] = value
    return {label_id: _sorted(values.items()) for label_id, values in held.items()}


def _sorted(events: Iterable[tuple[int, float]]) -> _Events:
    times, values = zip(*sorted(events), strict=True)
    return np.array(times, np.int64), np.array(values, np.float64)


def _nearest_values(frames: Ints, values: Floats, at: Ints) -> Floats:
    """Return at each frame of `at` the value of the nearest of `frames`; -1 without frames.

    The midpoint of two, rounded down, belongs to the later.
    """
    if not len(frames):
        return np.full(len(at), -1.0)
    return values[np.searchsorted((frames[:-1] + frames[1:]) // 2, at, side="right")]
