"""What a report is about, as plain values; pictures, page and clip are drawn from these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bvas.curve import ScoreCurve
from bvas.errors import ConfigError
from bvas.metrics.analysis import Matching, match_spots
from bvas.report.clock import MatchClock
from bvas.spots import Annotation, LabelSet, Spot


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipLink:
    """A short annotated video that a page plays."""

    href: str
    """Path from the page's folder to the file."""
    start_seconds: float
    """Where in the video the clip begins."""
    stop_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoReport:
    """One video of a report. Times count from its first shown frame."""

    name: str
    """What the reader calls it: the file's name, or "1st half"."""
    duration_seconds: float
    spots: tuple[Spot, ...]
    """Those at or above the operating point, in order of time."""
    matching: Matching | None = None
    """How they answer the annotations; None where there are no annotations to answer."""
    curve: ScoreCurve | None = None
    """Best as smoothed for the peaks: then marks lie on the line."""
    gaps: tuple[tuple[float, float], ...] = ()
    """Stretches that could not be decoded: (start, stop) in seconds."""
    clip: ClipLink | None = None
    clock: MatchClock = field(default_factory=MatchClock)

    @property
    def annotations(self) -> tuple[Annotation, ...] | None:
        """The annotations, in order of time; None where there are none to compare with."""
        if self.matching is None:
            return None
        found = [*(hit.annotation for hit in self.matching.hits), *self.matching.misses]
        return tuple(sorted(found, key=lambda a: a.seconds))


@dataclass(frozen=True, kw_only=True, slots=True)
class MatchReport:
    """A match, or any set of videos that belong together."""

    title: str
    labels: LabelSet
    videos: tuple[VideoReport, ...]
    operating_point: float
    """Confidence from which spots are shown."""
    tolerance_seconds: float = 0.5
    """Largest distance at which a spot answers an annotation, a half-width."""
    average_precisions: Mapping[str, Mapping[str, float]] | None = None
    """Name of a score, as "mAP@1", to each label's average precision in [0, 1], from all candidates."""
    notes: tuple[str, ...] = ()
    """Sentences about where this comes from: the experiment, the data, what to keep in mind."""

    @property
    def matchings(self) -> tuple[Matching, ...] | None:
        """Those of all videos; None unless every video has one."""
        found = [video.matching for video in self.videos if video.matching is not None]
        return tuple(found) if found and len(found) == len(self.videos) else None


def video_report(
    name: str,
    candidates: Sequence[Spot],
    labels: LabelSet,
    *,
    duration_seconds: float,
    operating_point: float | Mapping[str, float],
    annotations: Sequence[Annotation] | None = None,
    tolerance_seconds: float = 0.5,
    curve: ScoreCurve | None = None,
    gaps: Sequence[tuple[float, float]] = (),
    clip: ClipLink | None = None,
    clock: MatchClock | None = None,
) -> VideoReport:
    """Return one video's report: spots at or above the operating point, matched if annotations are given.

    The operating point is one confidence, or one by label.

    Raises:
        ConfigError: a curve without one column per label.
    """
    if curve is not None and curve.scores.shape[1] != len(labels):
        raise ConfigError(f"the curve has {curve.scores.shape[1]} columns for {len(labels)} labels")
    points = (
        operating_point if isinstance(operating_point, Mapping) else dict.fromkeys(labels, operating_point)
    )
    shown = [
        spot for spot in candidates if spot.confidence >= points[labels.merged.get(spot.label, spot.label)]
    ]
    spots = sorted(shown, key=lambda spot: spot.seconds)
    matching = (
        None
        if annotations is None
        else match_spots(annotations, spots, labels, tolerance_seconds=tolerance_seconds)
    )
    return VideoReport(
        name=name,
        duration_seconds=duration_seconds,
        spots=tuple(spots),
        matching=matching,
        curve=curve,
        gaps=tuple(gaps),
        clip=clip,
        clock=clock or MatchClock(),
    )


def drawn_labels(video: VideoReport, labels: LabelSet) -> list[str]:
    """Return the labels that occur among spots or annotations, in order; all of a few, or if none does."""
    if len(labels) <= 3:
        return list(labels)
    events: list[Spot | Annotation] = [*video.spots, *(video.annotations or ())]
    occurring = {labels.merged.get(event.label, event.label) for event in events}
    return [name for name in labels if name in occurring] or list(labels)
