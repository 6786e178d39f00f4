"""Ctrl-C delayed while C code calls Python functions that it must not leave by an exception."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class InterruptsDelayed:
    """Raise the KeyboardInterrupt of a Ctrl-C at the end of the block; the second Ctrl-C acts at once.

    libav reads and writes our files through callbacks. Python runs signal handlers at the entry of the next Python
    function, which is the callback, and PyAV prints and drops a KeyboardInterrupt there: bytes would be lost silently.
    Signal handlers run in the main thread only, so in another thread the block changes nothing.
    """

    def __init__(self) -> None:
        self._before: Any = None
        self._kept: tuple[int, FrameType | None] | None = None

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            handler = signal.getsignal(signal.SIGINT)
            if callable(handler):
                self._before = handler
                signal.signal(signal.SIGINT, self._keep)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._before is None:
            return
        signal.signal(signal.SIGINT, self._before)
        if self._kept is not None:
            self._before(*self._kept)

    def _keep(self, number: int, frame: FrameType | None) -> None:
        if self._kept is not None:
            self._before(number, frame)
        self._kept = number, frame
