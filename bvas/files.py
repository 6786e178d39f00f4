"""Writing files so that a reader never sees half of one: beside, then renamed."""

import errno
import json
import os
import sys
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from bvas.errors import BusyError, DataError

ARCHIVE_FAULTS = (OSError, ValueError, KeyError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile)
"""What reading an `.npz` raises that is missing, damaged or lacks an array: which, depends on the damaged byte."""
_SECONDS_BETWEEN_TRIES = 0.02


def check_writable(folder: Path) -> None:
    """Raise early where files of `folder` could not be written later; makes nothing.

    Raises:
        DataError: the folder, or the one it would be made in, is none or is not writable.
    """
    existing = next(place for place in [folder, *folder.absolute().parents] if place.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise DataError(f"cannot write to {folder}: {existing} is no writable folder; choose another one")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes the name `path` when the block ends well.

    The temporary name keeps the suffix, since libraries choose a format by it. On an
    error nothing of it is left, and a file that was there before stays as it was.

    Raises:
        DataError: the folder cannot be made or the file cannot be written (disk full,
            no permission); the message names both.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(
            f"cannot write {path}: {error.strerror or error}; free some space or choose a folder you can write to"
        ) from error


def remove_unfinished(folder: Path) -> None:
    """Remove what writers that were killed left in a folder; nobody else may be writing there."""
    for path in folder.glob(".*.part*"):
        path.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path, *, seconds: float = 0.0) -> Iterator[None]:
    """Make a folder, and keep other processes that ask for the same out of it.

    The system itself lets go of it when the process ends, however it ends. Where the file system or
    Windows knows no such locks, nobody is kept out.

    Args:
        folder: The folder.
        seconds: Longest wait for another process.

    Raises:
        BusyError: another process has it.
        DataError: the folder cannot be made.
    """
    path = folder / ".lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as error:
        raise DataError(
            f"cannot write {path}: {error.strerror or error}; free some space or choose a folder you can write to"
        ) from error
    with file:
        if sys.platform != "win32":
            _take(file, folder, until=time.monotonic() + seconds)
        yield


def _take(file: IO[str], folder: Path, *, until: float) -> None:
    import fcntl

    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                if time.monotonic() < until:
                    time.sleep(_SECONDS_BETWEEN_TRIES)
                    continue
                raise BusyError(
                    f"another process works in {folder}; wait until it is done, or end it first"
                ) from error
        return


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented, strict JSON (no NaN) to `path`, whole or not at all."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """Return `value` as indented, strict JSON (no NaN)."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
