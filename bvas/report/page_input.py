"""What a report is made of: an experiment's predictions with labels, or the results of one recording."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bvas.data.matches import Match, match_halves
from bvas.data.soccernet_entries import Notices
from bvas.data.soccernet_files import RESULTS_NAME, read_results
from bvas.data.spot_files import read_spot_file
from bvas.errors import ConfigError, DataError
from bvas.evaluation.experiment_scores import Evaluation
from bvas.evaluation.label_check import LabelCheck
from bvas.experiment.experiment import Experiment
from bvas.experiment.peak_config import PeakConfig
from bvas.report.content import FrameTimes, MatchReport, VideoReport, video_report
from bvas.report.match_clock import MatchClock
from bvas.report.report_folder import ReportedVideo
from bvas.report.scored import file_name, scored_report
from bvas.results.curve_files import load_curve
from bvas.results.recording import RecordedPart, Recording, read_recording
from bvas.system.file_names import output_stem
from bvas.tasks.peaks import smoothed
from bvas.values.annotations import LabelSet, Spot
from bvas.values.plural import count_text
from bvas.values.score_curve import ScoreCurve
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions
from bvas.video.index.video_index import build_index

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportSource:
    """A report and its videos."""

    report: MatchReport
    videos: tuple[ReportedVideo, ...]


def choose_matches(matches: Sequence[Match], wanted: Sequence[str]) -> list[Match]:
    """Return the matches whose names hold one of some texts; all for none.

    Raises:
        ConfigError: a text is in no name.
    """
    for text in wanted:
        if not any(text.lower() in match.name.lower() for match in matches):
            listed = "; ".join(match.name for match in matches[:8])
            raise ConfigError(f"no match is called {text!r}; there are {len(matches)}: {listed}")
    return [
        match for match in matches if not wanted or any(text.lower() in match.name.lower() for text in wanted)
    ]


def evaluation_source(
    evaluation: Evaluation,
    experiment: Experiment,
    data_root: Path,
    *,
    label_check: LabelCheck | None = None,
    begins_with_suspects: bool = False,
) -> ReportSource:
    """Return the report of scored predictions.

    Args:
        evaluation: The predictions with their labels.
        experiment: What they were made with.
        data_root: Where paths of videos begin.
        label_check: Of the same evaluation; its suspects are marked on the page.
        begins_with_suspects: Whether the page lists them when it is opened.

    Raises:
        DecodeError: a video cannot be indexed.
    """
    videos = tuple(
        ReportedVideo(
            shown=replace(
                _placed(scored_report(scored, experiment), scored.path, data_root),
                suspects=() if label_check is None else label_check.of_video(number),
            ),
            source=scored.path,
            name=file_name(scored),
        )
        for number, scored in enumerate(evaluation.videos)
    )
    matches = sorted({video.match.folder.name for video in evaluation.videos})
    title = ", ".join(matches) if len(matches) < 4 else f"{len(matches)} matches"
    report = MatchReport(
        title=title,
        labels=experiment.task.labels,
        videos=tuple(video.shown for video in videos),
        operating_point=experiment.peaks.lowest_operating_point(experiment.task.labels),
        average_precisions={
            "mAP@1 (official)": evaluation.official_per_label,
            "exact mAP@1": evaluation.sheet.exact.per_label,
        },
        experiment=experiment.name,
        begins_with_suspects=begins_with_suspects,
        notes=(
            f"Experiment {experiment.name}; official mAP@1 {evaluation.official:.3f}, "
            f"within 0.2 s {evaluation.tight:.3f}.",
            f"Spots at the average rate, without looking, reach {evaluation.blind:.3f}.",
        ),
    )
    return ReportSource(report=report, videos=videos)


def challenge_source(
    experiment: Experiment, matches: Sequence[Match], predictions: Path, data_root: Path
) -> ReportSource:
    """Return the report of predicted matches without labels.

    Raises:
        DataError: no match has predictions, or a file is wrong.
    """
    videos: list[ReportedVideo] = []
    for match in matches:
        if not (predictions / match.name / RESULTS_NAME).is_file():
            continue
        spots = read_results(predictions / match.name / RESULTS_NAME)
        for half in match_halves(match, experiment.task.resolution):
            path = predictions / match.name / f"{output_stem(half.path.stem)}_scores.npz"
            shown = _spotted(
                f"{match.folder.name}, half {half.number}",
                half.path,
                spots.get(half.number, []),
                load_curve(path) if path.is_file() else None,
                experiment.task.labels,
                experiment.peaks,
                MatchClock(half=half.number if half.number in (1, 2) else 1),
            )
            shown = replace(shown, match=match.name, part=half.number)
            videos.append(
                ReportedVideo(
                    shown=_placed(shown, half.path, data_root),
                    source=half.path,
                    name=f"{match.folder.name.replace(' ', '_')}_{half.number}",
                )
            )
    if not videos:
        raise DataError(
            f"no predictions in {predictions} for the {count_text(len(matches), 'chosen match')}; "
            f"make them first: bvas predict --experiment {experiment.name} --challenge"
        )
    return _unlabelled(
        f"{experiment.name}, challenge",
        videos,
        experiment.task.labels,
        experiment.peaks,
        experiment.name,
    )


def results_source(results: Path, videos: Sequence[Path], *, confidence: float | None = None) -> ReportSource:
    """Return the report of a folder that `bvas spot` wrote, or of another results file.

    Args:
        results: The folder, or a file of spots of any system (`bvas.data.spot_files`).
        videos: The files that it is about, in order; empty where `recording.json` beside it names them.
        confidence: Spots are shown from here up; None: from the operating point.

    Raises:
        DataError: no results, no videos named, or a file is wrong.
        DecodeError: a video cannot be read.
    """
    path = results / RESULTS_NAME if results.is_dir() else results
    folder = path.parent
    notices = Notices()
    found = read_spot_file(path, notices)
    for line in notices.lines():
        logger.warning("%s", line)
    if found.is_one_timeline and len(found.spots) > 1:
        raise DataError(
            f"{path} lays {len(found.spots)} files end to end; give the {RESULTS_NAME} of the same run instead"
        )
    spots = found.spots
    recording = read_recording(folder) or _unrecorded(path, spots, videos)
    if videos:
        if len(videos) != len(recording.parts):
            raise ConfigError(
                f"{path} is about {count_text(len(recording.parts), 'video')}, and --video names {len(videos)}; "
                "name each once, in order"
            )
        recording = replace(
            recording,
            parts=tuple(
                replace(part, path=video, address="")
                for part, video in zip(recording.parts, videos, strict=True)
            ),
        )
    if confidence is not None:
        recording = replace(recording, peaks=recording.peaks.shown_from(confidence))
    shown = [_recorded(part, recording, folder, spots.get(part.number, [])) for part in recording.parts]
    return _unlabelled(folder.absolute().name, shown, recording.labels, recording.peaks, recording.experiment)


def _recorded(part: RecordedPart, recording: Recording, folder: Path, spots: Sequence[Spot]) -> ReportedVideo:
    if part.address:
        named = "standard input" if part.address == "-" else part.address
        raise DataError(
            f"{folder} is about {named}, which cannot be read again; save the video, and name the file with --video"
        )
    if not part.path.is_file():
        raise DataError(f"no video {part.path}, which the results are about; say where it is with --video")
    curve = folder / f"{part.name}_scores.npz"
    shown = _spotted(
        part.path.name,
        part.path,
        spots,
        load_curve(curve) if curve.is_file() else None,
        recording.labels,
        recording.peaks,
        MatchClock(kickoff_seconds=recording.kickoff_seconds - part.begin_seconds),
        part.reading,
    )
    shown = replace(shown, match=folder.absolute().name, part=part.number, path=str(part.path.absolute()))
    return ReportedVideo(shown=shown, source=part.path, name=part.name, reading=part.reading)


def _unrecorded(path: Path, spots: dict[int, list[Spot]], videos: Sequence[Path]) -> Recording:
    """Make the best of results without `recording.json`: those of another system, or of an older version."""
    if not videos:
        raise DataError(
            f"nothing beside {path} says which videos it is about; name them, in order: --video FILE --video FILE"
        )
    curve = path.parent / f"{output_stem(videos[0].stem)}_scores.npz"
    labels = list(load_curve(curve).labels) if curve.is_file() else []
    labels += sorted({spot.label for found in spots.values() for spot in found} - set(labels))
    if not labels:
        raise DataError(
            f"{path} holds no spot, and nothing beside it names its labels; there is nothing to show"
        )
    return Recording(
        experiment="",
        labels=LabelSet(tuple(labels)),
        peaks=PeakConfig(),
        kickoff_seconds=0.0,
        parts=tuple(
            RecordedPart(number=number, name=output_stem(video.stem), path=video, begin_seconds=0.0)
            for number, video in enumerate(videos, start=1)
        ),
    )


def _spotted(
    name: str,
    path: Path,
    spots: Sequence[Spot],
    curve: ScoreCurve | None,
    labels: LabelSet,
    peaks: PeakConfig,
    clock: MatchClock,
    reading: ReadOptions = DEFAULT_READING,
) -> VideoReport:
    index, _ = build_index(path, reading=reading)
    if curve is not None and curve.labels != labels.names:
        raise DataError(
            f"the score curve of {path.name} has the labels {', '.join(curve.labels)}, and its results have "
            f"{', '.join(labels)}; spot the video again"
        )
    report = video_report(
        name,
        spots,
        labels,
        duration_seconds=index.duration_seconds,
        operating_point=peaks.operating_points(labels),
        curve=None if curve is None else smoothed(curve, peaks),
        gaps=() if curve is None else curve.gaps(),
        clock=clock,
    )
    return replace(report, frames=FrameTimes.of(index), file=path.name)


def _unlabelled(
    title: str, videos: Sequence[ReportedVideo], labels: LabelSet, peaks: PeakConfig, experiment: str
) -> ReportSource:
    report = MatchReport(
        title=title,
        labels=labels,
        videos=tuple(video.shown for video in videos),
        operating_point=peaks.lowest_operating_point(labels),
        experiment=experiment,
        notes=(f"Experiment {experiment}.",) if experiment else (),
    )
    return ReportSource(report=report, videos=tuple(videos))


def _placed(shown: VideoReport, path: Path, data_root: Path) -> VideoReport:
    """Say where the video lies: below the data root if it does."""
    absolute, root = Path(os.path.normpath(path.absolute())), Path(os.path.normpath(data_root.absolute()))
    below = absolute.relative_to(root) if absolute.is_relative_to(root) else absolute
    return replace(shown, path=below.as_posix())
