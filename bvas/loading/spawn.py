"""How a worker process is started, and what the parent knows of it."""

from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from bvas.loading.jobs import ReadJob
from bvas.loading.shared import SharedFrames
from bvas.loading.worker import run_worker
from bvas.processes import start_quietly


@dataclass(slots=True, eq=False)
class Worker:
    """A running process, the parent's end of its pipe, and what it is doing."""

    name: str
    backend: str
    process: SpawnProcess
    process_id: int
    pipe: Connection
    job: ReadJob | None = None
    """What it was given and has not answered."""
    deadline: float = 0.0
    """On `time.monotonic`, for `job`."""
    num_clips: int = 0
    """Clips delivered."""


def start_worker(name: str, backend: str, frames: SharedFrames, max_open: int, gpu: str) -> Worker:
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
    start_quietly(process)
    # The worker holds the only other end now: when it dies, this end says so.
    worker_pipe.close()
    assert process.pid is not None
    return Worker(name, backend, process, process.pid, pipe)
