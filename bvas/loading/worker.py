"""The process that decodes: jobs in, "slots filled" or an error out, over one pipe to the parent.

It imports neither torch nor timm nor kornia for the CPU backends (0.3 s and 60 MB instead
of 1.5 s and 600 MB a process); tests/loading/ holds it to that. It shares no lock with anyone, so that a
worker that is killed takes nothing with it, and it ends when its pipe or its parent does.
"""

import os
import pickle
import signal
import traceback
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

import cv2

from bvas.errors import DataError, WorkerError
from bvas.loading.device_slots import DeviceSlots
from bvas.loading.open_videos import Readers
from bvas.loading.read_jobs import Failure, ReadAnswer, ReadJob, Ready
from bvas.loading.shared_slots import SharedFrames
from bvas.system.child_processes import end_with_parent

_MAX_ANSWER_BYTES = 16_000
"""What surely goes through a pipe at once: half an answer of a stopped worker would hold the parent up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What every worker of a pool is told."""

    frames: SharedFrames
    """Where it writes."""
    device_frames: DeviceSlots | None = None
    """Where one writes whose frames are on a GPU already; None sends them through host memory."""
    max_open: int
    """Videos that it keeps open."""
    gpu: str = "cuda"
    """The device that `nvdec` decodes on."""
    cache_home: Path | None = None
    """Folder for indices of videos, in place of the user's own."""

    def of(self, backend: str) -> "WorkerSettings":
        """Return what a worker of one backend is told: only a GPU's is given the memory there."""
        return self if backend == "nvdec" else replace(self, device_frames=None)


def run_worker(pipe: Connection, backend: str, settings: WorkerSettings) -> None:
    """Do jobs until the pipe closes or says None: the target of a spawned process."""
    end_with_parent()
    # Ctrl-C reaches every process of the terminal; the parent decides what it means and closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if settings.cache_home is not None:
        os.environ["BVAS_HOME"] = str(settings.cache_home)
    # A worker is one core's work; resizing with a pool of threads would take the cores of the others.
    cv2.setNumThreads(1)
    size = settings.frames.clip_shape[1:]
    readers = Readers(backend, size, max_open=settings.max_open, gpu=settings.gpu)
    try:
        pipe.send(Ready())
        while (job := pipe.recv()) is not None:
            pipe.send(_sendable(do_job(job, readers, settings)))
    except (EOFError, OSError):
        # The parent is gone, and with it all reason to go on.
        return
    finally:
        readers.close()


def do_job(job: ReadJob, readers: Readers, settings: WorkerSettings) -> ReadAnswer:
    """Read a job into its slots, on the device where there are some."""
    device_frames = settings.device_frames
    if device_frames is None:
        return readers.read(job, [settings.frames.slot(slot) for slot in job.slots])
    try:
        slots = [device_frames.slot(slot) for slot in job.slots]
    except DataError as error:
        # Another backend does it; that this one cannot is said for each job, and counted.
        return ReadAnswer(job.job_id, Failure(error, "unread", traceback.format_exc()))
    answer = readers.read(job, slots)
    # The parent reads the slots on streams of its own, which know nothing of ours.
    device_frames.complete()
    return replace(answer, on_device=True)


def _sendable(answer: ReadAnswer) -> ReadAnswer:
    """Return the answer with an error that survives the way to the parent."""
    if answer.failure is None:
        return answer
    error, kind, trace = answer.failure.error, answer.failure.kind, answer.failure.trace[-4000:]
    try:
        if len(pickle.dumps(error)) > _MAX_ANSWER_BYTES // 2:
            raise ValueError("too long to be sent")
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001  (an error of a library may fail in any way when it is rebuilt)
        error = WorkerError(f"{type(error).__name__}: {str(error)[:2000]}")
    return replace(answer, failure=Failure(error, kind, trace))
