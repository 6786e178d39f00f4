"""File of a frame table and the facts of its video: an npz without pickles, which names the content that it is of.

Entries of the cache and sidecars have this form.
"""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from bvas.system.atomic_files import ARCHIVE_FAULTS, replacing
from bvas.video.index.frame_folder import stamp_of
from bvas.video.index.frame_table import VideoIndex, VideoInfo

ENTRY_FAULTS = (*ARCHIVE_FAULTS, TypeError, ExceptionGroup, MemoryError)
"""Errors of reading an entry that is damaged, or not one."""
# Raise it whenever a scan of the same file would give another result.
_VERSION = 11
_HASHED_BYTES = 64 * 1024
_ARRAYS = ("pts", "keyframe_pts", "keyframe_dts")
# Three arrays of 8 bytes a frame: more than 100 hours at 25 frames per second. A small file can unpack to far more.
_MOST_BYTES = 256 * 2**20


def content_key(path: Path) -> dict[str, Any]:
    """Return what an entry must agree with: version, size, and the hash of the file's first and last 64 KiB."""
    digest = hashlib.sha256()
    if path.is_dir():
        digest.update(repr(stamp_of(path)).encode(errors="surrogateescape"))
        return {"version": _VERSION, "digest": digest.hexdigest()}
    with path.open("rb") as file:
        size = file.seek(0, 2)
        for place in (0, max(size - _HASHED_BYTES, 0)):
            file.seek(place)
            digest.update(file.read(_HASHED_BYTES))
    return {"version": _VERSION, "size": size, "digest": digest.hexdigest()}


def read_entry(entry: Path, key: Mapping[str, Any]) -> tuple[VideoIndex, VideoInfo] | str:
    """Return the index and facts of an entry, or the part of `key` that it does not agree with.

    Raises:
        ENTRY_FAULTS: it is damaged, not an entry, or its frame table contradicts itself.
    """
    # Opened here: np.load leaves a file open that is not an archive.
    with entry.open("rb") as file, zipfile.ZipFile(file) as archive:
        if sum(member.file_size for member in archive.infolist()) > _MOST_BYTES:
            raise ValueError(f"it unpacks to more than {_MOST_BYTES} bytes")
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            about = json.loads(str(arrays["about"]))
            held = dict(about["key"])
            differing = [name for name in key if held.get(name) != key[name]]
            if differing:
                return differing[0]
            tables = {name: arrays[name] for name in _ARRAYS}
    index: VideoIndex = _converter().structure(about["index"] | tables, VideoIndex)
    info: VideoInfo = _converter().structure(about["info"], VideoInfo)
    _check_table(index, info)
    return index, info


def write_entry(entry: Path, key: Mapping[str, Any], index: VideoIndex, info: VideoInfo) -> None:
    """Write an entry.

    Raises:
        DataError: the file cannot be written.
    """
    # The path is the reader's own: an entry may travel to another machine.
    own = Path(index.path.name)
    plain = _converter().unstructure(replace(index, path=own))
    arrays = {name: plain.pop(name) for name in _ARRAYS}
    facts = _converter().unstructure(replace(info, path=own))
    about = json.dumps({"key": dict(key), "index": plain, "info": facts})
    # A file, as savez adds .npz to a name.
    with replacing(entry) as part, part.open("wb") as file:
        np.savez_compressed(file, about=np.array(about), **arrays)


def _check_table(index: VideoIndex, info: VideoInfo) -> None:
    tables = (index.pts, index.keyframe_pts, index.keyframe_dts)
    if any(table.dtype != np.int64 or table.ndim != 1 for table in tables):
        raise ValueError("its times are not lists of int64")
    is_ascending = all(bool((table[1:] > table[:-1]).all()) for table in tables[:2])
    is_whole = info.num_frames == len(index.pts) > 0 and len(index.keyframe_pts) == len(index.keyframe_dts)
    if not is_ascending or not is_whole or min(index.time_base, index.rate) <= 0:
        raise ValueError("its frame table contradicts itself")


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
