"""Processes that work for a command: what they say reaches its terminal, and none outlives it."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import torch

from bvas.system.devices import use_device
from bvas.system.jobs.child_processes import end_with_parent
from bvas.system.log_lines import set_up_logging

_SECONDS_TO_END = 5.0


@dataclass(frozen=True, slots=True)
class Line:
    """A log line of a child."""

    level: int
    text: str


class Outbox:
    """The way to the parent, for all threads."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, message: object) -> None:
        """Send what pickles."""
        with self._lock:
            self._pipe.send(message)


class _Lines(logging.Handler):
    """Sends log lines to the parent, which has the terminal."""

    def __init__(self, outbox: Outbox) -> None:
        super().__init__()
        self._outbox = outbox

    def emit(self, record: logging.LogRecord) -> None:
        """Send a line."""
        self._outbox.send(Line(record.levelno, self.format(record)))


def settle_in(pipe: Connection, *, level: int, num_threads: int, device: torch.device) -> Outbox:
    """Set up a child process, which Ctrl-C does not reach, and return its way to the parent."""
    end_with_parent()
    outbox = Outbox(pipe)
    set_up_logging(level, _Lines(outbox))
    torch.set_num_threads(num_threads)
    use_device(device)
    return outbox


def how_it_ended(process: BaseProcess) -> str:
    """Wait for a process whose pipe is closed, and return what became of it."""
    process.join()
    code = process.exitcode or 0
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


def end_processes(processes: Iterable[BaseProcess]) -> None:
    """End them, by force where asking does not help."""
    there = list(processes)
    for process in there:
        process.terminate()
    for process in there:
        process.join(_SECONDS_TO_END)
        if process.is_alive():
            process.kill()
            process.join()
