"""Results of one video: its file, score curve, spots, gaps, annotations and clock.

Everything that is found in a video travels as a `VideoResult`: from prediction to the store, and from the store to
scores, pages, pictures and exports.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from bvas.data.matches import Half
from bvas.data.soccernet_entries import Notices
from bvas.errors import DataError
from bvas.experiment.experiment import Experiment
from bvas.experiment.peak_config import PeakConfig
from bvas.results.frame_times import FrameTimes
from bvas.results.made_from import VideoRecord
from bvas.system.file_names import output_stem
from bvas.tasks.kind_choice import kind_of
from bvas.tasks.peaks import shown, smoothed
from bvas.values.annotations import Annotation, Gap, Interval, LabelSet, Spot
from bvas.values.match_clock import MatchClock
from bvas.values.score_curve import ScoreCurve
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.index.video_index import build_index


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
    frames: FrameTimes | None = field(default=None, compare=False)
    """Times of its frames; None until `indexed`."""

    @classmethod
    def of_half(cls, match: str, half: Half) -> Self:
        """Return the video of one half of a match, which has a name."""
        name = output_stem(half.stem)
        if isinstance(half.video, Path):
            return cls(name=name, number=half.number, match=match, path=half.video)
        return cls(name=name, number=half.number, match=match, address=half.place)

    def indexed(self) -> Self:
        """Return the same with the times of its frames.

        Raises:
            DecodeError: the file is not a video that can be read.
            DataError: it is at an address.
        """
        if self.path is None:
            raise DataError(
                f"{self.address or self.name} cannot be read here; save the video to a file first"
            )
        return replace(self, frames=FrameTimes.of(build_index(self.path, reading=self.reading)[0]))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class VideoResult:
    """Score curve, spots and more of one video."""

    video: VideoFile
    curve: ScoreCurve | None = None
    """Scores as the model gave them; None where only spots are known."""
    spots: tuple[Spot, ...] = ()
    """All candidates; times count from the first shown frame."""
    intervals: tuple[Interval, ...] = ()
    """What an experiment of kind interval found."""
    spot_frames: tuple[int, ...] = ()
    """Frame of the file for each spot; empty where it was read from files."""
    gaps: tuple[Gap, ...] = ()
    """Stretches without scores."""
    annotations: tuple[Annotation, ...] | None = None
    """None where the video has no labels."""
    ranges: tuple[Interval, ...] | None = None
    """Annotations that are stretches; None where the video has no labels."""
    clock: MatchClock = field(default_factory=MatchClock)
    peaks: PeakConfig = field(default_factory=PeakConfig)
    """Rules by which the spots were found in the curve, with the operating points; for intervals those that their curve
    is smoothed and drawn with."""
    made_from: VideoRecord | None = None
    """The file as it was when it was predicted; None where that is unknown."""

    @property
    def shown(self) -> tuple[Spot, ...]:
        """The spots at or above the operating point of their label."""
        return tuple(shown(self.spots, self.peaks))

    @property
    def required_curve(self) -> ScoreCurve:
        """The curve of a result that must have one."""
        assert self.curve is not None, self.video
        return self.curve

    def smoothed_curve(self, labels: LabelSet) -> ScoreCurve | None:
        """Return the curve as spots are found in it, with these labels alone; None without a curve.

        Raises:
            DataError: it lacks one of the labels.
        """
        if self.curve is None:
            return None
        curve = self.curve
        if not set(labels) <= set(curve.labels):
            raise DataError(
                f"the score curve of {self.video.name} has the labels {', '.join(curve.labels)}, and its "
                f"results have {', '.join(labels)}; spot the video again"
            )
        if curve.labels != labels.names:
            # Of hundreds of classes a page lists those that occur.
            columns = [curve.labels.index(label) for label in labels]
            curve = replace(curve, scores=curve.scores[:, columns], labels=labels.names)
        return smoothed(curve, self.peaks)

    def shown_from(self, confidence: float | None) -> Self:
        """Return the same with one operating point for all labels; as it is for None."""
        return self if confidence is None else replace(self, peaks=self.peaks.shown_from(confidence))

    @classmethod
    def from_curve(
        cls,
        video: VideoFile,
        curve: ScoreCurve,
        experiment: Experiment,
        *,
        gaps: Sequence[Gap] | None = None,
        made_from: VideoRecord | None = None,
    ) -> Self:
        """Return the result of a video from its score curve; this is where spots and intervals are found.

        Args:
            video: The file.
            curve: Its scores, the columns in the order of the experiment's labels.
            experiment: The experiment of the model, with labels and peak rules.
            gaps: Stretches that could not be decoded; None: the curve's NaN rows.
            made_from: The file as it was predicted.

        Raises:
            ConfigError: the curve has another number of columns than there are labels.
        """
        found = kind_of(experiment).results(curve)
        return cls(
            video=video,
            curve=curve,
            spots=found.spots,
            intervals=found.intervals,
            gaps=tuple(curve.gaps() if gaps is None else gaps),
            clock=MatchClock.of_half(video.number),
            peaks=experiment.drawn_peaks,
            made_from=made_from,
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Results:
    """Results of all videos of a recording or match, as read from files of any system."""

    name: str
    folder: Path
    """The folder that holds them."""
    videos: tuple[VideoResult, ...]
    labels: LabelSet
    """Labels of the model where these are known, else those that occur."""
    labels_are_known: bool
    """True for labels of the model, False for labels that occur."""
    experiment: str = ""
    """Empty where it is unknown."""
    notices: Notices
    """Oddities of the files."""
    read: tuple[Path, ...]
    """The files of spots."""
