"""`build_index`: the frame table and the facts of a video file, scanned once and then taken from cache or sidecar.

An entry of the cache is named after the file's path and holds its size, time of change and a hash of its first and last
64 KiB; where one of them differs, the entry is not used. An entry that cannot be read counts as missing, and without a
writable folder nothing is cached.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from bvas.errors import DataError
from bvas.system.atomic_files import write_text
from bvas.system.cache_folder import cache_folder
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions, file_of
from bvas.video.index.file_scan import scan_file
from bvas.video.index.frame_table import VideoIndex, VideoInfo, say_once
from bvas.video.index.index_entry import ENTRY_FAULTS, content_key, read_entry, write_entry
from bvas.video.index.sidecar import read_sidecar

logger = logging.getLogger(__name__)

# Playlists that may list one video in several sizes.
_ADAPTIVE = (".m3u8", ".m3u", ".mpd")


def build_index(
    path: Path | str, *, reading: ReadOptions = DEFAULT_READING, cache: bool = True
) -> tuple[VideoIndex, VideoInfo]:
    """Find the frames of a video by one pass over its packets, in the cache of earlier passes, or in its sidecar.

    Args:
        path: The video file.
        reading: Which stream of it is read, and how.
        cache: Keep the result in the cache folder, and take it from there, or from the sidecar, while the file is
            unchanged.

    Raises:
        DecodeError: the file does not exist, it is not a video, no frame of it can be decoded, or the source runs (a
            pipe, a URL).
        ConfigError: a rate is given, and the frames have times of their own.
    """
    path = file_of(path)
    found = (load_index(path, reading) or read_sidecar(path, reading)) if cache else None
    if found is None:
        found = scan_file(path, reading)
        if cache:
            store_index(path, reading, *found)
    # An entry has the path as it was written when the file was scanned.
    index, info = replace(found[0], path=path, reading=reading), replace(found[1], path=path)
    say_once(info)
    return index, info


def load_index(path: Path, reading: ReadOptions) -> tuple[VideoIndex, VideoInfo] | None:
    """Return the kept index and facts of a file, or None if the file has changed or is unknown."""
    entry = _entry_of(path, ".npz", reading)
    if entry is None:
        return None
    try:
        found = read_entry(entry, _key_of(path))
    except ENTRY_FAULTS as error:
        logger.debug("cache entry %s is not used: %s", entry, error)
        return None
    return None if isinstance(found, str) else found


def store_index(path: Path, reading: ReadOptions, index: VideoIndex, info: VideoInfo) -> None:
    """Keep the index and facts of a file; does nothing where the cache folder cannot be written."""
    entry = _entry_of(path, ".npz", reading)
    if entry is None:
        return
    try:
        write_entry(entry, _key_of(path), index, info)
    except (OSError, DataError) as error:
        logger.debug("the index of %s is not cached: %s", path.name, error)


def forget_index(path: Path, reading: ReadOptions = DEFAULT_READING) -> None:
    """Remove what the cache holds about a file that will not come back."""
    for suffix in (".npz", ".refusals.json"):
        entry = _entry_of(path, suffix, reading)
        if entry is not None:
            with suppress(OSError):
                entry.unlink(missing_ok=True)


def remembered_refusal(
    path: Path, reading: ReadOptions, subject: str, find: Callable[[], str | None]
) -> str | None:
    """Return why a file is refused, or None, as found once for the file as it is now.

    Args:
        path: The file.
        reading: Which stream of it is read, and how.
        subject: What refuses it, such as a library and its version.
        find: Finds the reason.
    """
    entry = _entry_of(path, ".refusals.json", reading)
    kept = {} if entry is None else _kept_refusals(path, entry)
    if subject in kept:
        return kept[subject]
    refusal = find()
    if entry is not None:
        try:
            write_text(entry, json.dumps({"key": _key_of(path), "refusals": kept | {subject: refusal}}))
        except (OSError, DataError) as error:
            logger.debug("what was found out about %s is not cached: %s", path.name, error)
    return refusal


def _kept_refusals(path: Path, entry: Path) -> dict[str, str | None]:
    try:
        kept = json.loads(entry.read_text())
        refusals: dict[str, str | None] = kept["refusals"] if kept["key"] == _key_of(path) else {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.debug("cache entry %s is not used: %s", entry, error)
        return {}
    return refusals


def _entry_of(path: Path, suffix: str, reading: ReadOptions) -> Path | None:
    folder = cache_folder()
    if folder is None:
        return None
    named = str(path.absolute())
    if (reading.stream, reading.rate, reading.tone) != (None, None, "sdr"):
        # No path holds a zero byte.
        named += f"\0{reading.stream}\0{reading.rate}\0{reading.tone}"
    if reading.fit is not None and path.suffix.lower() in _ADAPTIVE:
        # The size decides which of its variants is read.
        named += f"\0{reading.fit}"
    name = hashlib.sha256(named.encode(errors="surrogateescape")).hexdigest()[:32]
    return folder / "index" / f"{name}{suffix}"


def _key_of(path: Path) -> dict[str, Any]:
    key = content_key(path) | {"path": str(path.absolute())}
    return key if path.is_dir() else key | {"mtime_ns": path.stat().st_mtime_ns}
