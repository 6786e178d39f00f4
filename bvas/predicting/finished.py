"""Finished results: those of the weights, settings and videos as they are now."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bvas.data.matches import Half
from bvas.errors import DataError
from bvas.predicting.assignments import Assignment
from bvas.predicting.settings import Weights, Work
from bvas.results.made_from import Record, VideoRecord, peak_settings
from bvas.results.store import curve_path, has_results, read_record
from bvas.system.file_names import output_stem
from bvas.video.index.file_identity import fingerprint_of, is_same, place_of


def is_finished(assignment: Assignment, work: Work, weights: Weights) -> bool:
    """Return whether a match has results of these weights, settings and videos; nothing is locked or written.

    Raises:
        CheckpointError: a fold has no weights.
    """
    record = read_record(assignment.folder)
    if record is None or work.overwrite:
        return False
    try:
        halves = assignment.halves(work.experiment.task)
        known = known_videos(assignment.folder, halves, record, weights.rows_settings(assignment.folds), work)
    except DataError:
        return False
    return is_complete(assignment.folder, halves, record, known, work)


def known_videos(
    folder: Path, halves: Sequence[Half], record: Record, rows: dict[str, Any], work: Work
) -> dict[int, VideoRecord]:
    """Return the videos whose curves exist and were made from the same, with their fingerprints of now.

    Raises:
        DataError: a video cannot be read.
    """
    if record.rows != rows:
        return {}
    known = {}
    for half in halves:
        video = record.videos.get(half.number)
        if video is None or (work.strict and video.gaps):
            continue
        path = place_of(half.path)
        if Path(video.path).name != Path(path).name or work.backend not in ("auto", video.backend):
            continue
        if curve_path(folder, output_stem(half.path.stem)).is_file() and is_same(
            half.path, video.fingerprint, video.sha256
        ):
            known[half.number] = replace(video, path=path, fingerprint=fingerprint_of(half.path))
    return known


def check_same_video(assignment: Assignment, record: Record) -> None:
    """Check that the results of a video by itself are of that file, at this place or as a copy of it.

    In another working folder another file may have the same path. It must not replace these results.

    Raises:
        DataError: they are of another file.
    """
    if not isinstance(assignment.source, Path) or 1 not in record.videos:
        return
    video, path = record.videos[1], assignment.source
    if video.path == place_of(path) or is_same(path, video.fingerprint, video.sha256):
        return
    raise DataError(
        f"{assignment.folder} holds the results of {video.path}, which is another video than {place_of(path)}; "
        "take other --runs, or replace them with --overwrite"
    )


def is_complete(
    folder: Path, halves: Sequence[Half], record: Record, known: Mapping[int, VideoRecord], work: Work
) -> bool:
    """Return whether the known videos are all of a match, and its spots are of the same settings."""
    numbers = {half.number for half in halves}
    return (
        numbers == known.keys() == record.videos.keys()
        and record.peaks == peak_settings(work.experiment)
        and has_results(folder)
    )
