"""The process that decodes: jobs in, "slots filled" or an error out, over one pipe to the parent.

It imports neither torch nor timm nor kornia for the CPU backends (0.3 s and 60 MB instead
of 1.5 s and 600 MB a process); tests/loading/ holds it to that. It shares no lock with anyone, so that a
worker that is killed takes nothing with it, and it ends when its pipe or its parent does.
"""

import os
import pickle
import signal
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import cv2

from bvas.errors import WorkerError
from bvas.loading.jobs import Failure, ReadAnswer, Ready
from bvas.loading.readers import Readers
from bvas.loading.shared import SharedFrames
from bvas.processes import end_with_parent

_MAX_ANSWER_BYTES = 16_000
"""What surely goes through a pipe at once: half an answer of a stopped worker would hold the parent up."""


def run_worker(
    pipe: Connection, frames: SharedFrames, backend: str, max_open: int, gpu: str, cache_home: Path | None
) -> None:
    """Do jobs until the pipe closes or says None: the target of a spawned process."""
    end_with_parent()
    # Ctrl-C reaches every process of the terminal; the parent decides what it means and closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if cache_home is not None:
        os.environ["BVAS_HOME"] = str(cache_home)
    # A worker is one core's work; resizing with a pool of threads would take the cores of the others.
    cv2.setNumThreads(1)
    readers = Readers(backend, frames.clip_shape[1:], max_open=max_open, gpu=gpu)
    try:
        pipe.send(Ready())
        while (job := pipe.recv()) is not None:
            answer = readers.read(job, [frames.slot(slot) for slot in job.slots])
            pipe.send(_sendable(answer))
    except (EOFError, OSError):
        # The parent is gone, and with it all reason to go on.
        return
    finally:
        readers.close()


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
