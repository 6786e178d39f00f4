"""Several folds at once, each in a process of its own that never outlives this one."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Protocol

import torch

from bvas.commands.children import Line, Outbox, end_processes, how_it_ended, settle_in
from bvas.commands.console import Progress, users_line
from bvas.errors import BvasError
from bvas.system.child_processes import interrupts_held, start_quietly
from bvas.training.distributed import World

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_REPORTS = 0.2


class FoldWork(Protocol):
    """Trains one fold; travels to its process pickled. `run_fold` with everything else given is one."""

    def __call__(self, *, fold: int, device: torch.device, world: World, progress: Progress | None) -> object:
        """Train a fold; what is returned does not matter."""
        ...


Bars = Callable[[int, int], AbstractContextManager[Progress]]
"""Takes the place of a job's line, from 0, and its fold."""


@dataclass(frozen=True, slots=True)
class _Report:
    done: int
    total: int
    note: str


@dataclass(frozen=True, slots=True)
class _End:
    failure: str | None


@dataclass(frozen=True, slots=True)
class _Job:
    fold: int
    place: int
    process: BaseProcess
    progress: Progress
    closing: ExitStack


def train_folds(
    folds: Sequence[int],
    work: FoldWork,
    *,
    jobs: int,
    devices: Sequence[torch.device],
    num_threads: int,
    bars: Bars,
) -> dict[int, str]:
    """Train folds, `jobs` at a time, and return why those that failed did; one that fails does not stop the others.

    Whatever ends this, Ctrl-C or a kill included, ends all of them.

    Args:
        folds: In the order in which they are begun.
        work: Trains one of them.
        jobs: Folds at a time, at least 1.
        devices: Where the first job, the second and so on compute; from the first again where they are fewer.
        num_threads: Threads of torch in each.
        bars: Gives each job its progress line.
    """
    waiting = list(folds)
    running: dict[Connection, _Job] = {}
    failures: dict[int, str] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                fold = waiting.pop(0)
                place = min(set(range(jobs)) - {job.place for job in running.values()})
                device = devices[place % len(devices)]
                with interrupts_held():
                    inbox, process = _start((work, fold, str(device), num_threads, jobs))
                    closing = ExitStack()
                    progress = closing.enter_context(bars(place, fold))
                    running[inbox] = _Job(fold, place, process, progress, closing)
            ready = wait(list(running))
            for inbox in [inbox for inbox in running if inbox in ready]:
                job = running[inbox]
                end = _receive(inbox, job)
                if end is None:
                    continue
                del running[inbox]
                inbox.close()
                job.process.join()
                job.closing.close()
                if end.failure is not None:
                    failures[job.fold] = end.failure
                    logger.error("fold %d failed: %s", job.fold, end.failure)
    finally:
        with interrupts_held():
            _end(running)
    return dict(sorted(failures.items()))


def _start(arguments: tuple[FoldWork, int, str, int, int]) -> tuple[Connection, BaseProcess]:
    context = get_context("spawn")
    inbox, outbox = context.Pipe(duplex=False)
    level = logging.getLogger().getEffectiveLevel()
    # No daemon: those may not have children, and the loader's workers are some.
    process = context.Process(target=_run_job, args=(*arguments, level, outbox), name=f"fold-{arguments[1]}")
    start_quietly(process)
    # Only the child holds the other end now: its death is an end of file here.
    outbox.close()
    return inbox, process


def _receive(inbox: Connection, job: _Job) -> _End | None:
    """Pass on what a job says; return its end if that is it."""
    try:
        message: _Report | Line | _End = inbox.recv()
    except EOFError:
        how = how_it_ended(job.process)
        return _End(f"its process {how}; what it said is above; if memory ran out, use fewer --jobs")
    if isinstance(message, _Report):
        job.progress(message.done, message.total, message.note)
        return None
    if isinstance(message, Line):
        logger.log(message.level, "fold %d: %s", job.fold, message.text)
        return None
    return message


def _end(running: dict[Connection, _Job]) -> None:
    end_processes(job.process for job in running.values())
    for inbox, job in running.items():
        inbox.close()
        job.closing.close()


def _run_job(
    work: FoldWork, fold: int, device_name: str, num_threads: int, jobs: int, level: int, pipe: Connection
) -> None:
    """Run in the child, which Ctrl-C does not reach."""
    device = torch.device(device_name)
    outbox = settle_in(pipe, level=level, num_threads=num_threads, device=device)
    world = World.single(device, sharing=jobs)
    try:
        work(fold=fold, device=device, world=world, progress=_Reporter(outbox))
    except (BvasError, OSError) as error:
        failure = users_line(error)
        if failure is None:
            raise
        outbox.send(_End(failure))
    else:
        outbox.send(_End(None))


class _Reporter:
    """Sends progress to the parent, a few times a second."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._sent = float("-inf")

    def __call__(self, done: int, total: int, note: str = "") -> None:
        now = time.monotonic()
        if now - self._sent >= _SECONDS_BETWEEN_REPORTS or done == total:
            self._outbox.send(_Report(done, total, note))
            self._sent = now
