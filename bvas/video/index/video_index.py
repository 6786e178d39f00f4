"""`build_index`: the frame table and the facts of a video file, scanned once and then taken from the cache.

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
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from bvas.errors import DataError
from bvas.system.atomic_files import ARCHIVE_FAULTS, replacing, write_text
from bvas.system.cache_folder import cache_folder
from bvas.video.container.read_options import DEFAULT_READING, ReadOptions, file_of
from bvas.video.index.file_scan import scan_file
from bvas.video.index.frame_folder import stamp_of
from bvas.video.index.frame_table import VideoIndex, VideoInfo, say_once

logger = logging.getLogger(__name__)

# Raise it whenever a scan of the same file would give another result.
_VERSION = 11
_HASHED_BYTES = 64 * 1024
# Playlists that may list one video in several sizes.
_ADAPTIVE = (".m3u8", ".m3u", ".mpd")
_ARRAYS = ("pts", "keyframe_pts", "keyframe_dts")


def build_index(
    path: Path | str, *, reading: ReadOptions = DEFAULT_READING, cache: bool = True
) -> tuple[VideoIndex, VideoInfo]:
    """Find the frames of a video by one pass over its packets, or in the cache of earlier passes.

    Args:
        path: The video file.
        reading: Which stream of it is read, and how.
        cache: Keep the result in the cache folder, and take it from there while the file is unchanged.

    Raises:
        DecodeError: the file does not exist, it is not a video, no frame of it can be decoded, or the source runs (a
            pipe, a URL).
        ConfigError: a rate is given, and the frames have times of their own.
    """
    path = file_of(path)
    found = load_index(path, reading) if cache else None
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
        # Opened here: np.load leaves a file open that is not an archive.
        with entry.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            about = json.loads(str(archive["about"]))
            if about["key"] != _key_of(path):
                return None
            arrays = {name: archive[name] for name in _ARRAYS}
            index = _converter().structure(about["index"] | arrays, VideoIndex)
            return index, _converter().structure(about["info"], VideoInfo)
    except (*ARCHIVE_FAULTS, TypeError, ExceptionGroup) as error:
        logger.debug("cache entry %s is not used: %s", entry, error)
        return None


def store_index(path: Path, reading: ReadOptions, index: VideoIndex, info: VideoInfo) -> None:
    """Keep the index and facts of a file; does nothing where the cache folder cannot be written."""
    entry = _entry_of(path, ".npz", reading)
    if entry is None:
        return
    plain = _converter().unstructure(index)
    arrays = {name: plain.pop(name) for name in _ARRAYS}
    try:
        about = json.dumps({"key": _key_of(path), "index": plain, "info": _converter().unstructure(info)})
        with replacing(entry) as part:
            np.savez_compressed(part, about=np.array(about), **arrays)
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
    key: dict[str, Any] = {"version": _VERSION, "path": str(path.absolute())}
    digest = hashlib.sha256()
    if path.is_dir():
        digest.update(repr(stamp_of(path)).encode(errors="surrogateescape"))
    else:
        status = path.stat()
        key |= {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
        with path.open("rb") as file:
            digest.update(file.read(_HASHED_BYTES))
            file.seek(max(status.st_size - _HASHED_BYTES, 0))
            digest.update(file.read(_HASHED_BYTES))
    return key | {"digest": digest.hexdigest()}


@lru_cache(maxsize=1)
def _converter() -> Any:
    # Imported here: it takes 50 ms of CPU, which readers without a cache need not pay.
    import cattrs

    converter = cattrs.Converter()
    converter.register_unstructure_hook(Fraction, str)
    converter.register_structure_hook(Fraction, lambda text, _: Fraction(text))
    converter.register_structure_hook_func(
        lambda kind: getattr(kind, "__origin__", None) is np.ndarray, lambda array, _: array
    )
    return converter
