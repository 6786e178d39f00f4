"""The process that decodes: jobs in, "slots filled" or an error out, over one pipe to the parent.

It imports neither torch nor timm nor kornia for the CPU backends (0.3 s and 60 MB instead
of 1.5 s and 600 MB a process); tests/loading/ holds it to that. It shares no lock with anyone, so that a
worker that is killed takes nothing with it, and it ends when its pipe does.
"""

import pickle
import signal
from multiprocessing.connection import Connection

import cv2

from bvas.errors import WorkerError
from bvas.loading.jobs import Failure, ReadAnswer
from bvas.loading.readers import Readers
from bvas.loading.shared import SharedFrames


def run_worker(pipe: Connection, frames: SharedFrames, backend: str, max_open: int, gpu: str) -> None:
    """Do jobs until the pipe closes or says None: the target of a spawned process."""
    # Ctrl-C reaches every process of the terminal; the parent decides what it means and closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A worker is one core's work; resizing with a pool of threads would take the cores of the others.
    cv2.setNumThreads(1)
    readers = Readers(backend, frames.clip_shape[1:], max_open=max_open, gpu=gpu)
    try:
        while (job := pipe.recv()) is not None:
            answer = readers.read(job, frames.slots(job.first_slot, job.num_clips))
            pipe.send(_picklable(answer))
    except (EOFError, OSError):
        # The parent is gone, and with it all reason to go on.
        return
    finally:
        readers.close()


def _picklable(answer: ReadAnswer) -> ReadAnswer:
    """Return the answer with an error that survives the way to the parent."""
    if answer.failure is None:
        return answer
    error = answer.failure.error
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001  (an error of a library may fail in any way when it is rebuilt)
        stand_in = WorkerError(f"{type(error).__name__}: {error}")
        return ReadAnswer(answer.job_id, Failure(stand_in, answer.failure.refused, answer.failure.trace))
    return answer
