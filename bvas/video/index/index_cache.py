"""What was found out about video files, kept between runs, so that a long recording is read through once.

An entry is named after the file's path and holds its size, time of change and a hash of its first and last
64 KiB; where one of them differs the entry is not used. What cannot be read or written is as if it were not
there: without a writable folder nothing is cached.
"""

import contextlib
import hashlib
import json
import logging
import os
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bvas.system.atomic_files import ARCHIVE_FAULTS
from bvas.system.cache_folder import cache_folder
from bvas.video.container.color_tags import ColorTags
from bvas.video.container.dolby_vision import DolbyVision
from bvas.video.container.joined_bytes import Joints
from bvas.video.container.read_options import ReadOptions
from bvas.video.container.stream_choice import VideoStream
from bvas.video.index.file_scan import Scan
from bvas.video.index.frame_folder import stamp_of
from bvas.video.index.stored_picture import Picture

logger = logging.getLogger(__name__)

# Raise it whenever a scan of the same file would come out differently.
_VERSION = 10
_HASHED_BYTES = 64 * 1024
# Playlists of one video in several sizes.
_ADAPTIVE = (".m3u8", ".m3u", ".mpd")
_ARRAYS = ("pts", "keyframe_pts", "keyframe_dts")


def load_scan(path: Path, reading: ReadOptions) -> Scan | None:
    """Return the kept scan of a file, or None if there is none of the file as it is now."""
    entry = _entry_of(path, ".npz", reading)
    if entry is None:
        return None
    try:
        # Opened here: np.load leaves a file that is no archive open.
        with entry.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            about = json.loads(str(archive["about"]))
            if about["key"] != _key_of(path):
                return None
            return _scan_from(about["scan"], {name: archive[name] for name in _ARRAYS})
    except (*ARCHIVE_FAULTS, TypeError) as error:
        logger.debug("cache entry %s is not used: %s", entry, error)
        return None


def store_scan(path: Path, reading: ReadOptions, scan: Scan) -> None:
    """Keep the scan of a file; does nothing where the cache folder cannot be written."""
    entry = _entry_of(path, ".npz", reading)
    if entry is None:
        return
    # Beside it and renamed: a reader never sees half an entry.
    part = entry.with_name(f"{entry.stem}.{os.getpid()}.part.npz")
    try:
        about = json.dumps({"key": _key_of(path), "scan": _plain(scan)})
        entry.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(part, about=np.array(about), **{name: getattr(scan, name) for name in _ARRAYS})
        part.replace(entry)
    except OSError as error:
        logger.debug("the index of %s is not cached: %s", path.name, error)
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


class Verdict(NamedTuple):
    """Whether a backend takes a file."""

    refusal: str | None
    """The reason with the remedy; None where the file is admitted."""


def load_verdict(path: Path, reading: ReadOptions, depends_on: str) -> Verdict | None:
    """Return the kept verdict on a file, or None if there is none of the file as it is now.

    Args:
        path: The file.
        reading: Which stream of it is read, and how.
        depends_on: What else the verdict is about, such as a library and its version.
    """
    verdict = _load_verdicts(path, reading).get(depends_on)
    return None if verdict is None else Verdict(verdict["refusal"])


def store_verdict(path: Path, reading: ReadOptions, depends_on: str, verdict: Verdict) -> None:
    """Keep a verdict; does nothing where the cache folder cannot be written."""
    entry = _entry_of(path, ".verdicts.json", reading)
    if entry is None:
        return
    verdicts = _load_verdicts(path, reading) | {depends_on: verdict._asdict()}
    part = entry.with_name(f"{entry.name}.{os.getpid()}.part")
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps({"key": _key_of(path), "verdicts": verdicts}))
        part.replace(entry)
    except OSError as error:
        logger.debug("the verdict on %s is not cached: %s", path.name, error)
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _load_verdicts(path: Path, reading: ReadOptions) -> dict[str, dict[str, str | None]]:
    entry = _entry_of(path, ".verdicts.json", reading)
    if entry is None:
        return {}
    try:
        kept = json.loads(entry.read_text())
        verdicts: dict[str, dict[str, str | None]] = kept["verdicts"] if kept["key"] == _key_of(path) else {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.debug("cache entry %s is not used: %s", entry, error)
        return {}
    return verdicts


def _entry_of(path: Path, suffix: str, reading: ReadOptions) -> Path | None:
    folder = cache_folder()
    if folder is None:
        return None
    named = str(path.absolute())
    if reading.stream is not None or reading.rate is not None:
        # A zero byte is in no path.
        named += f"\0{reading.stream}\0{reading.rate}"
    if reading.fit is not None and path.suffix.lower() in _ADAPTIVE:
        # Which of its variants is read depends on it.
        named += f"\0{reading.fit}"
    name = hashlib.sha256(named.encode(errors="surrogateescape")).hexdigest()[:32]
    return folder / "index" / f"{name}{suffix}"


def _key_of(path: Path) -> dict[str, Any]:
    status = path.stat()
    digest = hashlib.sha256()
    if path.is_dir():
        digest.update(repr(stamp_of(path)).encode(errors="surrogateescape"))
        return {"version": _VERSION, "path": str(path.absolute()), "digest": digest.hexdigest()}
    with path.open("rb") as file:
        digest.update(file.read(_HASHED_BYTES))
        file.seek(max(status.st_size - _HASHED_BYTES, 0))
        digest.update(file.read(_HASHED_BYTES))
    return {
        "version": _VERSION,
        "path": str(path.absolute()),
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "digest": digest.hexdigest(),
    }


def _plain(scan: Scan) -> dict[str, Any]:
    return {
        "stream": scan.stream,
        "time_base": str(scan.time_base),
        "last_duration": int(scan.last_duration),
        "decode_order": scan.decode_order,
        "gradual_refresh": scan.gradual_refresh,
        "container": scan.container,
        "claimed_rates": [str(rate) for rate in scan.claimed_rates],
        "rate_origin": scan.rate_origin,
        "streams": [asdict(stream) for stream in scan.streams],
        "joints": None if scan.joints is None else scan.joints.to_plain(),
        "is_fetched": scan.is_fetched,
        "lost_codec": scan.lost_codec,
        "num_lost": scan.num_lost,
        "remarks": list(scan.remarks),
        "picture": asdict(scan.picture) | {"sample_aspect": str(scan.picture.sample_aspect)},
    }


def _scan_from(plain: dict[str, Any], arrays: dict[str, Any]) -> Scan:
    picture = _picture_from(plain["picture"])
    rates = tuple(Fraction(rate) for rate in plain["claimed_rates"])
    return Scan(
        stream=plain["stream"],
        time_base=Fraction(plain["time_base"]),
        last_duration=plain["last_duration"],
        decode_order=plain["decode_order"],
        gradual_refresh=plain["gradual_refresh"],
        container=plain["container"],
        claimed_rates=rates,
        rate_origin=plain["rate_origin"],
        streams=tuple(VideoStream(**stream) for stream in plain["streams"]),
        joints=None if plain["joints"] is None else Joints.from_plain(plain["joints"]),
        is_fetched=plain["is_fetched"],
        lost_codec=plain["lost_codec"],
        num_lost=plain["num_lost"],
        remarks=tuple(plain["remarks"]),
        picture=picture,
        **arrays,
    )


def _picture_from(plain: dict[str, Any]) -> Picture:
    dolby_vision = plain["dolby_vision"]
    return Picture(
        **plain
        | {
            "sample_aspect": Fraction(plain["sample_aspect"]),
            "color": ColorTags(**plain["color"]),
            "container_color": ColorTags(**plain["container_color"]),
            "later_transfers": tuple(plain["later_transfers"]),
            "dolby_vision": None if dolby_vision is None else DolbyVision(**dolby_vision),
        }
    )
