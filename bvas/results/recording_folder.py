"""Folder of a recording: identity of its files, check for other results, removal of stale files."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bvas.errors import DataError
from bvas.results.made_from import VideoRecord
from bvas.results.recording import Recording
from bvas.results.store import (
    RECORDING_NAME,
    RESULTS_NAME,
    TABLE_NAME,
    curve_path,
    read_recording,
    timeline_path,
)
from bvas.system.background import in_background
from bvas.system.file_names import shown_name
from bvas.video.container.read_options import Source
from bvas.video.index.file_identity import content_digest, fingerprint_of, is_same, place_of


class FileRecords:
    """Records of the files of a recording, made in the background."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Look at the files, and begin to read them.

        Raises:
            DataError: one cannot be read.
        """
        self._files = [
            VideoRecord(path=place_of(path), fingerprint=fingerprint_of(path), sha256="") for path in paths
        ]
        self._digests = [in_background(content_digest, path) for path in paths]

    def known(self, *, wait: bool) -> list[VideoRecord]:
        """Return the records; with the digests of the contents where `wait`."""
        if not wait:
            return self._files
        return [
            replace(file, sha256=digest.result())
            for file, digest in zip(self._files, self._digests, strict=True)
        ]


def check_same_recording(out: Path, sources: Sequence[Source]) -> None:
    """Refuse a folder that holds results of another recording than that of these sources.

    Files are the same at another place, and other ones at the same place, by their content. What a stream gives is
    never known to be the same again.

    Raises:
        DataError: whose results they are, and the remedy.
    """
    if not any((out / name).exists() for name in (RESULTS_NAME, TABLE_NAME, RECORDING_NAME)):
        return
    recording = read_recording(out)
    if recording is None:
        whose = "results, and nothing says of which recording"
    elif _is_of(recording, sources):
        return
    else:
        files = [file.path for file in recording.made_from]
        old = files or [part.address or str(part.path) for part in recording.parts]
        whose = f"the results of {', '.join(map(shown_name, old))}"
        if [source.name for source in sources] == old or [place_of(one.path) for one in sources] == old:
            same = "which has changed since" if files else "of an earlier time"
            whose = f"{whose}, {same}"
        else:
            whose = f"{whose}, another recording than {', '.join(shown_name(one.name) for one in sources)}"
    raise DataError(f"{shown_name(out)} holds {whose}; take another --out, or replace them with --overwrite")


def remove_stale(out: Path, before: Recording | None, names: Sequence[str]) -> None:
    """Remove curves and pictures of an earlier run's parts that this run does not have.

    Args:
        out: The folder.
        before: The recording of the earlier run.
        names: Names of this run's parts.
    """
    for part in () if before is None else before.parts:
        if part.name not in names and Path(part.name).name == part.name:
            curve_path(out, part.name).unlink(missing_ok=True)
            timeline_path(out, part.name).unlink(missing_ok=True)


def _is_of(recording: Recording, sources: Sequence[Source]) -> bool:
    if not all(source.is_indexable for source in sources) or any(part.address for part in recording.parts):
        return False
    if not recording.made_from:
        # Of a version that kept paths only.
        known = {place_of(part.path) for part in recording.parts if part.path is not None}
        return bool(known) and known <= {place_of(source.path) for source in sources}
    return len(sources) == len(recording.made_from) and all(
        _is_file(source.path, file) for source, file in zip(sources, recording.made_from, strict=True)
    )


def _is_file(path: Path, before: VideoRecord) -> bool:
    if not before.sha256:
        # Interrupted before its content was read through.
        now = fingerprint_of(path)
        return now == before.fingerprint or (
            place_of(path) == before.path and now.size == before.fingerprint.size
        )
    return is_same(path, before.fingerprint, before.sha256)
