"""Executor with a spawned process for each worker."""

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from logging.handlers import QueueHandler
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from bvas.errors import WorkerError
from bvas.system.jobs.child_processes import end_with_parent, interrupts_held, start_child
from bvas.system.jobs.job import Ended, Job, Watch, Worker, run_job, use_cores
from bvas.system.log_lines import set_up_logging

_SECONDS_BETWEEN_REPORTS = 0.2
_SECONDS_TO_END = 5.0
_MOST_DEATHS = 3

_Message = tuple[int, int, str] | logging.LogRecord | Ended
"""From a worker: progress of its job (units done, their total, a remark), a log line, or the end of the job."""


class ProcessExecutor:
    """The `Executor` of several devices, or of several processes without one.

    A worker starts with its first job and keeps its process for the next ones. A process that dies costs its job,
    and is replaced. Log lines of jobs appear in this process, behind the name of the job. No process outlives this
    one, however it ends; Ctrl-C reaches this process only.
    """

    def __init__(self, devices: Sequence[str], *, remedy: str) -> None:
        """Take a device for each worker.

        Args:
            devices: Device names, repeated for workers that share a device; empty names for jobs that need none.
            remedy: Advice for the case that memory ran out, in the message about a process that died.
        """
        self._slots = [_Slot(device) for device in devices]
        self._remedy = remedy
        self.num_workers = len(devices)

    def num_idle(self) -> int:
        """Return how many jobs can be submitted now: workers without a job.

        Raises:
            WorkerError: the processes of all workers died several times in a row.
        """
        usable = [slot for slot in self._slots if slot.num_deaths < _MOST_DEATHS]
        if not usable:
            names = sorted({slot.device for slot in self._slots} - {""})
            whose = f" of {', '.join(names)}" if names else ""
            raise WorkerError(
                f"no worker is left: the processes{whose} died {_MOST_DEATHS} times in a row each; their last log "
                "lines are above"
            )
        return sum(slot.job is None for slot in usable)

    def submit(self, job: Job) -> None:
        """Send a job to the first idle worker, whose process starts if it has none."""
        slot = next(one for one in self._slots if one.job is None and one.num_deaths < _MOST_DEATHS)
        slot.job = job
        if slot.pipe is None:
            with interrupts_held():
                slot.start(self.num_workers)
        assert slot.pipe is not None
        # A process that died meanwhile is noticed where its answer is awaited.
        with suppress(OSError):
            slot.pipe.send(job)

    def wait(self, seconds: float | None, watch: Watch) -> list[Ended]:
        """Return the jobs that ended, after a message of any worker or the time has passed.

        Args:
            seconds: Longest wait; None where a job is running and nothing else matters.
            watch: Receives the progress of running jobs meanwhile.
        """
        busy = {slot.pipe: slot for slot in self._slots if slot.pipe is not None and slot.job is not None}
        if not busy:
            time.sleep(seconds or 0.0)
            return []
        ends = [
            self._receive(busy[pipe], watch) for pipe in connection.wait(list(busy), seconds) if pipe in busy
        ]
        return [ended for ended in ends if ended is not None]

    def close(self) -> None:
        """End all processes, also in the middle of a job, by force where a request does not suffice."""
        with interrupts_held():
            started = [slot.process for slot in self._slots if slot.process is not None]
            for process in started:
                process.terminate()
            for process in started:
                process.join(_SECONDS_TO_END)
                if process.is_alive():
                    process.kill()
                    process.join()
            for slot in self._slots:
                slot.forget()

    def _receive(self, slot: "_Slot", watch: Watch) -> Ended | None:
        """Handle one message of a busy worker; return the end of its job if it is that."""
        assert slot.pipe is not None
        assert slot.process is not None
        assert slot.job is not None
        job = slot.job
        try:
            message: _Message = slot.pipe.recv()
        except (EOFError, OSError):
            slot.process.join()
            code = slot.process.exitcode or 0
            slot.forget()
            slot.num_deaths += 1
            how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
            text = f"its process {how}; its log lines are above; if memory ran out, {self._remedy}"
            return Ended(job, error=WorkerError(text), is_lost=code < 0)
        match message:
            case Ended():
                slot.job = None
                slot.num_deaths = 0
                return Ended(job, message.value, message.error)
            case logging.LogRecord():
                message.msg = f"{job.name}: {message.msg}"
                logging.getLogger(message.name).handle(message)
            case (done, total, note):
                watch(job, done, total, note)
        return None


@dataclass(slots=True)
class _Slot:
    """A worker, with its process from the first job on."""

    device: str
    pipe: Connection | None = None
    process: BaseProcess | None = None
    job: Job | None = None
    num_deaths: int = 0
    """In a row."""

    def start(self, num_workers: int) -> None:
        level = logging.getLogger().getEffectiveLevel()
        # Not a daemon: those may not have children, and loader workers are some.
        self.process, self.pipe = start_child(_serve, self.device, num_workers, level, daemon=False)

    def forget(self) -> None:
        if self.pipe is not None:
            self.pipe.close()
        self.pipe = self.process = self.job = None


def _serve(pipe: Connection, device: str, num_workers: int, level: int) -> None:
    """Run in the child: jobs come in, progress, log lines and ends go out."""
    end_with_parent()
    outbox: Any = _Outbox(pipe)
    set_up_logging(level, QueueHandler(outbox))
    if device:
        use_cores(device, num_workers)
    kept: dict[str, Any] = {}
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        worker = Worker(device=device, num_workers=num_workers, kept=kept, progress=_Reporter(outbox))
        outbox.put_nowait(run_job(job, worker))


class _Outbox:
    """The sending end of the pipe to the parent, for all threads; as much of a queue as `QueueHandler` uses."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def put_nowait(self, message: _Message) -> None:
        with self._lock:
            self._pipe.send(message)


class _Reporter:
    """Sends the progress of one job, a few times a second."""

    def __init__(self, outbox: _Outbox) -> None:
        self._outbox = outbox
        self._sent_at = float("-inf")

    def __call__(self, done: int, total: int, note: str = "") -> None:
        now = time.monotonic()
        if now - self._sent_at >= _SECONDS_BETWEEN_REPORTS or done >= total:
            self._outbox.put_nowait((done, total, note))
            self._sent_at = now
