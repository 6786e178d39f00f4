"""Labels and predictions of the same matches, read from files and checked against each other."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bvas.data.soccernet_entries import MAX_SECONDS, Notices, label_entries, prediction_entries
from bvas.data.soccernet_files import best_renditions
from bvas.errors import ConfigError, DataError
from bvas.evaluation.osl_tree import OslTree, Tree, as_soccernet, count_uncertain, open_files, paired_names
from bvas.metrics.score_rules import Metric
from bvas.results.store import RESULTS_NAME
from bvas.results.video_result import VideoFile, VideoResult
from bvas.values.annotations import Annotation, LabelSet, Spot
from bvas.values.match_clock import MatchClock
from bvas.video.container.file_tags import declared_seconds

# Predictions that all lie in the first five hundredth of what the labels span are in another unit.
_UNIT_RATIO = 500
_MIN_EVENTS = 5
# Sound may be longer than the picture.
_LENGTH_SLACK_SECONDS = 1.0
_EventsOfHalves = Mapping[int, Sequence[Annotation | Spot]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoredTask:
    """Labels and metric of one of SoccerNet's challenges."""

    labels: LabelSet
    label_file: str
    metric: Metric
    """The one that its leaderboard ranks by."""
    rate: float
    """Frames per second that its evaluation rounds times down to."""
    with_teams: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledResults:
    """Predictions with annotations of all halves, each in the order of its file, and what was left out."""

    videos: tuple[VideoResult, ...]
    notices: Notices
    not_predicted: tuple[str, ...]
    """Labelled matches without predictions, left out because partial scoring was asked for."""
    not_labelled: tuple[str, ...]
    """Matches with predictions and without labels, left out."""


def read_videos(
    labels: Path,
    predictions: Path,
    task: ScoredTask,
    *,
    matches: Sequence[str] = (),
    partial: bool = False,
    head: str | None = None,
) -> LabelledResults:
    """Return the annotations and predictions of two halves a match; arguments and errors of
    `bvas.evaluation.file_scores.score_files`."""
    with open_files(labels, head=head) as truth, open_files(predictions, head=head) as found:
        label_files = truth.find(task.label_file)
        result_files = paired_names(label_files, found.find(RESULTS_NAME), truth, found)
        names, not_predicted = _choose(
            label_files, result_files, labels, predictions, task.label_file, matches, partial=partial
        )
        notices = Notices()
        count_uncertain(found, notices)
        videos = []
        for name in names:
            where, result = truth.where(label_files[name]), found.where(result_files[name])
            true = label_entries(
                as_soccernet(truth.read_json(label_files[name]), where), where, task.labels, notices
            )
            predicted = prediction_entries(
                as_soccernet(found.read_json(result_files[name]), result), result, task.labels, notices
            )
            files: dict[str, tuple[_EventsOfHalves, str]]
            files = {"predictions": (predicted, result), "annotations": (true, where)}
            _check_lengths(truth, label_files[name], files, notices)
            is_sample = isinstance(truth, OslTree) and 2 not in truth.matches[name] and not predicted[2]
            for half in (1,) if is_sample else (1, 2):
                videos.append(
                    VideoResult(
                        video=VideoFile(name=f"{name}_{half}", number=half, match=name),
                        annotations=tuple(true[half]),
                        spots=tuple(predicted[half]),
                        clock=MatchClock.of_half(half),
                    )
                )
    _check_span(videos, predictions)
    return LabelledResults(
        videos=tuple(videos),
        notices=notices,
        not_predicted=tuple(not_predicted),
        not_labelled=() if matches else tuple(name for name in result_files if name not in label_files),
    )


def _choose(
    label_files: Mapping[str, str],
    result_files: Mapping[str, str],
    labels: Path,
    predictions: Path,
    label_file: str,
    wanted: Sequence[str],
    *,
    partial: bool,
) -> tuple[list[str], list[str]]:
    """Return the matches to score, and those left out since they have no predictions."""
    if not label_files:
        raise DataError(
            f"no {label_file} below {labels}; give the folder or zip that holds the labelled matches"
        )
    if not result_files:
        raise DataError(
            f"no {RESULTS_NAME} below {predictions}; a submission holds one in each match's folder"
        )
    unknown = [name for name in wanted if name not in label_files]
    if unknown:
        raise ConfigError(
            f"no labels of match '{unknown[0]}' in {labels}; names are like '{next(iter(label_files))}'"
        )
    names = list(dict.fromkeys(wanted)) or list(label_files)
    missing = [name for name in names if name not in result_files]
    there = [name for name in names if name in result_files]
    if not there:
        raise DataError(
            f"no match has both labels and predictions: {labels} holds '{names[0]}' and {predictions} holds "
            f"'{next(iter(result_files))}'; both must call a match by the same path, league/season/match at the root"
        )
    if missing and not partial:
        raise DataError(
            f"{predictions} lacks {len(missing)} of {len(names)} labelled matches, the first is '{missing[0]}'; "
            "add them, name the matches to score with --matches, or leave these out with --partial"
        )
    return there, missing


def _check_lengths(
    truth: Tree, label_file: str, files: Mapping[str, tuple[_EventsOfHalves, str]], notices: Notices
) -> None:
    """Count events after the end of videos that lie beside the labels; `files` has their kinds and places."""
    if isinstance(truth, OslTree) or truth.archive is not None:
        return
    for half, path in half_files((truth.root / label_file).parent).items():
        length = declared_seconds(path)
        end = math.inf if length is None else length + _LENGTH_SLACK_SECONDS
        for what, (events, where) in files.items():
            late = sum(event.seconds > end for event in events[half])
            if late:
                notices.add(f"{what} after the end of the video (half {half})", where, late)


def half_files(folder: Path) -> dict[int, Path]:
    """Return the video of each half that lies in a match's folder, the smallest rendition by preference."""
    try:
        return best_renditions(folder, "224p")
    except DataError:
        return {}  # labels without videos


def _check_span(videos: Sequence[VideoResult], where: Path) -> None:
    """Refuse predictions whose times can only be in another unit than those of the labels."""
    labelled = [a.seconds for result in videos for a in result.annotations or ()]
    predicted = [spot.seconds for result in videos for spot in result.spots]
    if min(len(labelled), len(predicted)) < _MIN_EVENTS:
        return
    if max(predicted) * _UNIT_RATIO < max(labelled):
        raise DataError(
            f"all {len(predicted)} predictions of {where} lie in the first {max(predicted):.1f} s, where the labels "
            f"reach {max(labelled):.0f} s: their positions look like seconds; SoccerNet's are milliseconds"
        )
    middle = statistics.median(predicted)
    if middle > max(MAX_SECONDS, _UNIT_RATIO / 10 * max(labelled)):
        raise DataError(
            f"half of the {len(predicted)} predictions of {where} lie after {middle:.0f} s, where the labels end at "
            f"{max(labelled):.0f} s: their positions look like microseconds; SoccerNet's are milliseconds"
        )
