"""What a report is about, as plain values; pictures, page and clip are drawn from these."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.metrics.analysis import Matching, match_spots
from bvas.metrics.suspects import Suspect
from bvas.report.match_clock import MatchClock
from bvas.values.annotations import Annotation, LabelSet, Spot
from bvas.values.checks import checked_seconds
from bvas.values.plural import count_text
from bvas.values.score_curve import ScoreCurve
from bvas.video.index.video_index import VideoIndex


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FrameTimes:
    """When each frame of a video is shown."""

    seconds: NDArray[np.float64]
    """[L], from the first shown frame, strictly ascending."""
    duration_seconds: float
    """Up to the end of the last one."""
    rate: Fraction
    """Frames per second, their average where it varies."""

    @property
    def num_frames(self) -> int:
        """L."""
        return len(self.seconds)

    def nearest(self, seconds: float) -> int:
        """Return the frame whose time is nearest; of two the earlier.

        Raises:
            ConfigError: `seconds` is NaN or not a number.
        """
        seconds = checked_seconds(seconds)
        after = int(np.searchsorted(self.seconds, seconds))
        if after == 0:
            return 0
        if after == len(self.seconds):
            return after - 1
        # Times in files are rounded to milliseconds.
        is_nearer = self.seconds[after] - seconds < seconds - self.seconds[after - 1] - 1e-6
        return after if is_nearer else after - 1

    @staticmethod
    def of(index: VideoIndex) -> "FrameTimes":
        """Return those of an index."""
        return FrameTimes(seconds=index.seconds, duration_seconds=index.duration_seconds, rate=index.rate)

    @staticmethod
    def even(duration_seconds: float, rate: Fraction = Fraction(25)) -> "FrameTimes":
        """Return those of a video of constant rate."""
        num_frames = max(round(duration_seconds * rate), 1)
        return FrameTimes(
            seconds=np.arange(num_frames) / float(rate), duration_seconds=num_frames / float(rate), rate=rate
        )


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
    ranking: Matching | None = None
    """The same of all candidates."""
    suspects: tuple[Suspect, ...] = ()
    """What looks like a mistake in the annotations; of the annotations and spots of `matching`."""
    curve: ScoreCurve | None = None
    """Best as smoothed for the peaks: then marks lie on the line."""
    gaps: tuple[tuple[float, float], ...] = ()
    """Stretches that could not be decoded: (start, stop) in seconds."""
    clock: MatchClock = field(default_factory=MatchClock)
    match: str = ""
    """Name of the match; of a recording, of its results."""
    part: int = 1
    """Which video of the match it is, from 1."""
    file: str = ""
    """Name of the video file."""
    path: str = ""
    """Where the file lies below the data root, with forward slashes; its full path where it lies elsewhere."""
    href: str | None = None
    """What the page plays: a path from the page's folder, escaped as in a URL."""

    frames: FrameTimes | None = None
    """Of its file; None: 25 a second are assumed."""

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
    """Confidence from which spots are shown; of several, one by label, the lowest."""
    tolerance_seconds: float = 0.5
    """Largest distance at which a spot answers an annotation, a half-width."""
    average_precisions: Mapping[str, Mapping[str, float]] | None = None
    """Name of a score, as "mAP@1", to each label's average precision in [0, 1], from all candidates."""
    experiment: str = ""
    """Its name; empty where it is not known."""
    begins_with_suspects: bool = False
    """Whether the page lists the suspects of all videos when it is opened, instead of a video's events."""
    notes: tuple[str, ...] = ()
    """Sentences about where this comes from: the experiment, the data, what to keep in mind."""

    @property
    def matchings(self) -> tuple[Matching, ...] | None:
        """Those of all videos; None unless every video has one."""
        return _all(video.matching for video in self.videos)

    @property
    def rankings(self) -> tuple[Matching, ...] | None:
        """Those of all videos with every candidate; None unless every video has one."""
        return _all(video.ranking for video in self.videos)


def _all(matchings: Iterable[Matching | None]) -> tuple[Matching, ...] | None:
    listed = list(matchings)
    found = tuple(matching for matching in listed if matching is not None)
    return found if found and len(found) == len(listed) else None


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
    clock: MatchClock | None = None,
) -> VideoReport:
    """Return one video's report: spots at or above the operating point, matched if annotations are given.

    The operating point is one confidence, or one by label. Events of labels that are none of `labels` are left out.

    Raises:
        ConfigError: a curve without one column per label.
    """
    if curve is not None and curve.scores.shape[1] != len(labels):
        raise ConfigError(
            f"the curve has {count_text(curve.scores.shape[1], 'column')} for {count_text(len(labels), 'label')}"
        )
    points = (
        operating_point if isinstance(operating_point, Mapping) else dict.fromkeys(labels, operating_point)
    )
    known = [spot for spot in candidates if spot.label in labels]
    shown = [spot for spot in known if spot.confidence >= points[labels.merged.get(spot.label, spot.label)]]
    spots = sorted(shown, key=lambda spot: spot.seconds)
    matching = ranking = None
    if annotations is not None:
        matching = match_spots(annotations, spots, labels, tolerance_seconds=tolerance_seconds)
        ranking = match_spots(annotations, known, labels, tolerance_seconds=tolerance_seconds)
    return VideoReport(
        name=name,
        duration_seconds=duration_seconds,
        spots=tuple(spots),
        matching=matching,
        ranking=ranking,
        curve=curve,
        gaps=tuple(gaps),
        clock=clock or MatchClock(),
    )


def drawn_labels(video: VideoReport, labels: LabelSet) -> list[str]:
    """Return the labels that occur among spots or annotations, in order; all of a few, or if none does."""
    if len(labels) <= 3:
        return list(labels)
    events: list[Spot | Annotation] = [*video.spots, *(video.annotations or ())]
    occurring = {labels.merged.get(event.label, event.label) for event in events}
    return [name for name in labels if name in occurring] or list(labels)
