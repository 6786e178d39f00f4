"""Locks between processes: on a folder, and on a file that is being written."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bvas.errors import BusyError, DataError

_SECONDS_BETWEEN_TRIES = 0.02
# Far behind the end of any file, so that the lock of Windows, which others cannot read through, covers no content.
_LOCKED_BYTE = 2**31 - 1


@contextmanager
def locked(folder: Path, *, seconds: float = 0.0) -> Iterator[None]:
    """Make a folder, and keep out other processes that ask for the same lock.

    The system releases the lock when the process ends, also after a kill.

    Args:
        folder: The folder; the lock is its file `.lock`.
        seconds: Longest wait for another process.

    Raises:
        BusyError: another process has the lock.
        DataError: the folder cannot be made or written to.
    """
    # Only commands that write take locks: others start without the import.
    from filelock import FileLock, Timeout

    path = folder / ".lock"
    lock = FileLock(path, timeout=seconds)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(poll_interval=_SECONDS_BETWEEN_TRIES)
    except Timeout as error:
        raise BusyError(
            f"another process works in {folder}; wait until it is done, or end it first"
        ) from error
    except OSError as error:
        raise DataError(
            f"cannot write {path}: {error.strerror or error}; free some space or choose a folder you can write to"
        ) from error
    try:
        yield
    finally:
        lock.release()


def open_alone(path: Path) -> BinaryIO:
    """Open a file for writing, empty; no other process can open it so until it is closed.

    A file that a killed process left is taken over. `filelock` cannot do that: it locks a file of its own, which
    would stay beside the video.

    Raises:
        BlockingIOError: another process has it.
        OSError: it cannot be written.
    """
    while True:
        # Not emptied before it is known to be ours.
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "wb")
        try:
            _lock_file(file)
            if not _has_name(file, path):
                file.close()
                continue
            file.truncate(0)
        except BaseException:
            file.close()
            raise
        return file


def is_locked(path: Path) -> bool:
    """Return whether a file is open by `open_alone`; a process that tests the lock at the same time counts too.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it cannot be opened.
    """
    with path.open("r+b") as file:
        try:
            _lock_file(file)
        except BlockingIOError:
            return True
    return False


def _lock_file(file: BinaryIO) -> None:
    """Lock an open file until it is closed; where a file system has no locks, this succeeds.

    Raises:
        BlockingIOError: another process has it.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(_LOCKED_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK):
            raise BlockingIOError(error.errno, "another process writes it") from error


def _has_name(file: BinaryIO, path: Path) -> bool:
    """Return whether a file still has its name: its last writer may have renamed it before it was locked."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
