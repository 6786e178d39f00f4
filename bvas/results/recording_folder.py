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
from bvas.video.index.file_identity import content_digest, fingerprint_of, is_same, place_of

_NAMES = (RESULTS_NAME, TABLE_NAME, INTERVALS_NAME, INTERVAL_TABLE_NAME, CLASS_TABLE_NAME, RECORDING_NAME)


def default_folder(source: Source, root: str = "spots") -> Path:
    """Return `ROOT/<name>`: the video's, or its folder's where the file is called `1_720p` as in SoccerNet."""
    if source.location == "-":
        return Path(root) / "stdin"
    video = Path(urlsplit(source.name).path or "stream") if source.kind == "URL" else source.path
    stem = video.stem.replace(HIDDEN, "") or "stream"
    named = stem if not re.fullmatch(r"([12]_)?\d+p", stem) else video.absolute().parent.name
    return Path(root) / output_stem(named)


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
    if not any((out / name).exists() for name in _NAMES):
        return
    recording = read_recording(out)
    if recording is None:
        raise unknown_results(out)
    if not _is_of(recording, sources):
        files = [file.path for file in recording.made_from]
        old = files or [part.address or str(part.path) for part in recording.parts]
        raise _other_results(out, old, sources, "which has changed since" if files else "of an earlier time")


def check_same_files(out: Path, made_from: Sequence[VideoRecord], sources: Sequence[Source]) -> None:
    """Refuse a folder whose results were made from other files than these sources; as `check_same_recording`.

    Raises:
        DataError: whose results they are, and the remedy.
    """
    if not _are_files(made_from, sources):
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


def _is_of(recording: Recording, sources: Sequence[Source]) -> bool:
    if not all(source.is_indexable for source in sources) or any(part.address for part in recording.parts):
        return False
    if not recording.made_from:
        # Of a version that kept paths only.
        known = {place_of(part.path) for part in recording.parts if part.path is not None}
        return bool(known) and known <= {place_of(source.path) for source in sources}
    return _are_files(recording.made_from, sources)


def _are_files(made_from: Sequence[VideoRecord], sources: Sequence[Source]) -> bool:
    return len(sources) == len(made_from) and all(
        source.is_indexable and _is_file(source.path, file)
        for source, file in zip(sources, made_from, strict=True)
    )


def _is_file(path: Path, before: VideoRecord) -> bool:
    if not before.sha256:
        # Interrupted before its content was read through.
        now = fingerprint_of(path)
        return now == before.fingerprint or (
            place_of(path) == before.path and now.size == before.fingerprint.size
        )
    return is_same(path, before.fingerprint, before.sha256)
