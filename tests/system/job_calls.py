"""Calls of jobs, in a module of their own so that worker processes can import them."""

import logging
import os
import signal
import time
from pathlib import Path

from bvas.errors import DataError, DecodeError
from bvas.system.jobs.job import Worker

logger = logging.getLogger(__name__)


def add(a: int, b: int, worker: Worker) -> int:
    return a + b


def report(worker: Worker) -> None:
    worker.progress(1, 2, "half-way")
    logger.info("reading rtsp://me:secret@camera/1")
    worker.progress(2, 2)


def fail(text: str, worker: Worker) -> None:
    raise DataError(text)


def fail_to_decode(worker: Worker) -> None:
    raise DecodeError("damaged", path="a.mp4", lost=range(3, 5))


def run_out_of_memory(worker: Worker) -> None:
    raise MemoryError


def divide(worker: Worker) -> float:
    return 1 / 0


def count_up(worker: Worker) -> int:
    worker.kept["count"] = worker.kept.get("count", 0) + 1
    return worker.kept["count"]


def die_once(mark: Path, worker: Worker) -> str:
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def die(worker: Worker) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def meet(folder: Path, name: str, num: int, worker: Worker) -> str:
    """Wait until `num` jobs run at once."""
    (folder / name).touch()
    deadline = time.monotonic() + 60
    while len(list(folder.iterdir())) < num:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return name


def sleep(folder: Path, worker: Worker) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(600)


def whereabouts(worker: Worker) -> tuple[str, int]:
    return worker.device, worker.num_workers


def blocks(number: int, worker: Worker) -> bool:
    return number in signal.pthread_sigmask(signal.SIG_BLOCK, [])
