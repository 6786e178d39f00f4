"""Worker of the Ray executor: an actor that runs one job at a time, and tells what its job says."""

import logging
import os
import platform
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from logging.handlers import QueueHandler
from pathlib import Path
from typing import Any

from bvas import __version__
from bvas.errors import ConfigError
from bvas.system.background import in_background
from bvas.system.jobs.job import Ended, Job, Worker, run_job, use_cores
from bvas.system.log_lines import set_up_logging
from bvas.system.shared_folder import proved_locks

_SECONDS_BETWEEN_MESSAGES = 1.0

Message = tuple[int, int, str] | logging.LogRecord | Ended
"""Progress of a job (units done, their total, a remark), a log line, or the end of the job."""


@dataclass(frozen=True, slots=True)
class Hello:
    """First answer of an actor."""

    host: str
    versions: dict[str, str]


def versions() -> dict[str, str]:
    """Return the versions that must be the same on all machines, by name."""
    return {"Python": platform.python_version(), "Ray": version("ray"), "bvas": __version__}


class JobActor:
    """Runs jobs in a thread, so that it can be asked meanwhile. Nothing here depends on Ray."""

    def __init__(self, device: str, level: int, folder: Path) -> None:
        """Enter the working folder of the driver, for relative paths in configs.

        Args:
            device: Of the jobs: `cpu`, `cuda`, or empty where they need none.
            level: Of log lines.
            folder: Working folder of the driver; where it is missing, the actor stays in its own.
        """
        with suppress(OSError):
            os.chdir(folder)
        self._device = device
        self._kept: dict[str, Any] = {}
        self._job: Future[Ended] | None = None
        self._outbox = _Outbox()
        queue: Any = self._outbox
        set_up_logging(level, QueueHandler(queue))

    def hello(self, probes: Sequence[Path]) -> Hello:
        """Prove that folders are those of the driver, and that their locks hold; return what the machine has.

        Args:
            probes: Those of the driver, from `proved_locks`.

        Raises:
            ConfigError: one is not here.
            DataError: a folder cannot be written, or has no locks.
        """
        host = socket.gethostname()
        for probe in probes:
            folder = probe.parents[1]
            if not probe.is_file():
                raise ConfigError(
                    f"{host} does not see {folder} of the machine that runs bvas; mount one shared folder there on all "
                    "machines"
                )
            with proved_locks(folder):
                pass
        return Hello(host, versions())

    def begin(self, job: Job, num_workers: int) -> list[Message]:
        """Begin a job, and return its first messages; `num_workers` is that of its `Worker`."""
        self._outbox.take()
        self._job = in_background(self._run, job, num_workers)
        return self.messages()

    def messages(self) -> list[Message]:
        """Return what the job said since the last call: after a second, or as soon as it ended, with its end last.

        An exception that is a defect of the program is raised.
        """
        assert self._job is not None
        is_over = bool(wait([self._job], _SECONDS_BETWEEN_MESSAGES).done)
        said = self._outbox.take()
        return [*said, self._job.result()] if is_over else said

    def _run(self, job: Job, num_workers: int) -> Ended:
        if self._device:
            # Ray has set OMP_NUM_THREADS to the CPUs of this actor.
            use_cores(self._device, 1)
        worker = Worker(
            device=self._device, num_workers=num_workers, kept=self._kept, progress=self._outbox.report
        )
        return run_job(job, worker)


class _Outbox:
    """Log lines and the latest progress, until they are taken; as much of a queue as `QueueHandler` uses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: list[Message] = []
        self._progress: list[Message] = []

    def put_nowait(self, line: logging.LogRecord) -> None:
        with self._lock:
            self._lines.append(line)

    def report(self, done: int, total: int, note: str = "") -> None:
        with self._lock:
            self._progress = [(done, total, note)]

    def take(self) -> list[Message]:
        with self._lock:
            taken = [*self._lines, *self._progress]
            self._lines, self._progress = [], []
        return taken
