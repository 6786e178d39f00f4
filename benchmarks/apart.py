"""An object in a process of its own, which runs only while it is called.

Libraries that decode ahead in threads of their own would otherwise work at the expense of whatever is measured
next. What such a thread still has to do counts when its own process is called again.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

DEADLINE_SECONDS = 600


class AbsentError(Exception):
    """What was to be measured is not installed here, or does not load; the message says why."""


class Apart:
    """An object in a spawned process; stopped (SIGSTOP) between calls unless `runs_on`."""

    def __init__(self, make: Callable[[], Any], *, runs_on: bool = False) -> None:
        """Start the process and make the object in it.

        Args:
            make: Makes the object; goes to the process pickled.
            runs_on: Never stop the process: for several that are to work at the same time.

        Raises:
            AbsentError: `make` raised it.
            RuntimeError: `make` failed otherwise, or said nothing in time.
        """
        context = multiprocessing.get_context("spawn")
        self._runs_on = runs_on
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(make, other), daemon=True)
        self._process.start()
        other.close()
        self._pid = self._process.pid or 0
        try:
            self.finish()
        except BaseException:
            self.close()
            raise

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the object, and return what it returns."""
        self.begin(method, *arguments)
        return self.finish()

    def begin(self, method: str, *arguments: Any) -> None:
        """Start a call; `finish` returns its result."""
        self._pipe.send((method, arguments))
        if not self._runs_on:
            os.kill(self._pid, signal.SIGCONT)

    def finish(self) -> Any:
        """Wait for what was begun.

        Raises:
            RuntimeError: it failed, ended or said nothing in time; with the traceback from there.
        """
        if not self._pipe.poll(DEADLINE_SECONDS):
            raise RuntimeError(f"no answer in {DEADLINE_SECONDS} s from process {self._pid}")
        try:
            kind, result = self._pipe.recv()
        except EOFError as error:
            raise RuntimeError(f"process {self._pid} ended in the middle of a call") from error
        if not self._runs_on:
            os.kill(self._pid, signal.SIGSTOP)
        if kind == "absent":
            raise AbsentError(result)
        if kind == "failed":
            raise RuntimeError(f"in a process of its own:\n{result}")
        return result

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _serve(make: Callable[[], Any], pipe: Connection) -> None:
    _end_with_parent()
    try:
        served = make()
        pipe.send(("made", None))
        while True:
            method, arguments = pipe.recv()
            pipe.send(("done", getattr(served, method)(*arguments)))
    except AbsentError as absent:
        pipe.send(("absent", str(absent)))
    except EOFError:
        return
    except Exception:  # noqa: BLE001  (whatever it is, the caller raises it)
        pipe.send(("failed", traceback.format_exc()))


def _end_with_parent() -> None:
    """Have the system end this process when its parent is killed: a stopped one would never notice."""
    if sys.platform == "linux":
        set_parent_death_signal = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
