"""Atomic file writing: to a temporary name beside the target, then renamed."""

import errno
import hashlib
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bvas.errors import DataError
from bvas.system.file_names import shown_text

ARCHIVE_FAULTS = (OSError, ValueError, KeyError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile)
"""Errors of reading an `.npz` that is missing, damaged or lacks an array."""
_MOST_SUFFIX_BYTES = 16


_TRIAL_BYTES = 64 * 1024
_FEW_BYTES = 16 * 2**20
_TRIES = 10


def check_writable(folder: Path, *names: str) -> None:
    """Raise early where files could not be written to a folder later: a trial file is written, renamed and removed.

    Missing folders are made for the trial, and removed again.

    Args:
        folder: The folder.
        names: Files that will be written there; existing files are left alone.

    Raises:
        DataError: the folder cannot be made or written to, a name is too long, a folder is in the place of a file, or
            the disk is full.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            taken = next((folder / name for name in names if (folder / name).is_dir()), None)
            if taken is not None:
                raise DataError(
                    f"cannot write {taken}: a folder has this name; move it, or choose another folder"
                )
            _try_folder(folder, names)
            return
        except OSError as error:
            # Another process that tries the same folder has removed what it made.
            if tries_left and isinstance(error, FileNotFoundError):
                continue
            raise DataError(
                f"cannot write to {folder}: {error.strerror or error}; choose another folder that can be written to"
            ) from error


def _try_folder(folder: Path, names: Sequence[str]) -> None:
    """Make a folder, write a file there, and remove both.

    Raises:
        OSError: the system refuses.
    """
    made: list[Path] = []
    try:
        for place in [*reversed(folder.absolute().parents), folder.absolute()]:
            if not place.is_dir():
                place.mkdir(exist_ok=True)
                made.append(place)
        _try_names(folder, names)
    finally:
        for place in reversed(made):
            with suppress(OSError):
                place.rmdir()


def _try_names(folder: Path, names: Sequence[str]) -> None:
    """Write a file, give it the longest of these names that is free, and remove it.

    Raises:
        OSError: the system refuses.
    """
    longest = max(names, key=lambda name: len(os.fsencode(name)), default="trial")
    trial = _beside(folder / longest)
    place = trial
    try:
        trial.write_bytes(bytes(_TRIAL_BYTES))
        target = folder / longest
        if not target.exists():
            place = trial.replace(target)
    finally:
        place.unlink(missing_ok=True)
    free = shutil.disk_usage(folder).free
    if free < _FEW_BYTES:
        raise OSError(errno.ENOSPC, f"{free / 2**20:.1f} MiB are free")


def _beside(path: Path) -> Path:
    """Return a temporary name for a file that is not complete yet: short, with the same suffix."""
    mark = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= _MOST_SUFFIX_BYTES else ""
    return path.with_name(f".{mark}.{os.getpid()}.part{suffix}")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes the name `path` when the block ends well.

    The temporary name keeps the suffix, since libraries choose a format by it. On an
    error the temporary file is removed, and an earlier file is unchanged.

    Raises:
        DataError: the folder cannot be made or the file cannot be written (disk full,
            no permission); the message names both.
    """
    temporary = _beside(path)
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


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Make a folder and those above it; an error in the block removes those that it made, where they are empty.

    Raises:
        DataError: it cannot be made.
    """
    missing = [place for place in (folder.absolute(), *folder.absolute().parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot make the folder {folder}: {error.strerror}; choose another") from error
    try:
        yield
    except BaseException:
        for place in missing:
            with suppress(OSError):
                place.rmdir()
        raise


def remove_unfinished(folder: Path) -> None:
    """Remove temporary files and folders of killed writers from a folder; no process may be writing there."""
    for path in folder.glob(".*.part*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to `path`, whole or not at all; undecodable bytes of file names in it are replaced."""
    with replacing(path) as temporary:
        temporary.write_text(shown_text(text), encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented, strict JSON (no NaN) to `path`, whole or not at all."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """Return `value` as indented, strict JSON (no NaN)."""
    return shown_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"
