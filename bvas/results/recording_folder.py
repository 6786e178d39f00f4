"""Folder of a recording: its place, identity of its files, check for other results, stale files."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from bvas.errors import HIDDEN, DataError
from bvas.results.made_from import VideoRecord
from bvas.results.recording import Recording
from bvas.results.store import (
    CLASS_TABLE_NAME,
    INTERVAL_TABLE_NAME,
    INTERVALS_NAME,
    RECORDING_NAME,
    RESULTS_NAME,
    TABLE_NAME,
    curve_path,
    read_recording,
    timeline_path,
)
from bvas.system.background import in_background
from bvas.system.file_names import output_stem, shown_name
from bvas.video.container.read_options import Source
from bvas.video.index.file_identity import content_digest, fingerprint_of, place_of
from bvas.video.index.remote_file import FetchedFile

_NAMES = (RESULTS_NAME, TABLE_NAME, INTERVALS_NAME, INTERVAL_TABLE_NAME, CLASS_TABLE_NAME, RECORDING_NAME)


def default_folder(source: Source, root: str = "spots") -> Path:
    """Return `ROOT/<name>`: the video's, or its folder's where the file is called `1_720p` as in SoccerNet."""
    if source.location == "-":
        return Path(root) / "stdin"
    is_url = source.kind in ("URL", "remote file")
    video = Path(urlsplit(source.name).path or "stream") if is_url else source.path
    stem = video.stem.replace(HIDDEN, "") or "stream"
    named = stem if not re.fullmatch(r"([12]_)?\d+p", stem) else video.absolute().parent.name
    return Path(root) / output_stem(named)


class FileRecords:
    """Records of the files of a recording, made in the background."""

    def __init__(self, files: Sequence[Path | FetchedFile]) -> None:
        """Look at the files, and begin to read them.

        Raises:
            DataError: one cannot be read.
        """
        self._files = [_record_of(file) for file in files]
        self._digests = [in_background(content_digest, _path_of(file)) for file in files]

    def known(self, *, wait: bool) -> list[VideoRecord]:
        """Return the records; with the digests of the contents where `wait`."""
        if not wait:
            return self._files
        return [
            replace(file, sha256=digest.result())
            for file, digest in zip(self._files, self._digests, strict=True)
        ]


def check_same_recording(
    out: Path, sources: Sequence[Source], files: Sequence[Path | FetchedFile] | None = None
) -> None:
    """Refuse a folder that holds results of another recording than that of these sources.

    Files are the same at another place, and other ones at the same place, by their content. What a stream gives is
    never known to be the same again.

    Args:
        out: The folder.
        sources: All sources of the recording.
        files: Their files, where some were fetched.

    Raises:
        DataError: whose results they are, and the remedy.
    """
    if not any((out / name).exists() for name in _NAMES):
        return
    recording = read_recording(out)
    if recording is None:
        raise unknown_results(out)
    if not _is_of(recording, sources, files):
        known = [file.path for file in recording.made_from]
        old = known or [part.address or str(part.path) for part in recording.parts]
        raise _other_results(out, old, sources, "which has changed since" if known else "of an earlier time")


def check_same_files(out: Path, made_from: Sequence[VideoRecord], sources: Sequence[Source]) -> None:
    """Refuse a folder whose results were made from other files than these sources; as `check_same_recording`.

    Raises:
        DataError: whose results they are, and the remedy.
    """
    if not _are_files(made_from, _files_of(sources)):
        raise _other_results(out, [file.path for file in made_from], sources, "which has changed since")


def unknown_results(out: Path) -> DataError:
    """Return the error about a folder of results without a file that names their recording."""
    return _refusal(out, "results, and nothing says of which recording")


def _other_results(out: Path, old: Sequence[str], sources: Sequence[Source], same: str) -> DataError:
    """Return the error about results of another recording; `same` is about files at the same place."""
    whose = f"the results of {', '.join(map(shown_name, old))}"
    if [source.name for source in sources] == old or [place_of(one.path) for one in sources] == old:
        return _refusal(out, f"{whose}, {same}")
    now = ", ".join(shown_name(one.name) for one in sources)
    return _refusal(out, f"{whose}, another recording than {now}")


def _refusal(out: Path, whose: str) -> DataError:
    return DataError(f"{shown_name(out)} holds {whose}; take another --out, or replace them with --overwrite")


def stale_files(out: Path, names: Sequence[str]) -> list[Path]:
    """Return the curves and pictures of the parts of an earlier run that are not among `names`, this run's parts."""
    try:
        before = read_recording(out)
    except DataError:
        before = None
    parts = () if before is None else before.parts
    stale = [part.name for part in parts if part.name not in names and Path(part.name).name == part.name]
    return [path for name in stale for path in (curve_path(out, name), timeline_path(out, name))]


def _is_of(
    recording: Recording, sources: Sequence[Source], files: Sequence[Path | FetchedFile] | None
) -> bool:
    files = _files_of(sources) if files is None else files
    if not recording.made_from:
        # Of a version that kept paths only, or of a stream.
        has_address = any(part.address for part in recording.parts)
        known = {place_of(part.path) for part in recording.parts if part.path is not None}
        return bool(files) and not has_address and known <= {_record_of(file).path for file in files}
    return _are_files(recording.made_from, files)


def _files_of(sources: Sequence[Source]) -> list[Path]:
    """Return the files of local sources; nothing where one is a stream."""
    is_local = all(source.is_indexable for source in sources)
    return [source.path for source in sources] if is_local else []


def _are_files(made_from: Sequence[VideoRecord], files: Sequence[Path | FetchedFile]) -> bool:
    return len(files) == len(made_from) and all(map(_is_file, files, made_from))


def _is_file(file: Path | FetchedFile, before: VideoRecord) -> bool:
    now = _record_of(file)
    is_place = now.path == before.path and now.fingerprint.size == before.fingerprint.size
    # Of a remote file without an etag the fingerprint is its size alone.
    is_told = now.fingerprint == before.fingerprint and (isinstance(file, Path) or now.fingerprint.etag != "")
    if not before.sha256:
        # Interrupted before its content was read through.
        return is_told or is_place
    return is_told or content_digest(_path_of(file)) == before.sha256


def _record_of(file: Path | FetchedFile) -> VideoRecord:
    """Return the record of a file without the hash of its content."""
    if isinstance(file, Path):
        return VideoRecord(path=place_of(file), fingerprint=fingerprint_of(file), sha256="")
    return VideoRecord(path=file.remote.name, fingerprint=file.fingerprint, sha256="")


def _path_of(file: Path | FetchedFile) -> Path:
    return file if isinstance(file, Path) else file.path
