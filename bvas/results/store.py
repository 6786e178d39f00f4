"""Results store: names of result folders and files, and how they are read and written.

    runs/NAME/predictions/cv/MATCH/         labelled matches, by models that have not seen the match
                          challenge/MATCH/  matches without labels, by the mean of all models
                          videos/PATH/      single videos, by the mean of all models
                          cv/samples_scores.npz  of kind clip: all samples, by models that have not seen them
    spots/NAME/, intervals/NAME/            a recording, by `bvas spot` or `bvas intervals`
    clips/NAME/                             a video, by `bvas classify`
    players/NAME/                           players of a video, by `bvas players`

A folder of results holds:

    <video>_scores.npz      score curve of each video: `scores` float32 [L, K], `seconds` float64 [L], `labels`
    results_intervals.json  of kinds interval and clip: intervals of all videos, in ActivityNet's form
    results_spotting.json   of kind spot: candidates and gaps of all videos, in SoccerNet's form
    made_from.json          predictions only: weights, settings and videos; written last, removed first
    <video>_timeline.png    `bvas spot` only: picture of the spots and the curve
    recording.json          `bvas spot` only: the video files, and how they were read
    spots.csv               `bvas spot` only: the spots from the operating point up
    intervals.csv           not of kind spot: the intervals, in seconds and frames
    classes.csv             `bvas classify` only: the most probable labels of each window

A folder of players holds, read and written by `players/player_files.py`:

    players.json            the video, the players' names and actions, and the settings
    players.csv             a row for each player and frame
    tracks.txt              the boxes, in MOTChallenge's form
    players.mp4             the annotated video
    page/                   page of choice and correction
    uncorrected/            once they are corrected: the players as they were found, and the corrections
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path

import cattrs
import numpy as np

from bvas.data.interval_files import intervals_json
from bvas.data.soccernet_entries import Notices, all_prediction_entries
from bvas.data.soccernet_files import results_json
from bvas.errors import DataError
from bvas.experiment.experiment import TaskKindName
from bvas.experiment.peak_config import PeakConfig
from bvas.results.made_from import Record, record_converter
from bvas.results.recording import Recording
from bvas.results.video_result import VideoFile, VideoResult
from bvas.system.atomic_files import ARCHIVE_FAULTS, replacing, write_json
from bvas.system.text_files import read_json
from bvas.values.annotations import Spot
from bvas.values.match_clock import MatchClock
from bvas.values.score_curve import ScoreCurve

RESULTS_NAME = "results_spotting.json"
INTERVALS_NAME = "results_intervals.json"
RECORDING_NAME = "recording.json"
RECORD_NAME = "made_from.json"
TABLE_NAME = "spots.csv"
INTERVAL_TABLE_NAME = "intervals.csv"
CLASS_TABLE_NAME = "classes.csv"
CURVE_SUFFIX = "_scores.npz"
SAMPLES_NAME = "samples_scores.npz"
PLAYERS_NAME = "players.json"
PLAYER_TABLE_NAME = "players.csv"
TRACKS_NAME = "tracks.txt"
PLAYERS_VIDEO_NAME = "players.mp4"
PLAYERS_PAGE_NAME = "page"
UNCORRECTED_NAME = "uncorrected"
CORRECTIONS_NAME = "players_corrections.json"


class Split(StrEnum):
    """The folders of an experiment's predictions."""

    CV = "cv"
    """Labelled matches, each by models that have not seen it."""
    CHALLENGE = "challenge"
    """Matches without labels, by the mean of all models."""
    VIDEOS = "videos"
    """Single videos, by the mean of all models."""


def predictions_root(runs: Path, name: str) -> Path:
    """Return the folder of all predictions of an experiment, with a folder for each `Split`."""
    return runs / name / "predictions"


def predictions_folder(runs: Path, name: str, split: Split = Split.CV) -> Path:
    """Return the folder of an experiment's predictions; a match's folder in it has the match's name."""
    return predictions_root(runs, name) / split


def sample_predictions_path(runs: Path, name: str) -> Path:
    """Return the file of an experiment's predictions of samples, of kind clip."""
    return predictions_folder(runs, name) / SAMPLES_NAME


def has_results(folder: Path) -> bool:
    """Return whether a folder holds spots or intervals of a match or recording."""
    return any((folder / name).is_file() for name in (RESULTS_NAME, INTERVALS_NAME))


def curve_path(folder: Path, name: str) -> Path:
    """Return the path of a video's score curve; `name` is that of its `VideoFile`."""
    return folder / f"{name}{CURVE_SUFFIX}"


def timeline_path(folder: Path, name: str) -> Path:
    """Return the path of a video's timeline picture; `name` is that of its `VideoFile`."""
    return folder / f"{name}_timeline.png"


def curves_of_half(folder: Path, half: int) -> list[Path]:
    """Return the score curves that may be of a half, by the names of SoccerNet's videos.

    These are `1_720p_scores.npz` and alike; for half 1 without one, all curves that are not of half 2.
    """
    found = sorted(folder.glob(f"{half}_*{CURVE_SUFFIX}"))
    if not found and half == 1:
        found = sorted(path for path in folder.glob(f"*{CURVE_SUFFIX}") if not path.name.startswith("2_"))
    return found


def save_curve(curve: ScoreCurve, path: Path) -> None:
    """Write a score curve as `.npz`, whole or not at all.

    Raises:
        DataError: it cannot be written.
    """
    with replacing(path) as temporary:
        np.savez_compressed(
            temporary,
            scores=curve.scores.astype(np.float32),
            seconds=curve.seconds.astype(np.float64),
            labels=np.array(curve.labels),
        )


def load_curve(path: Path) -> ScoreCurve:
    """Read a curve that `save_curve` wrote.

    Raises:
        DataError: the file is missing, damaged, or lacks one of the arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return ScoreCurve(
                stored["scores"], stored["seconds"], tuple(str(name) for name in stored["labels"])
            )
    except ARCHIVE_FAULTS as error:
        raise DataError(f"cannot read the score curve {path} ({error}); predict it again") from error


def write_match(
    folder: Path,
    results: Sequence[VideoResult],
    *,
    rate: float,
    kind: TaskKindName = "spot",
    record: Record | None = None,
) -> None:
    """Write the results of a match: curves, then spots and gaps or intervals, then the record.

    The old record is removed first. So a record is true of all files beside it, whenever the process ends.

    Args:
        folder: The match's folder.
        results: Its videos in order, each with a curve; they name the match.
        rate: Rows per second.
        kind: What was found: spots or intervals.
        record: Provenance; None leaves the folder without.

    Raises:
        DataError: a file cannot be written.
    """
    (folder / RECORD_NAME).unlink(missing_ok=True)
    for result in results:
        save_curve(result.required_curve, curve_path(folder, result.video.name))
    write_found(folder, results[0].video.match, results, rate=rate, kind=kind)
    if record is not None:
        write_record(folder, record)


def write_found(
    folder: Path, name: str, results: Sequence[VideoResult], *, rate: float, kind: TaskKindName
) -> None:
    """Write the spots or intervals of all videos of a match or recording; arguments as of `write_match`.

    Raises:
        DataError: it cannot be written.
    """
    if kind != "spot":
        write_json(
            folder / INTERVALS_NAME,
            intervals_json({result.video.name: result.intervals for result in results}),
        )
        return
    write_results(
        folder / RESULTS_NAME,
        name,
        {result.video.number: result.spots for result in results},
        rate=rate,
        gaps=[gap.to_json(result.video.number) for result in results for gap in result.gaps],
    )


def write_results(
    path: Path,
    name: str,
    spots: Mapping[int, Sequence[Spot]],
    *,
    rate: float,
    gaps: Sequence[Mapping[str, float | int | str]] = (),
) -> None:
    """Write a file of spots in SoccerNet's form; arguments as of `results_json`.

    Raises:
        DataError: it cannot be written.
    """
    write_json(path, results_json(name, spots, rate=rate, gaps=gaps))


def read_results(path: Path) -> dict[int, list[Spot]]:
    """Return the spots of a file in SoccerNet's form by half, in the order of the file.

    Raises:
        DataError: it is missing, or not in that form.
    """
    spots: dict[int, list[Spot]] = {}
    for _, half, spot in all_prediction_entries(read_json(path), str(path), Notices()):
        spots.setdefault(half, []).append(spot)
    return spots


def read_match(folder: Path, videos: Sequence[VideoFile], peaks: PeakConfig) -> list[VideoResult]:
    """Return the results of a match's videos.

    Args:
        folder: Its folder.
        videos: Its videos. One without a curve file gets none; one without spots gets none.
        peaks: Rules by which the spots were found.

    Raises:
        DataError: a file is wrong.
    """
    # Intervals are found again in the curve, by rules of now.
    spots = read_results(folder / RESULTS_NAME) if (folder / RESULTS_NAME).is_file() else {}
    return [
        with_stored_curve(folder, video, spots.get(video.number, ()), MatchClock.of_half(video.number), peaks)
        for video in videos
    ]


def with_stored_curve(
    folder: Path, video: VideoFile, spots: Sequence[Spot], clock: MatchClock, peaks: PeakConfig
) -> VideoResult:
    """Return the result of a video with the curve and gaps that its folder holds; without where it holds none.

    Raises:
        DataError: the curve is damaged.
    """
    path = curve_path(folder, video.name)
    curve = load_curve(path) if path.is_file() else None
    gaps = () if curve is None else tuple(curve.gaps())
    return VideoResult(video=video, curve=curve, spots=tuple(spots), gaps=gaps, clock=clock, peaks=peaks)


def read_record(folder: Path) -> Record | None:
    """Return the provenance of a match's results; None without one, or with one of another version."""
    path = folder / RECORD_NAME
    if not path.is_file():
        return None
    try:
        return record_converter().structure(read_json(path), Record)
    except (DataError, cattrs.BaseValidationError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_record(folder: Path, record: Record) -> None:
    """Write the provenance of a match's results, after all other files.

    Raises:
        DataError: it cannot be written.
    """
    write_json(folder / RECORD_NAME, record_converter().unstructure(record))


def read_recording(folder: Path) -> Recording | None:
    """Return the videos of a recording that `bvas spot` wrote; None where the folder holds no recording.

    Raises:
        DataError: the file is damaged or of another version.
    """
    path = folder / RECORDING_NAME
    return Recording.from_json(read_json(path), path) if path.is_file() else None


def write_recording(folder: Path, recording: Recording) -> None:
    """Write the videos of a recording.

    Raises:
        DataError: it cannot be written.
    """
    write_json(folder / RECORDING_NAME, recording.to_json())
