"""The spots of a recording or match, video by video, and what is known of each."""

from dataclasses import dataclass
from pathlib import Path

from bvas.data.soccernet_entries import Notices
from bvas.errors import DataError
from bvas.experiment.peak_config import PeakConfig
from bvas.report.content import FrameTimes
from bvas.report.match_clock import MatchClock
from bvas.results.curve_files import load_curve
from bvas.tasks.peaks import smoothed
from bvas.values.annotations import LabelSet, Spot
from bvas.values.score_curve import ScoreCurve
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.index.video_index import VideoIndex


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SpottedVideo:
    """A video of a source of spots."""

    path: Path
    index: VideoIndex
    frames: FrameTimes


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SpottedPart:
    """The spots of one video."""

    number: int
    name: str
    """What files about it begin with."""
    candidates: tuple[Spot, ...]
    """In order of time, from the first shown frame."""
    clock: MatchClock
    video: SpottedVideo | None
    """None where nothing says which file it is, or it is not there any more."""
    curve_path: Path | None
    """Of its score curve; None where there is none."""
    peaks: PeakConfig
    """How spots are found in its score curve, and from which confidence they are shown."""
    reading: ReadOptions = DEFAULT_READING
    """Which stream of the video was read, and how."""

    def curve(self, labels: LabelSet) -> ScoreCurve | None:
        """Return the score curve as peaks are found in it; None where there is none.

        Raises:
            DataError: it cannot be read, or is of other labels.
        """
        if self.curve_path is None:
            return None
        curve = load_curve(self.curve_path)
        if curve.labels != labels.names:
            raise DataError(
                f"the score curve {self.curve_path} has the labels {', '.join(curve.labels)}, and its results have "
                f"{', '.join(labels)}; spot the video again"
            )
        return smoothed(curve, self.peaks)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SpotSource:
    """All parts of a recording or match."""

    name: str
    folder: Path
    """Where its files lie."""
    parts: tuple[SpottedPart, ...]
    labels: LabelSet
    """Of the model where that is known, else those that occur."""
    labels_are_known: bool
    """The model's; not only those that occur."""
    notices: Notices
    """What is odd about the files."""
    read: tuple[Path, ...]
    """The files of spots."""
