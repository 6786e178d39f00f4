"""How a worker process is started, and what the parent knows of it."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import ModuleType

from bvas.loading.jobs import ReadJob
from bvas.loading.shared import SharedFrames
from bvas.loading.worker import run_worker
from bvas.video.open import BackendName

_STARTING = threading.Lock()


@dataclass(slots=True, eq=False)
class Worker:
    """A running process, the parent's end of its pipe, and what it is doing."""

    name: str
    backend: BackendName
    process: SpawnProcess
    process_id: int
    pipe: Connection
    job: ReadJob | None = None
    """What it was given and has not answered."""
    deadline: float = 0.0
    """On `time.monotonic`, for `job`."""
    num_clips: int = 0
    """Clips delivered."""


def start_worker(name: str, backend: BackendName, frames: SharedFrames, max_open: int, gpu: str) -> Worker:
    """Start a process that does jobs with `backend`; returns before it is ready.

    Args:
        name: For messages, e.g. `pyav-0`.
        backend: What it opens videos with.
        frames: Where it writes.
        max_open: Videos that it keeps open.
        gpu: The device that `nvdec` decodes on.
    """
    context = get_context("spawn")
    pipe, worker_pipe = context.Pipe()
    process = context.Process(
        target=run_worker,
        args=(worker_pipe, frames, backend, max_open, gpu),
        name=f"bvas-{name}",
        daemon=True,
    )
    with _hidden_main(), _interrupt_blocked():
        process.start()
    # The worker holds the only other end now: when it dies, this end says so.
    worker_pipe.close()
    assert process.pid is not None
    return Worker(name, backend, process, process.pid, pipe)


@contextmanager
def _hidden_main() -> Iterator[None]:
    """Keep a process that is being spawned from running the program's main module again.

    `multiprocessing` imports it in each child, in case the child's work is defined there. Ours is
    not, and the import would cost each worker what the program imports (torch: 1.5 s, 600 MB), and would
    run a script that has no `if __name__ == "__main__"`.
    """
    with _STARTING:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


@contextmanager
def _interrupt_blocked() -> Iterator[None]:
    """Start a process that Ctrl-C does not reach, not even while it still imports."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
