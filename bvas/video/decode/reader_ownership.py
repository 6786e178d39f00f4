"""Ownership of a reader: one process, one thread at a time, until it is closed.

libav, OpenCV and NVDEC do not guard a decoder. Two threads inside one are a crash, or decoding errors in a sound file.
So every call into a decoder is made with its reader's `Ownership` entered.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, NoReturn, ParamSpec, Self, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Ownership:
    """The process of one reader, the thread inside it, and whether it is still open.

    `with ownership:` is one use of the reader. It never waits: a second thread gets an error. One thread may nest it.

    Args:
        name: Name of the source, for messages.
        opened_by: The function that makes such readers, for messages.
    """

    def __init__(self, name: str, *, opened_by: str = "open_video") -> None:
        self._name = name
        self._opened_by = opened_by
        self._pid = os.getpid()
        self._closed = False
        self._in_use = threading.RLock()

    @property
    def is_here(self) -> bool:
        """This is the process that made the reader; a forked copy owns nothing that it could close."""
        return os.getpid() == self._pid

    def check(self) -> None:
        """Refuse use in another process or after `close`.

        Raises:
            RuntimeError: names the reader and the remedy.
        """
        if not self.is_here:
            raise RuntimeError(
                f"the reader of {self._name} was made in process {self._pid} and is used in "
                f"{os.getpid()}; call {self._opened_by} in the process that reads"
            )
        if self._closed:
            raise RuntimeError(f"the reader of {self._name} is closed; call {self._opened_by} again")

    def __enter__(self) -> Self:
        """Begin a use of the reader.

        Raises:
            RuntimeError: another process, another thread that is in the reader now, or a closed reader.
        """
        # The process is checked first: a lock held by a thread at a fork stays locked in the copy.
        self.check()
        self._acquire()
        if self._closed:
            self._in_use.release()
            self.check()
        return self

    def __exit__(self, *_: object) -> None:
        """End a use of the reader."""
        self._in_use.release()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Exclude other threads from a reader that may be closed already.

        Raises:
            RuntimeError: another thread is in the reader.
        """
        if not self.is_here:
            yield
            return
        self._acquire()
        try:
            yield
        finally:
            self._in_use.release()

    @contextmanager
    def closing(self) -> Iterator[bool]:
        """Refuse any later use; yields whether this process has something to close.

        Raises:
            RuntimeError: another thread is in the reader; it stays open.
        """
        with self.alone():
            self._closed = True
            yield self.is_here

    def steps(self, steps: Iterator[T]) -> Iterator[T]:
        """Return an iterator of which each step is a use of the reader; no step gives None."""

        # Not a generator, which would raise a ValueError in a second thread.
        def step() -> T | None:
            with self:
                return next(steps, None)

        return iter(step, None)

    def refuse_pickling(self) -> NoReturn:
        """Refuse to be sent to another process, or copied.

        Raises:
            TypeError: names the reader and the remedy.
        """
        raise TypeError(
            f"the reader of {self._name} cannot be pickled or copied; "
            f"send the path, and call {self._opened_by} in the process that reads"
        )

    def _acquire(self) -> None:
        if not self._in_use.acquire(blocking=False):
            raise RuntimeError(
                f"the reader of {self._name} is used by two threads at once; open one reader per thread: "
                f"call {self._opened_by} in each, and close a reader when the thread that reads has ended"
            )


def owned(method: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], T]:
    """Make each call of a reader's method one use of the reader, whose `_owner` is its `Ownership`."""

    @wraps(method)
    def within(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self._owner:
            return method(self, *args, **kwargs)

    return within
