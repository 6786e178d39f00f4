"""Worker process: read jobs in, results out, over one pipe to the parent.

For the CPU backends it imports neither torch nor timm nor kornia: 0.3 s and 60 MB instead of 1.5 s and 600 MB a
process. It shares no lock with other processes, so that killing it blocks none. It ends with its pipe or its parent.
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
from bvas.loading.device_slots import AttachedFrames
from bvas.loading.open_videos import OpenVideos
from bvas.loading.read_jobs import Failure, ReadJob, ReadResult, Ready
from bvas.loading.shared_slots import SharedFrames
from bvas.system.jobs.child_processes import end_with_parent
from bvas.values.input_format import InputFormat

_MAX_ANSWER_BYTES = 16_000
"""Size that a pipe takes at once: half a result of a stopped worker would block the parent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """Settings of every worker of a pool."""

    frames: SharedFrames
    """Slots in host memory."""
    form: InputFormat | None = None
    """Form that frames are brought to; None: gray, of the slots' size."""
    device_frames: AttachedFrames | None = None
    """Slots on the GPU, for `nvdec`; None sends its frames through host memory."""
    gpu: str = "cuda"
    """The device that `nvdec` decodes on."""
    cache_home: Path | None = None
    """Cache folder for video indices; None: the user's own."""

    def of(self, backend: str) -> "WorkerSettings":
        """Return the settings for one backend: only `nvdec` gets memory on the GPU."""
        return self if backend == "nvdec" else replace(self, device_frames=None)


def run_worker(pipe: Connection, backend: str, settings: WorkerSettings) -> None:
    """Do jobs until the pipe closes or says None: the target of a spawned process."""
    end_with_parent()
    # Ctrl-C reaches every process of the terminal; the parent decides, and closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if settings.cache_home is not None:
        os.environ["BVAS_HOME"] = str(settings.cache_home)
    # One core a worker: OpenCV's own threads would take the cores of other workers.
    cv2.setNumThreads(1)
    videos = OpenVideos(backend, settings.form or settings.frames.frame_size, gpu=settings.gpu)
    try:
        pipe.send(Ready())
        while (job := pipe.recv()) is not None:
            pipe.send(_sendable(do_job(job, videos, settings)))
    except (EOFError, OSError):
        # The parent has ended.
        return
    finally:
        videos.close()


def do_job(job: ReadJob, videos: OpenVideos, settings: WorkerSettings) -> ReadResult:
    """Read a job into its slots, on the device if the settings name some there."""
    device_frames = settings.device_frames
    if device_frames is None:
        return videos.read(job, [settings.frames.slot(slot) for slot in job.slots])
    try:
        slots = [device_frames.slot(slot) for slot in job.slots]
    except DataError as error:
        # Another backend gets the job; each such move is logged and counted.
        return ReadResult(job.job_id, Failure(error, "unread", traceback.format_exc()))
    result = videos.read(job, slots)
    # The parent reads the slots on streams of its own, which do not wait for ours.
    device_frames.complete()
    return replace(result, on_device=True)


def _sendable(result: ReadResult) -> ReadResult:
    """Return the result with an error that can be pickled and is short enough for the pipe."""
    if result.failure is None:
        return result
    error, kind, trace = result.failure.error, result.failure.kind, result.failure.trace[-4000:]
    try:
        if len(pickle.dumps(error)) > _MAX_ANSWER_BYTES // 2:
            raise ValueError("too long to be sent")
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001  (an error of a library may fail in any way when it is rebuilt)
        error = WorkerError(f"{type(error).__name__}: {str(error)[:2000]}")
    return replace(result, failure=Failure(error, kind, trace))
