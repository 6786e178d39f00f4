"""Slots, and the jobs that fill them in the order of an epoch.

A clip gets a slot when its job is queued, in the order of reading, and gives it back when it was copied out.
The slots of a job that is under way when its epoch ends are free when the job is over: until
then a worker may write to them, or when it is taken back from the queue, to which a worker's death returns it.
"""

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

import numpy as np

from bvas.errors import DecodeError, WorkerError
from bvas.loading.epoch_order import Clip, EpochOrder, Part
from bvas.loading.labelled_video import LabelledVideo
from bvas.loading.read_jobs import Failure, ReadAnswer, ReadJob
from bvas.loading.skip_policy import MAX_ATTEMPTS, SkipPolicy

logger = logging.getLogger(__name__)

# Of all fillers of this process: two of them may share the workers.
_JOB_IDS = count(1)


class Reader(Protocol):
    """Who does jobs: `WorkerPool`, or `LocalReader` in this process."""

    def submit(self, jobs: Sequence[ReadJob], *, first: bool = False) -> None:
        """Queue jobs behind the others, or with `first` before them."""
        ...

    def has_answer(self) -> bool:
        """Return whether `next_answer` need not wait."""
        ...

    def next_answer(self) -> ReadAnswer:
        """Wait for the next job to be over."""
        ...

    def cancel(self) -> list[ReadJob]:
        """Take back the jobs that nobody has begun; the others will still be answered."""
        ...


@dataclass(slots=True, eq=False)
class _Run:
    """An epoch that is under way."""

    order: EpochOrder
    num_clips: int
    num_skipped: int = 0
    next_part: Part | None = None
    """The first that has no slots yet."""
    clips: dict[int, Clip] = field(default_factory=dict)
    """By sample, those that have a slot."""


class SlotFiller:
    """Has the clips of one epoch at a time read into slots."""

    def __init__(
        self,
        reader: Reader,
        num_slots: int,
        videos: Sequence[LabelledVideo],
        policy: SkipPolicy,
        *,
        first_slot: int = 0,
    ) -> None:
        """Begin with all slots free.

        Args:
            reader: Who reads.
            num_slots: Enough for a batch, for what may be read before it, and for one job more.
            videos: Where the clips are from.
            policy: What to do about damage.
            first_slot: Number of the first slot; those before are another's.
        """
        self.num_skipped = 0
        """Clips passed over so far, in all epochs."""
        self._reader = reader
        self._videos = videos
        self._policy = policy
        self._free = list(range(first_slot, first_slot + num_slots))
        self._jobs: dict[int, tuple[_Run | None, list[Clip], ReadJob]] = {}
        self._run: _Run | None = None

    def admit(self) -> None:
        """Have each video opened once, before a clip of any is read.

        Raises:
            DecodeError: none of the workers reads one of them.
        """
        for path in dict.fromkeys(video.path for video in self._videos):
            self._submit(None, [ReadJob(next(_JOB_IDS), path, (), (), np.empty(0, dtype=np.int64))], [[]])
        try:
            while any(run is None and not job.num_clips for run, _, job in self._jobs.values()):
                self._take_answer()
        except BaseException:
            self.abandon()
            raise

    def begin(self, order: EpochOrder, num_clips: int) -> None:
        """Start reading an epoch."""
        self.abandon()
        self._run = _Run(order, num_clips)
        self.fill()

    def fill(self) -> None:
        """Queue what there are free slots for."""
        run = self._run
        assert run is not None
        while True:
            run.next_part = part = run.next_part or next(run.order.parts, None)
            if part is None or len(part.clips) > len(self._free):
                return
            run.next_part = None
            for clip in part.clips:
                clip.slot = self._free.pop()
                run.clips[clip.sample] = clip
            self._submit(run, [self._job_of(part)], [part.clips])

    def wait_for(self, samples: Sequence[int]) -> list[Clip]:
        """Return these clips of the epoch when all are read; without those that were passed over.

        Raises:
            DecodeError, WorkerError: a clip cannot be read, and the epoch is over.
        """
        run = self._run
        assert run is not None
        while any(sample not in run.clips or not run.clips[sample].is_done for sample in samples):
            self._take_answer()
            self.fill()
        return [run.clips[sample] for sample in samples if not run.clips[sample].is_lost]

    def has(self, samples: Sequence[int]) -> bool:
        """Return whether these clips are read, without waiting for them; takes note of all that was read so far.

        Raises:
            DecodeError, WorkerError: as `wait_for`.
        """
        run = self._run
        assert run is not None
        while self._reader.has_answer():
            self._take_answer()
            self.fill()
        return all(sample in run.clips and run.clips[sample].is_done for sample in samples)

    def release(self, samples: Sequence[int]) -> None:
        """Give the slots of these clips to others: they were copied out."""
        assert self._run is not None
        self._free.extend(self._run.clips.pop(sample).slot for sample in samples)
        self.fill()

    def abandon(self) -> None:
        """End the running epoch: what nobody has begun is taken back, the rest is awaited later."""
        for job in self._reader.cancel():
            run, _, _ = self._jobs.pop(job.job_id)
            if run is not self._run:
                # It was under way when its epoch ended, and came back to the queue when its worker died.
                self._free.extend(job.slots)
        if self._run is not None:
            busy = {slot for _, _, job in self._jobs.values() for slot in job.slots}
            self._free.extend(clip.slot for clip in self._run.clips.values() if clip.slot not in busy)
            self._run = None

    def close(self) -> None:
        """End the running epoch and wait for what is under way: its slots and answers are then nobody's."""
        self.abandon()
        # A pool that is closed writes to no slot any more.
        with contextlib.suppress(WorkerError):
            while self._jobs:
                self._jobs.pop(self._reader.next_answer().job_id)

    def _job_of(self, part: Part) -> ReadJob:
        return ReadJob(
            job_id=next(_JOB_IDS),
            path=self._videos[part.clips[0].request.video_id].path,
            slots=tuple(clip.slot for clip in part.clips),
            centers=tuple(clip.request.center for clip in part.clips),
            indices=np.concatenate([clip.request.indices for clip in part.clips]),
            chain=part.chain,
            keep=part.keep,
        )

    def _submit(
        self, run: _Run | None, jobs: Sequence[ReadJob], clips: Sequence[list[Clip]], *, first: bool = False
    ) -> None:
        self._jobs |= {job.job_id: (run, its, job) for job, its in zip(jobs, clips, strict=True)}
        try:
            self._reader.submit(jobs, first=first)
        except BaseException:
            for job in jobs:
                del self._jobs[job.job_id]
            raise

    def _take_answer(self) -> None:
        assert self._jobs, "a batch waits for clips, and there is no slot left to read them into"
        answer = self._reader.next_answer()
        run, clips, job = self._jobs.pop(answer.job_id)
        if run is not self._run:
            self._free.extend(job.slots)
        elif answer.failure is not None:
            self._fail(run, clips, job, answer.failure)
        else:
            for clip in clips:
                clip.is_done = True
                clip.on_device = answer.on_device

    def _fail(self, run: _Run | None, clips: list[Clip], job: ReadJob, failure: Failure) -> None:
        error = failure.error
        if run is not None and failure.kind == "damaged" and isinstance(error, DecodeError):
            if job.num_clips > 1:
                # Which of the clips it was is found by reading them one by one.
                self._read_again(run, clips)
                return
            if self._policy.skips_damage:
                self._skip(run, clips[0], error)
                return
        error.add_note(job.note())
        if failure.kind == "error" and failure.trace:
            error.add_note(failure.trace)
        raise error

    def _skip(self, run: _Run, clip: Clip, error: DecodeError) -> None:
        run.num_skipped += 1
        self.num_skipped += 1
        logger.warning("skipped the clip at frame %d of %s: %s", clip.request.center, error.path, error)
        self._policy.check(run.num_skipped, run.num_clips, error)
        if clip.attempt >= MAX_ATTEMPTS:
            error.add_note(f"{MAX_ATTEMPTS} draws of this sample were damaged; are the videos complete?")
            raise error
        if run.order.redraw(clip):
            self._read_again(run, [clip])
        else:
            clip.is_done = clip.is_lost = True

    def _read_again(self, run: _Run, clips: list[Clip]) -> None:
        """Read clips into the slots that they have, each by itself and before all others."""
        nothing = np.empty(0, dtype=np.int64)
        jobs = [self._job_of(Part([clip], None, nothing)) for clip in clips]
        self._submit(run, jobs, [[clip] for clip in clips], first=True)
