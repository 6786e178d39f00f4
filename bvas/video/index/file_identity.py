"""Identity of a video file: size and time of change, and where either differs the hash of the content."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from bvas.errors import DataError
from bvas.video.index.frame_folder import is_frame_folder, stamp_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Size and time of change of a file, or of a folder of numbered pictures; of a remote file size and etag."""

    size: int
    """Bytes; of a folder the sum over its pictures."""
    mtime_ns: int
    """Time of the last change, in nanoseconds; of a folder that of the newest picture; 0 of a remote file."""
    etag: str = ""
    """Of a remote file: what its server names this very content by; empty where it does not."""


def place_of(path: Path) -> str:
    """Return the absolute path of a file, the same however it is written; as text that any file can hold."""
    return os.fsencode(os.path.normpath(path.absolute())).decode(errors="backslashreplace")


def fingerprint_of(path: Path) -> Fingerprint:
    """Return the fingerprint of a file, or of a folder of numbered pictures; nothing is read.

    Raises:
        DataError: neither exists there, or its size is unavailable.
    """
    try:
        if is_frame_folder(path):
            stamp = stamp_of(path)
            newest = max((changed for _, _, changed in stamp), default=0)
            return Fingerprint(size=sum(size for _, size, _ in stamp), mtime_ns=newest)
        if not path.is_file():
            raise DataError(f"no file {path}")
        status = path.stat()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    return Fingerprint(size=status.st_size, mtime_ns=status.st_mtime_ns)


def content_digest(path: Path) -> str:
    """Return the SHA-256 of the content of a file, or of a folder's pictures.

    Raises:
        DataError: it cannot be read.
    """
    digest = hashlib.sha256()
    paths = [path]
    try:
        if is_frame_folder(path):
            pictures = [(name, size) for name, size, _ in stamp_of(path)]
            # Sizes keep the end of one picture and the start of the next apart.
            names = hashlib.sha256(repr(pictures).encode(errors="surrogateescape"))
            digest.update(names.hexdigest().encode())
            paths = [path / name for name, _ in pictures]
        for path in paths:
            with path.open("rb") as file:
                hashlib.file_digest(file, lambda: digest)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    return digest.hexdigest()


def is_same(path: Path, before: Fingerprint, digest: str) -> bool:
    """Return whether a file is the one of an earlier time.

    Args:
        path: The file.
        before: Its fingerprint at that time.
        digest: Its `content_digest` at that time. The file is read only if its fingerprint differs.

    Raises:
        DataError: it cannot be read.
    """
    return fingerprint_of(path) == before or content_digest(path) == digest
