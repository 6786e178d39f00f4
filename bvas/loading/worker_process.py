"""Start of a worker process, and the parent's record of it."""

import contextlib
import signal
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from bvas.loading.read_jobs import ReadJob
from bvas.loading.worker import WorkerSettings, run_worker
from bvas.system.jobs.child_processes import start_child

_KILLED = 9
_MAX_FAILED_STARTS = 3
"""Workers in a row that end by themselves, or hang, before they are ready: the next one would too."""
_MAX_KILLED_STARTS = 20
"""Workers in a row that are killed from outside before they are ready: that may be chance."""


@dataclass(slots=True, eq=False)
class Worker:
    """A process, the parent's end of its pipe, and its current job."""

    name: str
    backend: str
    process: SpawnProcess
    process_id: int
    pipe: Connection
    deadline: float
    """On `time.monotonic`: for being ready, for `job`, or for its end."""
    is_ready: bool = False
    job: ReadJob | None = None
    """Job without a result so far."""
    ending: str | None = None
    """Reason why it gets no more jobs, empty after its own end; its job is requeued when its process is gone."""
    is_killed: bool = False

    @property
    def is_idle(self) -> bool:
        """Whether it can be given a job."""
        return self.is_ready and self.job is None and self.ending is None

    def doing(self) -> str:
        """Return its current work, as the end of a message."""
        if self.job is not None:
            return self.job.note()
        return "while it was idle" if self.is_ready else "while it was starting"

    def give_up(self, why: str, seconds: float) -> None:
        """Give it no more jobs, and expect its end within `seconds`; `process.sentinel` reports the end."""
        self.ending = why
        self.deadline = time.monotonic() + seconds

    def kill(self, why: str, seconds: float) -> None:
        """Kill it. Takes longer than `seconds` only where the system itself waits, as for a disk."""
        self.process.kill()
        self.is_killed = True
        self.give_up(why, seconds)

    def exit_reason(self) -> str:
        """Return how the process ended."""
        code = self.process.exitcode
        if code is None or code >= 0:
            return f"exit code {code}"
        hint = "; is the memory full?" if -code == _KILLED else ""
        return f"signal {-code} ({signal.strsignal(-code)}){hint}"

    def release(self) -> None:
        """Close the pipe and the handle of an ended process."""
        self.pipe.close()
        # Raised if the program waits for its children itself; nothing is left to free then.
        with contextlib.suppress(ValueError):
            self.process.close()


def may_start_another(ended: Counter[str], worker: Worker) -> bool:
    """Count a worker that ended before it was ready; return whether another may be started in its place.

    Args:
        ended: Such workers since the last one that was ready, by how they ended.
        worker: The latest of them.
    """
    code = worker.process.exitcode
    failed = worker.is_killed or (code is not None and code >= 0)
    ended["failed" if failed else "killed"] += 1
    return ended["failed"] < _MAX_FAILED_STARTS and ended["killed"] < _MAX_KILLED_STARTS


def start_worker(name: str, backend: str, settings: WorkerSettings, seconds_to_start: float) -> Worker:
    """Start a process that does jobs with `backend`, and sends `Ready` first. It ends with the calling thread.

    Args:
        name: For messages, e.g. `pyav-0`.
        backend: Backend that opens the videos.
        settings: Settings of the pool's workers.
        seconds_to_start: Longest time that this may take.
    """
    process, pipe = start_child(run_worker, backend, settings.of(backend), name=f"bvas-{name}", daemon=True)
    assert process.pid is not None
    return Worker(name, backend, process, process.pid, pipe, time.monotonic() + seconds_to_start)
