"""The matches of a job, one after the other in this process, or on several devices with a process for each."""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal

import torch

from bvas.commands.children import Line, Outbox, end_processes, how_it_ended, settle_in
from bvas.commands.job_progress import JobProgress
from bvas.errors import BusyError, BvasError
from bvas.predicting.assignments import Assignment
from bvas.predicting.failures import note_failure
from bvas.predicting.match import MatchPredictor
from bvas.predicting.settings import Work, ends_job
from bvas.system.jobs.child_processes import interrupts_held, start_quietly
from bvas.system.log_lines import users_line

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_REPORTS = 0.2
_SECONDS_BETWEEN_LOOKS = 1.0
_MOST_DEATHS = 3


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of one try at a match."""

    how: Literal["made", "finished", "busy", "failed"]
    reason: str = ""


class Job:
    """The matches that are left, and what became of the others."""

    def __init__(
        self, assignments: Sequence[Assignment], progress: JobProgress, *, num_finished: int = 0
    ) -> None:
        self._waiting = list(assignments)
        self._busy: list[tuple[float, Assignment]] = []
        self._told: set[Path] = set()
        self._num_out = 0
        self.progress = progress
        self.counts = {"made": 0, "finished": num_finished, "failed": 0}
        self.failures: dict[str, str] = {}
        """Reason by match."""

    @property
    def is_over(self) -> bool:
        """Whether nothing is left, nor worked on."""
        return not (self._waiting or self._busy or self._num_out)

    @property
    def seconds_to_wait(self) -> float | None:
        """How long until a match that another job works on is looked at again; None where there is no such match."""
        return max(0.0, self._busy[0][0] - time.monotonic()) if self._busy else None

    def take(self, folds: tuple[int, ...] | None = None) -> Assignment | None:
        """Return the next match, one for the models of some folds if there is one; None if none can be had now."""
        if not self._waiting and self._busy and self._busy[0][0] <= time.monotonic():
            self._waiting.append(self._busy.pop(0)[1])
        if not self._waiting:
            return None
        same = (place for place, waiting in enumerate(self._waiting) if waiting.folds == folds)
        self._num_out += 1
        return self._waiting.pop(next(same, 0))

    def upcoming(self, place: int = 0) -> Assignment | None:
        """Return the match that will probably be taken after `place` others."""
        return self._waiting[place] if place < len(self._waiting) else None

    def settle(self, assignment: Assignment, ending: Ending) -> None:
        """Take back what became of a match.

        Raises:
            DataError: the list of failures cannot be written.
        """
        self._num_out -= 1
        if ending.how == "busy":
            if assignment.folder not in self._told:
                logger.info("%s is worked on by another job; it is looked at again later", assignment.name)
                self._told.add(assignment.folder)
            self._busy.append((time.monotonic() + _SECONDS_BETWEEN_LOOKS, assignment))
            return
        self.counts[ending.how] += 1
        is_failed = ending.how == "failed"
        if is_failed:
            self.failures[assignment.name] = ending.reason
            logger.error("%s failed: %s", assignment.name, ending.reason)
        self.progress.settle(str(assignment.folder), failed=is_failed)
        note_failure(assignment.out, assignment.name, ending.reason if is_failed else None)


def run_here(job: Job, work: Work, device: str) -> None:
    """Predict all matches of a job in this process.

    Raises:
        BvasError: something that all matches would fail of: weights, settings, a full disk.
    """
    predictor = MatchPredictor(work, device)
    folds: tuple[int, ...] | None = None
    while not job.is_over:
        assignment = job.take(folds)
        if assignment is None:
            time.sleep(job.seconds_to_wait or 0.0)
            continue
        folds = assignment.folds
        name = str(assignment.folder)
        progress = _Here(job.progress, name)
        job.settle(assignment, _try(predictor, assignment, job.upcoming(), progress))


def run_on_devices(job: Job, work: Work, devices: Sequence[torch.device], num_threads: int) -> None:
    """Predict all matches of a job, each device in a process of its own, which takes one match after the other.

    A process that dies costs the match it was at, and is replaced; whatever ends this ends all of them.

    Args:
        job: The matches.
        work: How they are predicted.
        devices: Where, at least one; a device may be named several times.
        num_threads: Threads of torch in each process.

    Raises:
        BvasError: something that all matches would fail of: weights, settings, a full disk, no device left.
    """
    children = [_Child(device, work, num_threads) for device in devices]
    try:
        while not job.is_over:
            usable = [child for child in children if child.num_deaths < _MOST_DEATHS]
            if not usable:
                raise BvasError(
                    f"no device is left: the processes of {', '.join(sorted({str(d) for d in devices}))} died "
                    f"{_MOST_DEATHS} times in a row each; what they said is above"
                )
            for place, child in enumerate(usable):
                if child.assignment is None and (assignment := job.take(child.folds)) is not None:
                    child.give(assignment, job.upcoming(place))
            at_work = {child.pipe: child for child in usable if child.pipe and child.assignment}
            # Who has nothing to do looks again at the matches that another job works on.
            timeout = job.seconds_to_wait if len(at_work) < len(usable) else None
            for child in [at_work[pipe] for pipe in wait(list(at_work), timeout) if pipe in at_work]:
                ending = child.hear(job.progress)
                if ending is not None:
                    assignment, child.assignment = child.assignment, None
                    assert assignment is not None
                    job.settle(assignment, ending)
    finally:
        with interrupts_held():
            end_processes(child.process for child in children if child.process is not None)


@dataclass(frozen=True, slots=True)
class _Report:
    half: int
    begun_at: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class _Stop:
    reason: str


class _Child:
    """A device with its process, which is there from the first match on."""

    def __init__(self, device: torch.device, work: Work, num_threads: int) -> None:
        self._device = device
        self._work = work
        self._num_threads = num_threads
        self.pipe: Connection | None = None
        self.process: BaseProcess | None = None
        self.assignment: Assignment | None = None
        self.folds: tuple[int, ...] | None = None
        self.num_deaths = 0
        """In a row."""

    def give(self, assignment: Assignment, upcoming: Assignment | None) -> None:
        """Let the process predict a match."""
        if self.pipe is None:
            self._start()
        assert self.pipe is not None
        self.assignment, self.folds = assignment, assignment.folds
        # A process that died meanwhile is noticed where its answer is waited for.
        with suppress(OSError):
            self.pipe.send((assignment, upcoming))

    def hear(self, progress: JobProgress) -> Ending | None:
        """Pass on what the process says; return what became of its match if that is it.

        Raises:
            BvasError: something that all matches would fail of.
        """
        assert self.pipe is not None
        assert self.process is not None
        assert self.assignment is not None
        try:
            message: _Report | Line | _Stop | Ending = self.pipe.recv()
        except (EOFError, OSError):
            self.pipe.close()
            how = how_it_ended(self.process)
            self.pipe = self.process = None
            self.folds = None
            self.num_deaths += 1
            return Ending(
                "failed",
                f"its process {how}; what it said is in the log; if memory ran out, use fewer --devices",
            )
        match message:
            case _Report(half, begun_at, done, total):
                progress.video(str(self.assignment.folder), half, begun_at, done, total)
            case Line(level, text):
                logger.log(level, "%s: %s", self._device, text)
            case _Stop(reason):
                raise BvasError(reason)
            case Ending():
                self.num_deaths = 0
                return message
        return None

    def _start(self) -> None:
        context = get_context("spawn")
        with interrupts_held():
            self.pipe, other = context.Pipe(duplex=True)
            level = logging.getLogger().getEffectiveLevel()
            self.process = context.Process(
                target=_run_device,
                args=(self._work, str(self._device), self._num_threads, level, other),
                name=f"predict-{self._device}",
            )
            start_quietly(self.process)
        # Only the child holds the other end now: its death is an end of file here.
        other.close()


def _run_device(work: Work, device_name: str, num_threads: int, level: int, pipe: Connection) -> None:
    """Run in the child: matches come in, their endings go out."""
    outbox = settle_in(pipe, level=level, num_threads=num_threads, device=torch.device(device_name))
    predictor = MatchPredictor(work, device_name)
    while True:
        try:
            assignment, upcoming = pipe.recv()
        except EOFError:
            return
        try:
            ending = _try(predictor, assignment, upcoming, _There(outbox))
        except (BvasError, OSError) as error:
            outbox.send(_Stop(_line(error)))
            return
        outbox.send(ending)


def _try(
    predictor: MatchPredictor,
    assignment: Assignment,
    upcoming: Assignment | None,
    progress: "_Here | _There",
) -> Ending:
    try:
        return Ending(predictor.predict(assignment, progress, upcoming))
    except BusyError:
        return Ending("busy")
    except (BvasError, OSError) as error:
        if ends_job(error):
            raise
        return Ending("failed", _line(error))
    except torch.OutOfMemoryError:
        return Ending(
            "failed",
            "the GPU's memory ran out; end what else computes on it, name it once in --devices, or take --device cpu",
        )
    except MemoryError:
        return Ending("failed", "memory ran out; end other programs, or use fewer --devices")


def _line(error: BvasError | OSError) -> str:
    return users_line(error) or str(error)


class _Here:
    """Progress of a match in this process."""

    def __init__(self, progress: JobProgress, name: str) -> None:
        self._progress = progress
        self._name = name

    def __call__(self, half: int, begun_at: int, done: int, total: int) -> None:
        self._progress.video(self._name, half, begun_at, done, total)


class _There:
    """Sends progress to the parent, a few times a second."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._sent = float("-inf")

    def __call__(self, half: int, begun_at: int, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._sent >= _SECONDS_BETWEEN_REPORTS or done == total:
            self._outbox.send(_Report(half, begun_at, done, total))
            self._sent = now
