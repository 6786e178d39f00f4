"""Slots of an epoch's clips, and the jobs that fill them.

A clip gets a slot when its job is queued, in the order of reading. It gives the slot back when it was copied out.

An epoch may end while a worker still writes to the slots of a job. These slots are free when the job's result comes,
or when the job is taken back from the queue, to which it returned when its worker died.
"""

import contextlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bvas.errors import DecodeError, WorkerError
from bvas.loading.epoch_order import EpochOrder
from bvas.loading.read_jobs import Clip, Failure, ReadJob
from bvas.loading.runner_start import JobRunner
from bvas.loading.skip_policy import MAX_ATTEMPTS, SkipPolicy

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Run:
    """An epoch under way."""

    order: EpochOrder
    num_clips: int
    num_skipped: int = 0
    next_job: ReadJob | None = None
    """The first job without slots."""
    clips: dict[int, Clip] = field(default_factory=dict)
    """Clips with a slot, by sample."""


class SlotFiller:
    """Has the clips of one epoch at a time read into slots."""

    def __init__(
        self,
        runner: JobRunner,
        num_slots: int,
        policy: SkipPolicy,
        *,
        first_slot: int = 0,
        idle: bool = False,
    ) -> None:
        """Begin with all slots free.

        Args:
            runner: Does the jobs.
            num_slots: Enough for a batch, for what may be read before it, and for one job more.
            policy: Decides about damage.
            first_slot: Number of the first slot; lower ones belong to another filler.
            idle: Jobs wait until the runner has no others, which are those of another filler.
        """
        self.num_skipped = 0
        """Clips skipped so far, in all epochs."""
        self._runner = runner
        self._policy = policy
        self._idle = idle
        self._free = list(range(first_slot, first_slot + num_slots))
        self._jobs: dict[int, tuple[_Run | None, ReadJob]] = {}
        self._run: _Run | None = None

    def admit(self, paths: Iterable[Path]) -> None:
        """Have each video opened once, before a clip of any is read.

        Raises:
            DecodeError: no worker reads one of them.
        """
        self._submit(None, [ReadJob(path) for path in dict.fromkeys(paths)])
        try:
            while any(run is None and not job.clips for run, job in self._jobs.values()):
                self._take_result()
        except BaseException:
            self.abandon()
            raise

    def begin(self, order: EpochOrder, num_clips: int) -> None:
        """Start reading an epoch."""
        self.abandon()
        self._run = _Run(order, num_clips)
        self.fill()

    def fill(self) -> None:
        """Queue the jobs that free slots suffice for."""
        run = self._run
        assert run is not None
        while True:
            run.next_job = job = run.next_job or next(run.order.jobs, None)
            if job is None or len(job.clips) > len(self._free):
                return
            run.next_job = None
            for clip in job.clips:
                clip.slot = self._free.pop()
                run.clips[clip.sample] = clip
            self._submit(run, [job])

    def wait_for(self, samples: Sequence[int]) -> list[Clip]:
        """Return these clips of the epoch when all are read, without the skipped ones.

        Raises:
            DecodeError, WorkerError: a clip cannot be read, and the epoch is over.
        """
        run = self._run
        assert run is not None
        while any(sample not in run.clips or not run.clips[sample].is_done for sample in samples):
            self._take_result()
            self.fill()
        return [run.clips[sample] for sample in samples if not run.clips[sample].is_lost]

    def has(self, samples: Sequence[int]) -> bool:
        """Return whether these clips are read, without waiting; takes in all results that are there.

        Raises:
            DecodeError, WorkerError: as `wait_for`.
        """
        run = self._run
        assert run is not None
        while self._runner.has_result(idle=self._idle):
            self._take_result()
            self.fill()
        return all(sample in run.clips and run.clips[sample].is_done for sample in samples)

    def release(self, samples: Sequence[int]) -> None:
        """Free the slots of these clips, which were copied out."""
        assert self._run is not None
        self._free.extend(self._run.clips.pop(sample).slot for sample in samples)
        self.fill()

    def abandon(self) -> None:
        """End the running epoch: jobs that no worker has begun are taken back, results of the others come later."""
        for job in self._runner.cancel(idle=self._idle):
            run, _ = self._jobs.pop(job.job_id)
            if run is not self._run:
                # The job was under way when its epoch ended, and returned to the queue when its worker died.
                self._free.extend(job.slots)
        if self._run is not None:
            busy = {slot for _, job in self._jobs.values() for slot in job.slots}
            self._free.extend(clip.slot for clip in self._run.clips.values() if clip.slot not in busy)
            self._run = None

    def close(self) -> None:
        """End the running epoch and wait for the jobs under way, so that others may use slots and runner."""
        self.abandon()
        # A closed pool writes to no slot any more.
        with contextlib.suppress(WorkerError):
            while self._jobs:
                self._jobs.pop(self._runner.next_result(idle=self._idle).job_id)

    def _submit(self, run: _Run | None, jobs: Sequence[ReadJob], *, first: bool = False) -> None:
        if self._idle:
            jobs = [replace(job, is_idle=True) for job in jobs]
        self._runner.submit(jobs, first=first)
        self._jobs |= {job.job_id: (run, job) for job in jobs}

    def _take_result(self) -> None:
        assert self._jobs, "a batch waits for clips, and no slot is left to read them into"
        result = self._runner.next_result(idle=self._idle)
        run, job = self._jobs.pop(result.job_id)
        if run is not self._run:
            self._free.extend(job.slots)
        elif result.failure is not None:
            self._fail(run, job, result.failure)
        else:
            for clip in job.clips:
                clip.is_done = True
                clip.on_device = result.on_device

    def _fail(self, run: _Run | None, job: ReadJob, failure: Failure) -> None:
        error = failure.error
        if run is not None and failure.kind == "damaged" and isinstance(error, DecodeError):
            if len(job.clips) > 1:
                # Reading them one by one finds the damaged ones.
                self._submit(run, [run.order.job_of(clip) for clip in job.clips], first=True)
                return
            if self._policy.on_error == "skip":
                self._skip(run, job, error)
                return
        error.add_note(job.note())
        if failure.kind == "error" and failure.trace:
            error.add_note(failure.trace)
        raise error

    def _skip(self, run: _Run, job: ReadJob, error: DecodeError) -> None:
        (clip,) = job.clips
        run.num_skipped += 1
        self.num_skipped += 1
        logger.warning("skipped the clip at frame %d of %s: %s", clip.request.center, error.path, error)
        self._policy.check(run.num_skipped, run.num_clips, error)
        if clip.attempt >= MAX_ATTEMPTS:
            error.add_note(f"{MAX_ATTEMPTS} draws of this sample were damaged; are the videos complete?")
            raise error
        if run.order.redraw(clip):
            self._submit(run, [run.order.job_of(clip)], first=True)
        else:
            clip.is_done = clip.is_lost = True
