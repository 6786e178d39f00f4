"""Bytes of pipes and growing files, which are waited for.

libav reads them in a thread of its own. It asks for more bytes than there are and waits inside `read`, which `stop`
of another thread ends. Without `seek` libav knows that it cannot go back.
"""

import os
import threading
import time
from abc import abstractmethod
from contextlib import suppress
from pathlib import Path

from bvas.errors import DecodeError
from bvas.system.closing import Closing
from bvas.system.pipes import open_pipe, wait_readable

_POLL_SECONDS = 0.05


class WaitingBytes(Closing):
    """An open source of bytes that is read once, from front to back; it is closed when no thread is reading.

    Args:
        name: Path, by whose ending libav knows some formats.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.head = b""
        """The first bytes read."""
        self._stopped = threading.Event()

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, as soon as there are any; none at the end."""
        data = self._next(size)
        self.head = self.head or data[:16]
        return data

    def seekable(self) -> bool:
        """Return False: what was read is gone, or not there yet."""
        return False

    def stop(self) -> None:
        """End a `read` that waits in another thread."""
        self._stopped.set()

    @abstractmethod
    def _next(self, size: int) -> bytes:
        """Wait for bytes; none at the end, or after `stop`."""


class PipeBytes(WaitingBytes):
    """Bytes of a named pipe, or of standard input (`-`), up to where the last writer closes it.

    Raises:
        DecodeError: it cannot be opened, or standard input is a terminal.
    """

    def __init__(self, location: str) -> None:
        super().__init__(location)
        try:
            self._file = open_pipe(None if location == "-" else location)
        except OSError as error:
            raise DecodeError(f"{location} cannot be read: {error.strerror}", path=location) from error
        if os.isatty(self._file):
            self.close()
            raise DecodeError("standard input is a terminal; pipe a video into it", path=location)

    def close(self) -> None:
        """Close the pipe."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _next(self, size: int) -> bytes:
        # A pipe without a writer reads as ended; one that was never written to has to be waited for.
        while not self._stopped.is_set():
            if wait_readable(self._file, _POLL_SECONDS):
                with suppress(BlockingIOError):
                    return os.read(self._file, size)
        return b""


class GrowingBytes(WaitingBytes):
    """Bytes of a file that is being written, up to where it has not grown for `idle_seconds`.

    Raises:
        DecodeError: the file does not exist or may not be read.
    """

    def __init__(self, location: str, idle_seconds: float) -> None:
        super().__init__(location)
        self._idle_seconds = idle_seconds
        self._ended = False
        try:
            self._file = Path(location).open("rb", buffering=0)
        except FileNotFoundError as error:
            raise DecodeError(f"{location} does not exist; check the path", path=location) from error
        except OSError as error:
            raise DecodeError(f"{location} cannot be read: {error.strerror}", path=location) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _next(self, size: int) -> bytes:
        deadline = time.monotonic() + self._idle_seconds
        while not self._ended:
            data = self._file.read(size)
            if data:
                return data
            # Once ended it stays ended: bytes written later would follow a gap in what libav has read.
            self._ended = time.monotonic() >= deadline or self._stopped.wait(_POLL_SECONDS)
        return b""
