"""Finished results: those of the weights, settings and videos as they are now."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

from bvas.data.matches import Half, Match
from bvas.errors import DataError
from bvas.predicting.assignments import Assignment
from bvas.predicting.settings import Weights, Work
from bvas.results.made_from import Record, VideoRecord, peak_settings
from bvas.results.store import curve_path, has_results, read_record
from bvas.system.file_names import output_stem
from bvas.video.index.file_identity import Fingerprint, fingerprint_of, is_same
from bvas.video.index.remote_file import RemoteFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The results of a match that are still valid."""

    record: Record | None = None
    """Record of the results that exist."""
    videos: dict[int, VideoRecord] = field(default_factory=dict)
    """By half: videos whose curves were made from the same, with their fingerprints of now."""
    is_complete: bool = False
    """Whether these are all videos, and the spots are of the same settings."""


def is_finished(assignment: Assignment, work: Work, weights: Weights, *, by_content: bool = True) -> bool:
    """Return whether a match has results of these weights, settings and videos; nothing is locked or written.

    Args:
        assignment: The match.
        work: Settings of its prediction.
        weights: Of the same work.
        by_content: Read a video whose fingerprint differs; otherwise its match is not finished.

    Raises:
        CheckpointError: a fold has no weights.
    """
    rows = weights.rows_settings(assignment.folds)
    try:
        halves = assignment.halves(work.experiment.task)
        record = read_record(assignment.folder)
        if not by_content and record is not None and _is_touched(halves, record):
            return False
        return find_finished(assignment, halves, rows, work, {}).is_complete
    except DataError:
        return False


def find_finished(
    assignment: Assignment,
    halves: Sequence[Half],
    rows: dict[str, Any],
    work: Work,
    asked: dict[RemoteFile, Fingerprint],
) -> Finished:
    """Return the results of a match that were made from these halves, with these settings of their rows.

    Args:
        assignment: The match.
        halves: Its videos.
        rows: Settings of their rows.
        work: Settings of the prediction.
        asked: Answers of servers; those that are missing are added.

    Raises:
        DataError: a video cannot be read, or results of another video would be replaced.
    """
    folder = assignment.folder
    record = None if work.overwrite else read_record(folder)
    if record is None:
        return Finished()
    if not isinstance(assignment.source, Match) and 1 in record.videos:
        _check_same_video(folder, halves[0], record.videos[1])
    videos = {}
    for half in halves:
        before = record.videos.get(half.number)
        if before is not None and record.rows == rows and _is_known(folder, half, before, work, asked):
            videos[half.number] = replace(before, path=half.place, fingerprint=_fingerprint(half, before))
    is_complete = (
        {half.number for half in halves} == videos.keys() == record.videos.keys()
        and record.peaks == peak_settings(work.experiment)
        and has_results(folder)
    )
    return Finished(record=record, videos=videos, is_complete=is_complete)


def _is_touched(halves: Sequence[Half], record: Record) -> bool:
    return any(
        half.number in record.videos and record.videos[half.number].fingerprint != fingerprint_of(half.path)
        for half in halves
        if isinstance(half.video, Path)
    )


def known_by_content(
    folder: Path, half: Half, rows: dict[str, Any], work: Work, digest: str, fingerprint: Fingerprint
) -> VideoRecord | None:
    """Return the record of a remote video that was not known by its etag, and is by its content.

    Args:
        folder: Folder of the match's results.
        half: The video.
        rows: Settings of its rows.
        work: Settings of the prediction.
        digest: Hash of its content.
        fingerprint: Its size and etag now.

    Raises:
        DataError: results of another video would be replaced.
    """
    record = None if work.overwrite else read_record(folder)
    before = None if record is None else record.videos.get(half.number)
    if record is None or before is None:
        return None
    if before.sha256 != digest:
        if isinstance(half.video, RemoteFile) and half.video.has_query and before.path == half.place:
            raise _another(folder, half, before)
        return None
    is_usable = record.rows == rows and _has_curve(folder, half, before, work)
    return replace(before, path=half.place, fingerprint=fingerprint) if is_usable else None


def _is_known(
    folder: Path, half: Half, before: VideoRecord, work: Work, asked: dict[RemoteFile, Fingerprint]
) -> bool:
    if not _has_curve(folder, half, before, work):
        return False
    if isinstance(half.video, Path):
        return is_same(half.path, before.fingerprint, before.sha256)
    if half.video not in asked:
        asked[half.video] = half.fingerprint()
    now = asked[half.video]
    return bool(now.etag) and now == before.fingerprint


def _fingerprint(half: Half, known: VideoRecord) -> Fingerprint:
    # A remote video is known by this very fingerprint; its server is not asked again.
    return half.fingerprint() if isinstance(half.video, Path) else known.fingerprint


def _has_curve(folder: Path, half: Half, before: VideoRecord, work: Work) -> bool:
    return (
        not (work.strict and before.gaps)
        and work.backend in ("auto", before.backend)
        and PurePath(before.path).name == PurePath(half.place).name
        and curve_path(folder, output_stem(half.stem)).is_file()
    )


def _check_same_video(folder: Path, half: Half, before: VideoRecord) -> None:
    """Check that results are of a video file, at this place or as a copy of it.

    In another working folder another file may have the same path. It must not replace these results.
    """
    if before.path == half.place:
        return
    if isinstance(half.video, RemoteFile) or not is_same(half.path, before.fingerprint, before.sha256):
        raise _another(folder, half, before)


def _another(folder: Path, half: Half, before: VideoRecord) -> DataError:
    which = (
        "which has another query"
        if before.path == half.place
        else f"which is another video than {half.place}"
    )
    return DataError(
        f"{folder} holds the results of {before.path}, {which}; take other --runs, or replace them with --overwrite"
    )
