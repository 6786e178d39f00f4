"""Identity of a video: by a glance, and where that leaves doubt by its content.

A glance takes the size, the time of change, and a hash of the first and last 64 KiB. Of a folder of pictures it takes
their sum, the last time, and a hash of names and sizes. Where all of it is equal, the file is taken as the same; where
the size or the hash differs, as another. Where only the time of change differs (the file was touched, copied or
downloaded again), its whole content decides.
"""

import hashlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from bvas.errors import DataError
from bvas.system.closing import Closing
from bvas.video.index.frame_folder import is_frame_folder, stamp_of

_END_BYTES = 64 * 1024
_PIECE_BYTES = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What is quickly seen of a file."""

    size: int
    """Bytes."""
    mtime_ns: int
    """Time of change, in nanoseconds."""
    ends: str
    """Hash of its first and last 64 KiB."""


def place_of(path: Path) -> str:
    """Return the absolute path of a file, the same however it is written; as text that any file can hold."""
    return os.fsencode(os.path.normpath(path.absolute())).decode(errors="backslashreplace")


def glance_at(path: Path) -> Glance:
    """Look at a file, or at a folder of numbered pictures.

    Raises:
        DataError: there is neither, or it cannot be read.
    """
    if is_frame_folder(path):
        return _glance_at_folder(path)
    if not path.is_file():
        raise DataError(f"no file {path}")
    try:
        status = path.stat()
        digest = hashlib.sha256()
        with path.open("rb") as file:
            digest.update(file.read(_END_BYTES))
            file.seek(max(status.st_size - _END_BYTES, 0))
            digest.update(file.read(_END_BYTES))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    return Glance(size=status.st_size, mtime_ns=status.st_mtime_ns, ends=digest.hexdigest())


def _glance_at_folder(path: Path) -> Glance:
    try:
        stamp = stamp_of(path)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    ends = hashlib.sha256(repr([(name, size) for name, size, _ in stamp]).encode(errors="surrogateescape"))
    newest = max((changed for _, _, changed in stamp), default=0)
    return Glance(size=sum(size for _, size, _ in stamp), mtime_ns=newest, ends=ends.hexdigest())


def content_digest(path: Path, stopped: threading.Event | None = None) -> str:
    """Return the SHA-256 of the content of a file, or of a folder's pictures; of a part if `stopped` is set meanwhile.

    Raises:
        DataError: it cannot be read.
    """
    digest = hashlib.sha256()
    paths = [path]
    if is_frame_folder(path):
        # Sizes keep the end of one picture and the start of the next apart.
        digest.update(_glance_at_folder(path).ends.encode())
        paths = [path / name for name, _, _ in stamp_of(path)]
    piece = memoryview(bytearray(_PIECE_BYTES))
    for one in paths:
        try:
            with one.open("rb", buffering=0) as file:
                while (count := file.readinto(piece)) and not (stopped is not None and stopped.is_set()):
                    digest.update(piece[:count])
        except OSError as error:
            raise DataError(f"cannot read {one}: {error.strerror or error}") from error
    return digest.hexdigest()


def is_same(path: Path, now: Glance, before: Glance, digest: str) -> bool:
    """Return whether a file is the one that was looked at before.

    Args:
        path: The file.
        now: A glance at it.
        before: What the glance was then.
        digest: What `content_digest` was then; the file is read through only where the glances leave doubt.
    """
    if now == before:
        return True
    return (now.size, now.ends) == (before.size, before.ends) and content_digest(path) == digest


class DigestMeanwhile(Closing):
    """The content digest of a file, found by a thread while the block goes on; its end stops the thread."""

    def __init__(self, path: Path) -> None:
        """Begin to read."""
        self._path = path
        self._stopped = threading.Event()
        self._found: str | DataError = ""
        self._thread = threading.Thread(target=self._read, name="bvas-digest", daemon=True)
        self._thread.start()

    def result(self) -> str:
        """Wait for the digest and return it.

        Raises:
            DataError: the file cannot be read.
        """
        self._thread.join()
        if isinstance(self._found, DataError):
            raise self._found
        return self._found

    def close(self) -> None:
        """Stop reading."""
        self._stopped.set()
        self._thread.join()

    def _read(self) -> None:
        try:
            self._found = content_digest(self._path, self._stopped)
        except DataError as error:
            self._found = error
