"""Content of a report: results matched with their annotations; pictures, page and overlay are drawn from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from bvas.metrics.analysis import Hit, Matching, match_spots
from bvas.metrics.suspects import Suspect
from bvas.report.interval_answers import interval_answers
from bvas.results.video_result import VideoResult
from bvas.system.file_names import shown_name
from bvas.values.annotations import Annotation, Interval, LabelSet, Spot
from bvas.values.score_curve import ScoreCurve

Outcome = Literal["spot", "hit", "false alarm", "miss", "annotation"]


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """A spot, or an annotation without one, and its outcome."""

    outcome: Outcome
    """`spot` where the video has no annotations; `annotation` for one of any outcome."""
    label: str
    seconds: float
    confidence: float | None = None
    """None for an annotation."""
    timing_error_seconds: float | None = None
    """Of a hit: spot minus annotation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoReport:
    """One video of a report. Times count from its first shown frame."""

    result: VideoResult
    name: str
    """Title for readers: the name of the file, or "match, half 1"."""
    duration_seconds: float
    spots: tuple[Spot, ...]
    """Those at or above the operating point, in order of time."""
    intervals: tuple[Interval, ...] = ()
    """Stretches that were found, in order of time."""
    ranges: tuple[Interval, ...] | None = None
    """Annotations that are stretches, in order of time; None where the video has no annotations."""
    matching: Matching | None = None
    """Matching of spots with annotations; None where the video has none."""
    ranking: Matching | None = None
    """The same of all candidates; intervals and ranges are in it as their starts."""
    suspects: tuple[Suspect, ...] = ()
    """Probable mistakes in the annotations; of the annotations and spots of `matching`."""
    curve: ScoreCurve | None = None
    """As smoothed for the peaks: marks of spots lie on the line."""
    file_stem: str = ""
    """First part of the names of files about it."""
    path: str = ""
    """Path of the file below the data root, with forward slashes; its full path where it lies elsewhere."""
    href: str | None = None
    """URL that the page plays: a path from the page's folder, escaped."""

    @property
    def annotations(self) -> tuple[Annotation, ...] | None:
        """The annotations of known labels, in order of time; None where the video has none."""
        if self.matching is None:
            return None
        found = [*(hit.annotation for hit in self.matching.hits), *self.matching.misses]
        return tuple(sorted(found, key=lambda a: a.seconds))

    def events(self) -> list[ShownEvent]:
        """Return its spots and missed annotations in order of time."""
        matching = self.matching
        if matching is None:
            return [ShownEvent("spot", s.label, s.seconds, s.confidence) for s in self.spots]
        hits = [(hit.spot, hit.timing_error_seconds) for hit in matching.hits]
        found = [ShownEvent("hit", s.label, s.seconds, s.confidence, error) for s, error in hits]
        found += [ShownEvent("false alarm", s.label, s.seconds, s.confidence) for s in matching.false_alarms]
        found += [ShownEvent("miss", a.label, a.seconds) for a in matching.misses]
        return sorted(found, key=lambda event: event.seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelling:
    """The file that a label page writes: `bvas.data.labels_file`."""

    path: Path
    content: Mapping[str, Any]
    """Its JSON value; annotations of the page's videos are named by frames."""
    entries: tuple[int, ...]
    """For each video of the page its place in `matches`."""
    begins_with_ranges: bool = False
    """Keys of labels begin and end ranges at first, instead of marking points."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchReport:
    """Report of a match, or of any videos that belong together."""

    title: str
    labels: LabelSet
    videos: tuple[VideoReport, ...]
    operating_point: float
    """Confidence from which spots are shown; the lowest of all labels."""
    tolerance_seconds: float = 0.5
    """Largest distance of a spot and the annotation that it matches, a half-width."""
    average_precisions: Mapping[str, Mapping[str, float]] | None = None
    """Name of a score, as "mAP@1", to each label's average precision in [0, 1], from all candidates."""
    experiment: str = ""
    """Its name; empty where it is unknown."""
    begins_with_suspects: bool = False
    """True: the page opens with the suspects of all videos; False: with the events of a video."""
    notes: tuple[str, ...] = ()
    """Sentences about the experiment and the data."""
    labelling: Labelling | None = None
    """Of a page for labelling, which shows no predictions."""

    @property
    def rankings(self) -> tuple[Matching, ...] | None:
        """Those of all videos with every candidate; None unless every video has annotations."""
        found = tuple(video.ranking for video in self.videos if video.ranking is not None)
        return found if found and len(found) == len(self.videos) else None


def video_report(
    result: VideoResult,
    labels: LabelSet,
    *,
    name: str = "",
    duration_seconds: float | None = None,
    tolerance_seconds: float = 0.5,
) -> VideoReport:
    """Return one video's report: spots at or above the operating point, matched if there are annotations.

    Events of other labels than `labels` are left out.

    Args:
        result: What was found; its file was indexed, or `duration_seconds` is given.
        labels: The labels to show.
        name: Title; empty: the name of the file.
        duration_seconds: Length of the video; None: that of its file.
        tolerance_seconds: Largest distance of a spot and the annotation that it matches, a half-width.

    Raises:
        DataError: the curve is of other labels.
    """
    video = result.video
    if duration_seconds is None:
        assert video.frames is not None, video
        duration_seconds = video.frames.duration_seconds
    points = result.peaks.operating_points(labels)
    known = [spot for spot in result.spots if spot.label in labels]
    shown = [spot for spot in known if spot.confidence >= points[labels.merged.get(spot.label, spot.label)]]
    spots = sorted(shown, key=lambda spot: spot.seconds)
    matching = ranking = None
    if result.annotations is not None:
        matching = match_spots(result.annotations, spots, labels, tolerance_seconds=tolerance_seconds)
        ranking = match_spots(result.annotations, known, labels, tolerance_seconds=tolerance_seconds)
    intervals = _known(result.intervals, labels)
    ranges = None if result.ranges is None else _known(result.ranges, labels)
    if ranges is not None:
        ranking = _with_intervals(ranking, ranges, intervals)
    return VideoReport(
        result=result,
        name=name or (video.name if video.path is None else shown_name(video.path.name)),
        file_stem=video.name,
        duration_seconds=duration_seconds,
        spots=tuple(spots),
        intervals=intervals,
        ranges=ranges,
        matching=matching,
        ranking=ranking,
        curve=result.smoothed_curve(labels),
    )


def _known(intervals: Sequence[Interval], labels: LabelSet) -> tuple[Interval, ...]:
    """Return those of known labels in order of time, merged labels under the name that they count as."""
    known = [
        replace(one, label=labels.merged.get(one.label, one.label))
        for one in intervals
        if one.label in labels
    ]
    return tuple(sorted(known, key=lambda one: (one.start_seconds, one.end_seconds)))


def _with_intervals(
    ranking: Matching | None, ranges: Sequence[Interval], intervals: Sequence[Interval]
) -> Matching:
    """Return a matching with intervals and ranges added as their starts."""
    before = ranking or Matching(hits=(), misses=(), false_alarms=())
    answers = interval_answers(ranges, intervals)
    truth = [Annotation(one.label, one.start_seconds) for one in ranges]
    spots = [Spot(one.label, one.start_seconds, one.confidence) for one in intervals]
    pairs = list(zip(answers, spots, strict=True))
    return Matching(
        hits=(*before.hits, *(Hit(truth[answer], spot) for answer, spot in pairs if answer >= 0)),
        misses=(*before.misses, *(one for place, one in enumerate(truth) if place not in answers)),
        false_alarms=(*before.false_alarms, *(spot for answer, spot in pairs if answer < 0)),
    )


def as_half(report: VideoReport) -> VideoReport:
    """Return the report of a half of a match, called after both."""
    video = report.result.video
    match = video.match.rsplit("/", 1)[-1]
    stem = f"{match.replace(' ', '_')}_{video.number}"
    return replace(report, name=f"{match}, half {video.number}", file_stem=stem)


def drawn_labels(video: VideoReport, labels: LabelSet) -> list[str]:
    """Return the labels of spots or annotations, in order; all labels where they are few or none occurs."""
    if len(labels) <= 3:
        return list(labels)
    events: list[Spot | Annotation | Interval] = [
        *video.spots,
        *video.intervals,
        *(video.annotations or ()),
        *(video.ranges or ()),
    ]
    occurring = {labels.merged.get(event.label, event.label) for event in events}
    return [name for name in labels if name in occurring] or list(labels)
