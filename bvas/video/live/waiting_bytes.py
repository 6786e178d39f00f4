"""Bytes that are still to come: from a pipe, or from a file that is being written.

They are what libav reads from, in a thread of its own. Without `seek` it knows that there is no way back.
"""

import os
import select
import threading
import time
from pathlib import Path
from typing import Protocol

from bvas.errors import DecodeError

_POLL_SECONDS = 0.05


class WaitingBytes(Protocol):
    """An open source of bytes."""

    name: str
    """Path, by whose ending libav knows some formats."""
    head: bytes
    """The first bytes read."""

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, as soon as there are any; none at the end."""
        ...

    def seekable(self) -> bool:
        """Return whether there is a way back."""
        ...

    def stop(self) -> None:
        """Let a `read` that waits, in another thread, end."""
        ...

    def close(self) -> None:
        """Let go of the file; nothing may be reading."""
        ...


class PipeBytes:
    """Bytes of a named pipe, or of standard input (`-`), up to where the last writer closes it.

    Raises:
        DecodeError: it cannot be opened, or standard input is a terminal.
    """

    def __init__(self, location: str) -> None:
        self.name = location
        self.head = b""
        self._stopped = threading.Event()
        try:
            # Without waiting for a writer; a copy of standard input can be closed.
            self._file = os.dup(0) if location == "-" else os.open(location, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            raise DecodeError(f"{location} cannot be read: {error.strerror}", path=location) from error
        if os.isatty(self._file):
            self.close()
            raise DecodeError("standard input is a terminal; pipe a video into it", path=location)

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; see `WaitingBytes`."""
        while self._wait():
            try:
                data = os.read(self._file, size)
            except BlockingIOError:
                continue
            self.head = self.head or data[:16]
            return data
        return b""

    def seekable(self) -> bool:
        """Return False: what was read is gone, or not there yet."""
        return False

    def stop(self) -> None:
        """Let a `read` that waits end."""
        self._stopped.set()

    def close(self) -> None:
        """Close the pipe."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _wait(self) -> bool:
        """Wait until there is something to read, or the end; False after `stop`."""
        if not hasattr(select, "poll"):
            return not self._stopped.is_set()
        poll = select.poll()
        poll.register(self._file, select.POLLIN)
        while not self._stopped.is_set():
            if poll.poll(_POLL_SECONDS * 1000):
                return True
        return False


class GrowingBytes:
    """Bytes of a file that is being written, up to where it has not grown for `idle_seconds`.

    Raises:
        DecodeError: there is no such file, or it may not be read.
    """

    def __init__(self, location: str, idle_seconds: float) -> None:
        self.name = location
        self.head = b""
        self._idle_seconds = idle_seconds
        self._stopped = threading.Event()
        self._ended = False
        try:
            self._file = Path(location).open("rb", buffering=0)
        except FileNotFoundError as error:
            raise DecodeError(f"{location} does not exist; check the path", path=location) from error
        except OSError as error:
            raise DecodeError(f"{location} cannot be read: {error.strerror}", path=location) from error

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; see `WaitingBytes`."""
        deadline = time.monotonic() + self._idle_seconds
        while not self._ended:
            data = self._file.read(size)
            if data:
                self.head = self.head or data[:16]
                return data
            # Once it has ended it stays so, or libav would go on behind a gap.
            self._ended = time.monotonic() >= deadline or self._stopped.wait(_POLL_SECONDS)
        return b""

    def seekable(self) -> bool:
        """Return False: what was read is gone, or not there yet."""
        return False

    def stop(self) -> None:
        """Let a `read` that waits end."""
        self._stopped.set()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
