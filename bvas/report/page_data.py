"""Data of the page, as plain values; `web/data.js` and `web/events.js` read it."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from bvas.errors import ConfigError
from bvas.metrics.precision_recall import PrecisionRecall, precision_recall
from bvas.report.content import Labelling, MatchReport, VideoReport
from bvas.report.interval_answers import LEAST_OVERLAP, interval_answers
from bvas.report.packed_arrays import packed_curve, packed_frames
from bvas.results.frame_times import FrameTimes
from bvas.values.annotations import Annotation, Interval, LabelSet, Spot
from bvas.values.match_clock import HALF_SECONDS, minutes_text
from bvas.values.plural import count_text

# More points than pixels draw the same line.
_PLOT_POINTS = 300


def page_data(report: MatchReport) -> dict[str, Any]:
    """Return the data of the page, for strict JSON."""
    curves = () if report.rankings is None else precision_recall(report.rankings, report.labels)
    scores = report.average_precisions or {}
    return {
        "id": _identity(report),
        "title": report.title,
        "experiment": report.experiment,
        "about": _about(report),
        "labels": list(report.labels),
        "tolerance": report.tolerance_seconds,
        "confidence": report.operating_point,
        "begins_with_suspects": report.begins_with_suspects,
        "found": _found(report),
        "labelling": None if report.labelling is None else _labelling(report.labelling),
        "notes": list(report.notes),
        "figures": [
            [f"{100 * float(np.mean(list(values.values()))):.1f}", name] for name, values in scores.items()
        ],
        "average_precisions": {
            name: [_rounded(values[label]) for label in report.labels] for name, values in scores.items()
        },
        "precision_recall": [_plotted(curve) for curve in curves],
        "videos": [
            _video(video, report.labels) | _labelled(video, report, place)
            for place, video in enumerate(report.videos)
        ],
    }


def _labelling(labelling: Labelling) -> dict[str, Any]:
    return {
        "file": labelling.path.name,
        "path": str(labelling.path),
        "content": labelling.content,
        "begins_with_ranges": labelling.begins_with_ranges,
    }


def _labelled(video: VideoReport, report: MatchReport, place: int) -> dict[str, Any]:
    """Return what a video of a label page has: its place in the file, and the file's annotations."""
    if report.labelling is None:
        return {}
    entry = report.labelling.entries[place]
    rows = report.labelling.content["matches"][entry].get("annotations")
    times = ("frame", "from_frame", "to_frame", "label")
    columns = {
        "frame": [row.get("from_frame", row.get("frame")) for row in rows or ()],
        "end": [row.get("to_frame") for row in rows or ()],
        "label": [report.labels.label_id(row["label"]) for row in rows or ()],
        "more": [{key: value for key, value in row.items() if key not in times} for row in rows or ()],
    }
    return {"entry": entry, "empty": rows == [], "annotations": columns}


def _found(report: MatchReport) -> str:
    return "intervals" if any(video.intervals or video.ranges for video in report.videos) else "spots"


def _about(report: MatchReport) -> str:
    total = sum(video.duration_seconds for video in report.videos)
    parts = [count_text(len(report.videos), "video"), f"{minutes_text(total)} long"]
    if report.labelling is not None:
        return " · ".join([*parts, f"saves {report.labelling.path.name}"])
    parts.append(f"{_found(report)} of confidence {report.operating_point:.2f} and more")
    if any(video.ranges for video in report.videos):
        parts.append(f"an interval hits a range with a tIoU of at least {LEAST_OVERLAP:g}")
    elif report.rankings is not None:
        parts.append(f"a spot hits within {report.tolerance_seconds:g} s of an annotation")
    return " · ".join(parts)


def _identity(report: MatchReport) -> str:
    """Return a name under which a browser keeps corrections.

    It is the same when the page is made again, with whatever spots, but not of annotations that were corrected since.
    That of a label page is always the same for its file.
    """
    if report.labelling is not None:
        return hashlib.sha256(str(report.labelling.path).encode(errors="replace")).hexdigest()[:16]
    videos = [
        (
            *_names(video),
            _frame_times(video).num_frames,
            video.annotations,
            *(() if video.ranges is None else (video.ranges,)),
        )
        for video in report.videos
    ]
    return hashlib.sha256(repr((report.title, report.experiment, videos)).encode()).hexdigest()[:16]


def _video(video: VideoReport, labels: LabelSet) -> dict[str, Any]:
    annotations = video.annotations
    clock, frames = video.result.clock, _frame_times(video)
    match, part, file = _names(video)
    return {
        "name": video.name,
        "match": match,
        "part": part,
        "file": file,
        "path": video.path,
        "href": video.href,
        "clock_offset": (clock.half - 1) * HALF_SECONDS - clock.kickoff_seconds,
        "frames": packed_frames(frames),
        "gaps": [[_rounded(gap.start_seconds), _rounded(gap.end_seconds)] for gap in video.result.gaps],
        "curves": None if video.curve is None or not len(video.curve.seconds) else packed_curve(video.curve),
        "annotations": None
        if annotations is None and video.ranges is None
        else _annotations(annotations or (), video.ranges or (), frames, labels),
        "spots": _spots(video, annotations, frames, labels),
        "suspects": _suspects(video, annotations or ()),
    }


def _names(video: VideoReport) -> tuple[str, int, str]:
    """Return the match, the part and the file that corrections name."""
    file = video.result.video
    return file.match, file.number, "" if file.path is None else file.path.name


def _frame_times(video: VideoReport) -> FrameTimes:
    return video.result.video.frames or FrameTimes.even(video.duration_seconds)


def _annotations(
    annotations: Sequence[Annotation], ranges: Sequence[Interval], frames: FrameTimes, labels: LabelSet
) -> dict[str, list[Any]]:
    """Return the points, then the ranges, column by column."""
    columns = _columns(annotations, ranges, frames, labels)
    if any(a.team for a in annotations):
        columns["team"] = [*(a.team for a in annotations), *[None] * len(ranges)]
    if not all(a.visible for a in annotations):
        columns["visible"] = [*(a.visible for a in annotations), *[True] * len(ranges)]
    return columns


def _columns(
    points: Sequence[Annotation | Spot], ranges: Sequence[Interval], frames: FrameTimes, labels: LabelSet
) -> dict[str, list[Any]]:
    """Return frames and labels; `end` is the first frame after a range, and null for a point."""
    columns: dict[str, list[Any]] = {
        "frame": [frames.nearest(one.seconds) for one in points],
        "label": [labels.label_id(one.label) for one in (*points, *ranges)],
    }
    if ranges:
        starts = [min(frames.boundary(one.start_seconds), frames.num_frames - 1) for one in ranges]
        columns["frame"] += starts
        ends = (frames.boundary(one.end_seconds) for one in ranges)
        columns["end"] = [
            *[None] * len(points),
            *(max(end, start + 1) for start, end in zip(starts, ends, strict=True)),
        ]
    return columns


def _spots(
    video: VideoReport, annotations: Sequence[Annotation] | None, frames: FrameTimes, labels: LabelSet
) -> dict[str, list[Any]]:
    columns = _columns(video.spots, video.intervals, frames, labels)
    found: list[Spot | Interval] = [*video.spots, *video.intervals]
    columns["confidence"] = [_rounded(one.confidence) for one in found]
    if annotations is None and video.ranges is None:
        return columns
    truth, ranges = annotations or (), video.ranges or ()
    places = {id(a): place for place, a in enumerate(truth)}
    hits = {} if video.matching is None else {id(hit.spot): hit for hit in video.matching.hits}
    answers = [hits.get(id(spot)) for spot in video.spots]
    ranges_of = interval_answers(ranges, video.intervals)
    columns["answers"] = [
        *(-1 if hit is None else places[id(hit.annotation)] for hit in answers),
        *(-1 if answer < 0 else len(truth) + answer for answer in ranges_of),
    ]
    columns["error"] = [
        *(None if hit is None else _rounded(hit.timing_error_seconds) for hit in answers),
        *(
            None if answer < 0 else _rounded(one.start_seconds - ranges[answer].start_seconds)
            for one, answer in zip(video.intervals, ranges_of, strict=True)
        ),
    ]
    return columns


def _suspects(video: VideoReport, annotations: Sequence[Annotation]) -> dict[str, list[Any]]:
    annotation_places = {id(a): place for place, a in enumerate(annotations)}
    spot_places = {id(s): place for place, s in enumerate(video.spots)}
    return {
        "rank": [s.rank for s in video.suspects],
        "suspicion": [_rounded(s.suspicion) for s in video.suspects],
        "kind": [s.kind.value for s in video.suspects],
        "support": [_maybe(s.support) for s in video.suspects],
        "usual": [_maybe(s.usual) for s in video.suspects],
        "trust": [_maybe(s.trust) for s in video.suspects],
        "annotation": [
            None if s.annotation is None else annotation_places[id(s.annotation)] for s in video.suspects
        ],
        "spot": [None if s.spot is None else spot_places[id(s.spot)] for s in video.suspects],
    }


def _plotted(curve: PrecisionRecall) -> dict[str, list[float]]:
    count = len(curve.recall)
    kept = np.unique(np.linspace(0, count - 1, min(count, _PLOT_POINTS)).round().astype(int))
    return {
        "recall": [_rounded(value) for value in curve.recall[kept].tolist()],
        "precision": [_rounded(value) for value in curve.precision[kept].tolist()],
    }


def _rounded(value: float) -> float:
    if not np.isfinite(value):
        raise ConfigError(f"a report takes finite numbers, got {value}; fix the results it is made of")
    return round(float(value), 4)


def _maybe(value: float | None) -> float | None:
    return None if value is None else _rounded(value)
