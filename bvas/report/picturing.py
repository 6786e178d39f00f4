"""Pictures of predictions against labels: timelines, precision over recall, timing, and the worst events."""

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError, DecodeError
from bvas.evaluation.scored_files import LabelledResults, half_files
from bvas.experiment.peak_config import PeakConfig
from bvas.report.contact_sheet import THUMB_WIDTH, png
from bvas.report.content import VideoReport, as_half, video_report
from bvas.report.score_plots import precision_recall_png, timing_png
from bvas.report.timeline import timeline_png
from bvas.report.worst_events import OFFSETS_SECONDS, WorstEvent, worst_events, worst_sheet
from bvas.results.store import curves_of_half, load_curve, timeline_path
from bvas.system.atomic_files import write_bytes
from bvas.values.annotations import LabelSet
from bvas.values.progress import Progress
from bvas.values.score_curve import ScoreCurve
from bvas.video.container.file_tags import declared_seconds
from bvas.video.decode.open_video import open_video

logger = logging.getLogger(__name__)

PictureKind = Literal["timeline", "precision-recall", "timing", "worst"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureConfig:
    """Kinds of pictures, and the rules behind them."""

    kinds: tuple[PictureKind, ...] = get_args(PictureKind)
    peaks: PeakConfig = field(default_factory=PeakConfig)
    """Operating points of the labels, and smoothing of the curves."""
    tolerance_seconds: float = 0.5
    """Largest distance of a spot and the annotation that it matches, a half-width."""
    num_worst: int = 6
    """Number of misses, and of false alarms, on the sheet."""

    def __post_init__(self) -> None:
        if not 0 < self.tolerance_seconds < float("inf"):
            raise ConfigError(f"tolerance_seconds must be positive, got {self.tolerance_seconds}")
        if self.num_worst < 1:
            raise ConfigError(f"num_worst must be at least 1, got {self.num_worst}")


def write_pictures_of_files(
    files: LabelledResults,
    labels: LabelSet,
    out: Path,
    config: PictureConfig,
    *,
    videos: Path,
    predictions: Path,
    overwrite: bool,
    progress: Progress,
) -> list[Path]:
    """Draw predictions against labels, write the pictures when all of them are drawn, and return them.

    Args:
        files: Predictions with their labels.
        labels: The task's labels.
        out: Folder of the pictures.
        config: Kinds of pictures, and rules.
        videos: Folder of the matches' videos.
        predictions: Folder of the results; score curves beside them are drawn too.
        overwrite: Replace pictures that are there.
        progress: Called with the pictures done and all there are.

    Raises:
        ConfigError: a picture exists already.
        DataError: a score curve is wrong, or a picture cannot be written.
    """
    halves = _halves(files, labels, config, videos, predictions)
    targets: dict[Path, Callable[[], bytes]] = {}
    if "timeline" in config.kinds:
        for half in halves:
            targets[timeline_path(out, half.file_stem)] = functools.partial(timeline_png, half, labels)
    matchings = [half.matching for half in halves if half.matching is not None]
    rankings = [half.ranking for half in halves if half.ranking is not None]
    if "precision-recall" in config.kinds:
        targets[out / "precision_recall.png"] = lambda: precision_recall_png(
            rankings,
            labels,
            operating_points=config.peaks.operating_points(labels),
            tolerance_seconds=config.tolerance_seconds,
        )
    if "timing" in config.kinds:
        targets[out / "timing.png"] = lambda: timing_png(
            matchings, labels, tolerance_seconds=config.tolerance_seconds
        )
    if "worst" in config.kinds:
        if any(half.result.video.path for half in halves):
            targets[out / "worst.png"] = lambda: _worst(halves, labels, config)
        else:
            left_out = "no videos in %s: the sheet of the worst events is left out; name their folder"
            logger.warning(left_out, videos)
    for path in targets:
        if path.exists() and not overwrite:
            raise ConfigError(f"{path} exists already; --overwrite replaces it, --out names another folder")
    drawn: list[tuple[Path, bytes]] = []
    for path, draw in targets.items():
        drawn.append((path, draw()))
        progress(len(drawn), len(targets))
    for path, picture in drawn:
        write_bytes(path, picture)
    return list(targets)


def _halves(
    files: LabelledResults, labels: LabelSet, config: PictureConfig, videos: Path, predictions: Path
) -> list[VideoReport]:
    halves = []
    for result in files.videos:
        match, half = result.video.match, result.video.number
        path = half_files(videos / match).get(half)
        annotations = result.annotations or ()
        if not annotations and not result.spots and path is None:
            continue  # a match of one video
        curve = _curve(predictions / match, half, labels)
        ends = [*(a.seconds + 1 for a in annotations), *(s.seconds + 1 for s in result.spots)]
        if curve is not None and len(curve.seconds):
            ends.append(float(curve.seconds[-1]))
        length = None if path is None else declared_seconds(path)
        shown = replace(
            result,
            video=replace(result.video, match=match.rsplit("/", 1)[-1] or predictions.stem, path=path),
            curve=curve,
            gaps=() if curve is None else tuple(curve.gaps()),
            peaks=config.peaks,
        )
        length = max(ends, default=1.0) if length is None else length
        tolerance = config.tolerance_seconds
        report = video_report(shown, labels, duration_seconds=length, tolerance_seconds=tolerance)
        halves.append(as_half(report))
    return halves


def _curve(folder: Path, half: int, labels: LabelSet) -> ScoreCurve | None:
    """Return the score curve of a half beside its results; None where none or several may be it."""
    found = curves_of_half(folder, half)
    if len(found) != 1:
        return None
    curve = load_curve(found[0])
    if curve.labels != labels.names:
        others = ", ".join(curve.labels)
        logger.warning("%s has other labels than the task, and is not drawn: %s", found[0], others)
        return None
    return curve


def _worst(halves: Sequence[VideoReport], labels: LabelSet, config: PictureConfig) -> bytes:
    # Frames of a video that is not there cannot be shown.
    shown = [half for half in halves if half.result.video.path is not None]
    events = worst_events(shown, labels, tolerance_seconds=config.tolerance_seconds, most=config.num_worst)
    frames = [_frames_around(event, shown[event.video].result.video.path) for event in events]
    heading = "The misses with the least score near them, and the most confident false alarms"
    return png(worst_sheet(events, frames, shown, heading=heading))


def _frames_around(event: WorstEvent, path: Path | None) -> NDArray[np.uint8] | None:
    """Return RGB frames around an event, uint8 [5, H, THUMB_WIDTH, 3]; None where one cannot be decoded."""
    assert path is not None
    with open_video(path) as probe:
        info = probe.info
    height = max(2, round(THUMB_WIDTH * info.height / (info.width * float(info.sample_aspect))))
    try:
        with open_video(path, size=(height, THUMB_WIDTH), channels="rgb") as reader:
            wanted = [reader.frame_at(max(0.0, event.seconds + offset)) for offset in OFFSETS_SECONDS]
            frames = np.empty((len(wanted), *reader.frame_shape), np.uint8)
            reader.read_into(wanted, frames)
    except DecodeError as error:
        logger.warning("%s", error)
        return None
    return frames
