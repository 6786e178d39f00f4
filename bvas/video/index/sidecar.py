"""Sidecar of a video: its frame table and facts in `VIDEO.bvasindex`, a file that travels with it.

It is used only while version, size, and the hash of the video's first and last 64 KiB agree, and only for the options
of reading that it was written for.
"""

from pathlib import Path
from typing import Any

from bvas.errors import ConfigError
from bvas.system.notices import warn_once
from bvas.video.container.libav_io import is_playlist
from bvas.video.container.read_options import ReadOptions
from bvas.video.index.frame_table import VideoIndex, VideoInfo
from bvas.video.index.index_entry import ENTRY_FAULTS, content_key, read_entry, write_entry

SUFFIX = ".bvasindex"
_MEANINGS = {
    "version": "it is of another version of bvas",
    "size": "the video has another size",
    "digest": "the video has other content",
    "reading": "it is for another --stream, --rate or --tone",
}


def sidecar_path(path: Path) -> Path:
    """Return the path of a video's sidecar: `match.mp4.bvasindex` beside `match.mp4`."""
    return path.with_name(path.name + SUFFIX)


def read_sidecar(path: Path, reading: ReadOptions) -> tuple[VideoIndex, VideoInfo] | None:
    """Return index and facts of a video from its sidecar; None without one that can be used, which is logged once."""
    sidecar = sidecar_path(path)
    try:
        if not _has_one_file(path) or not sidecar.is_file():
            return None
    except OSError:
        # With the suffix its name is too long.
        return None
    try:
        found = read_entry(sidecar, _key(path, reading))
        if not isinstance(found, str) and found[0].is_fetched:
            # It would be opened as a list of addresses.
            found = "it is of a playlist, and the video is a file"
    except ENTRY_FAULTS as error:
        found = f"it is damaged, or not a sidecar ({type(error).__name__})"
    if isinstance(found, str):
        reason = _MEANINGS.get(found, found)
        line = f"not used, {reason}; 'bvas video index VIDEO --sidecar' writes it again"
        warn_once(str(sidecar), line, kind="sidecars that are not used")
        return None
    return found


def write_sidecar(path: Path, reading: ReadOptions, index: VideoIndex, info: VideoInfo) -> Path:
    """Write the sidecar of a video, and return its path.

    Raises:
        ConfigError: the video is a playlist or a folder of pictures.
        DataError: the file cannot be written.
    """
    if not _has_one_file(path):
        raise ConfigError(
            f"{path} is a playlist or a folder of pictures: its frames lie in other files, which a sidecar cannot "
            "check; make one file of it with 'bvas video prepare'"
        )
    write_entry(sidecar_path(path), _key(path, reading), index, info)
    return sidecar_path(path)


def _has_one_file(path: Path) -> bool:
    return path.is_file() and not is_playlist(str(path)) and path.suffix.lower() != ".mpd"


def _key(path: Path, reading: ReadOptions) -> dict[str, Any]:
    rate = None if reading.rate is None else str(reading.rate)
    return content_key(path) | {"reading": [reading.stream, rate, reading.tone]}
