"""Results of one video: its file, score curve, spots, gaps, annotations and clock.

Everything that is found in a video travels as a `VideoResult`: from prediction to the store, and from the store to
scores, pages, pictures and exports.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bvas.data.matches import Half, Match
from bvas.experiment.peak_config import PeakConfig
from bvas.results.made_from import VideoRecord
from bvas.system.file_names import output_stem
from bvas.tasks.peaks import find_spots
from bvas.values.annotations import Annotation, Gap, LabelSet, Spot
from bvas.values.match_clock import MatchClock
from bvas.values.score_curve import ScoreCurve
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoFile:
    """The video that a result is about."""

    name: str
    """First part of the names of all files about it, as in `<name>_scores.npz`."""
    number: int = 1
    """Half of the match or part of the recording, from 1."""
    match: str = ""
    """Name of the match, or of the recording."""
    path: Path | None = None
    """None where the file is unknown."""
    begin_seconds: float = 0.0
    """Its begin on the timeline of all parts of a recording."""
    address: str = ""
    """Address without secrets of a source that is not a file, or `-` for standard input."""
    reading: ReadOptions = DEFAULT_READING
    """Chosen stream of the file, and how it is read."""

    @classmethod
    def of_half(cls, match: Match, half: Half) -> Self:
        """Return the video of one half of a match."""
        return cls(name=output_stem(half.path.stem), number=half.number, match=match.name, path=half.path)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class VideoResult:
    """What was found in one video."""

    video: VideoFile
    curve: ScoreCurve | None = None
    """Scores as the model gave them; None where only spots are known."""
    spots: tuple[Spot, ...] = ()
    """All candidates in order of time; times count from the first shown frame."""
    gaps: tuple[Gap, ...] = ()
    """Stretches without scores."""
    annotations: tuple[Annotation, ...] | None = None
    """In order of time; None where the video has no labels."""
    clock: MatchClock = field(default_factory=MatchClock)
    made_from: VideoRecord | None = None
    """The file as it was when it was predicted; None where that is unknown."""

    @property
    def required_curve(self) -> ScoreCurve:
        """The curve of a result that must have one."""
        assert self.curve is not None, self.video
        return self.curve

    @classmethod
    def from_curve(
        cls,
        video: VideoFile,
        curve: ScoreCurve,
        labels: LabelSet,
        peaks: PeakConfig,
        *,
        gaps: Sequence[Gap] | None = None,
        clock: MatchClock | None = None,
        made_from: VideoRecord | None = None,
    ) -> Self:
        """Return the result of a video from its score curve; this is where spots are found.

        Args:
            video: The file.
            curve: Its scores, the columns in the order of `labels`.
            labels: The labels of the model.
            peaks: Smoothing, heights and distances of the spots.
            gaps: Stretches that could not be decoded; None: the curve's NaN rows.
            clock: The match clock; None: that of the half.
            made_from: The file as it was predicted.

        Raises:
            ConfigError: the curve has another number of columns than there are labels.
        """
        return cls(
            video=video,
            curve=curve,
            spots=tuple(find_spots(curve.scores, curve.seconds, labels, peaks)),
            gaps=tuple(curve.gaps() if gaps is None else gaps),
            clock=clock or MatchClock.of_half(video.number),
            made_from=made_from,
        )
