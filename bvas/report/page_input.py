"""Input of the report page: an experiment's predictions with labels, or the results of one recording."""

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bvas.data.matches import Match, match_halves
from bvas.errors import ConfigError, DataError
from bvas.evaluation.experiment_scores import Evaluation
from bvas.evaluation.interval_evaluation import IntervalEvaluation
from bvas.evaluation.label_check import LabelCheck
from bvas.experiment.experiment import Experiment
from bvas.report.content import MatchReport, VideoReport, as_half, video_report
from bvas.results.read_spots import read_spots
from bvas.results.store import has_results, read_match
from bvas.results.video_result import VideoFile, VideoResult
from bvas.system.file_names import output_stem
from bvas.values.annotations import LabelSet
from bvas.values.plural import count_text

logger = logging.getLogger(__name__)

_SHOWN_TIOUS = (0.5, 0.75)


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


def evaluation_report(
    evaluation: Evaluation,
    experiment: Experiment,
    data_root: Path,
    *,
    label_check: LabelCheck | None = None,
    begins_with_suspects: bool = False,
) -> MatchReport:
    """Return the report of scored predictions.

    Args:
        evaluation: The predictions with their labels.
        experiment: The experiment that made them.
        data_root: Folder in which paths of videos begin.
        label_check: Of the same evaluation; its suspects are marked on the page.
        begins_with_suspects: The page opens with the list of them.

    Raises:
        DecodeError: a video cannot be indexed.
    """
    labels = experiment.task.labels
    matches = sorted({result.video.match.rsplit("/", 1)[-1] for result in evaluation.videos})
    return MatchReport(
        title=", ".join(matches) if len(matches) < 4 else f"{len(matches)} matches",
        labels=labels,
        videos=tuple(
            replace(
                _half(result, labels, data_root),
                suspects=() if label_check is None else label_check.of_video(number),
            )
            for number, result in enumerate(evaluation.videos)
        ),
        operating_point=experiment.peaks.lowest_operating_point(labels),
        average_precisions={
            "mAP@1 (official)": evaluation.sheet.official.per_label,
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


def interval_report(evaluation: IntervalEvaluation, experiment: Experiment, data_root: Path) -> MatchReport:
    """Return the report of scored intervals; arguments as of `evaluation_report`."""
    labels, scores = experiment.task.labels, evaluation.scores
    matches = sorted({result.video.match.rsplit("/", 1)[-1] for result in evaluation.videos})
    by_tiou = {
        f"AP at tIoU {tiou:g}": {
            label: 0.0 if row is None else row[place] for label, row in scores.average_precision.items()
        }
        for place, tiou in enumerate(scores.thresholds)
        if round(tiou, 2) in _SHOWN_TIOUS
    }
    mean = "no range" if scores.mean is None else f"mAP at tIoU 0.5 to 0.95 {scores.mean:.3f}"
    return MatchReport(
        title=", ".join(matches) if len(matches) < 4 else count_text(len(matches), "recording"),
        labels=labels,
        videos=tuple(_placed(_named(result, labels), data_root) for result in evaluation.videos),
        operating_point=experiment.drawn_peaks.lowest_operating_point(labels),
        average_precisions=by_tiou,
        experiment=experiment.name,
        notes=(f"Experiment {experiment.name}; {mean}, frame accuracy {scores.mean_frame_accuracy:.3f}.",),
    )


def _named(result: VideoResult, labels: LabelSet) -> VideoReport:
    """Return the report of a recording of one file, or of a part of one, called after the recording."""
    report = video_report(result, labels)
    video = result.video
    name = video.match.rsplit("/", 1)[-1]
    title = name if video.number == 1 else f"{name}, part {video.number}"
    return replace(report, name=title, file_stem=output_stem(f"{name}_{video.number}"))


def challenge_report(
    experiment: Experiment, matches: Sequence[Match], predictions: Path, data_root: Path
) -> MatchReport:
    """Return the report of predicted matches without labels.

    Raises:
        DataError: no match has predictions, or a file is wrong.
    """
    labels = experiment.task.labels
    results = [
        result
        for match in matches
        if has_results(predictions / match.name)
        for result in read_match(
            predictions / match.name,
            [VideoFile.of_half(match.name, half) for half in match_halves(match, experiment.task.resolution)],
            experiment.peaks,
        )
    ]
    if experiment.kind == "interval":
        results = [
            VideoResult.from_curve(result.video, result.curve, experiment, gaps=result.gaps)
            for result in results
            if result.curve is not None
        ]
    if not results:
        raise DataError(
            f"no predictions in {predictions} for the {count_text(len(matches), 'chosen match')}; "
            f"make them first: bvas predict --experiment {experiment.name} --challenge"
        )
    return MatchReport(
        title=f"{experiment.name}, challenge",
        labels=labels,
        videos=tuple(_half(result, labels, data_root) for result in results),
        operating_point=experiment.drawn_peaks.lowest_operating_point(labels),
        experiment=experiment.name,
        notes=(f"Experiment {experiment.name}.",),
    )


def results_report(results: Path, videos: Sequence[Path], *, confidence: float | None = None) -> MatchReport:
    """Return the report of a folder that `bvas spot` wrote, or of another file of spots.

    Args:
        results: The folder, or a file of spots of any system (`bvas.data.spot_files`).
        videos: The files that it is about, in order; empty where the folder names them.
        confidence: Spots are shown from here up; None: from the operating point.

    Raises:
        DataError: no results, no videos named, or a file is wrong.
        DecodeError: a video cannot be read.
    """
    found = read_spots([results], videos)
    for line in found.notices.lines():
        logger.warning("%s", line)
    if not found.labels_are_known and not any(result.spots for result in found.videos):
        raise DataError(
            f"{found.read[0]} holds no spot, and nothing beside it names its labels; there is nothing to show"
        )
    shown = []
    for result in found.videos:
        _check_is_there(result.video, found.read[0])
        result = result.shown_from(confidence)
        shown.append(_placed(video_report(result, found.labels), None))
    return MatchReport(
        title=found.folder.absolute().name,
        labels=found.labels,
        videos=tuple(shown),
        operating_point=min(video.result.peaks.lowest_operating_point(found.labels) for video in shown),
        experiment=found.experiment,
        notes=(f"Experiment {found.experiment}.",) if found.experiment else (),
    )


def _check_is_there(video: VideoFile, path: Path) -> None:
    """Refuse results of a video that cannot be shown."""
    if video.address:
        named = "standard input" if video.address == "-" else video.address
        raise DataError(
            f"{path.parent} is about {named}, which cannot be read again; save the video, and name the file with "
            "--video"
        )
    if video.frames is not None:
        return
    if video.path is None:
        raise DataError(
            f"nothing beside {path} says which videos it is about; name them, in order: --video FILE --video FILE"
        )
    raise DataError(f"no video {video.path}, which the results are about; say where it is with --video")


def _half(result: VideoResult, labels: LabelSet, data_root: Path) -> VideoReport:
    report = video_report(replace(result, video=result.video.indexed()), labels)
    return _placed(as_half(report), data_root)


def _placed(shown: VideoReport, data_root: Path | None) -> VideoReport:
    """Add the path of the video: below the data root where it lies there."""
    path = shown.result.video.path
    assert path is not None
    absolute = Path(os.path.normpath(path.absolute()))
    if data_root is not None:
        root = Path(os.path.normpath(data_root.absolute()))
        absolute = absolute.relative_to(root) if absolute.is_relative_to(root) else absolute
    return replace(shown, path=absolute.as_posix())
