"""`ClipLoader`: the clips of an epoch, decoded by worker processes, as batches on the device.

    clips.request(i) ──▶ jobs ──▶ WorkerPool | LocalReader ──▶ shared slots ──▶ BatchMaker ──▶ ClipBatch

A block of B neighboring slots takes one batch. There are `prefetch_batches` blocks, and a
block that is handed out is at once filled for a later batch: this bounds both what is decoded ahead and
the memory. Clips land in the slot of their sample, so their order is settled before any of them is read.
"""

import logging
import time
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Literal, Self

import numpy as np
import torch

from bvas.errors import ConfigError, DecodeError
from bvas.loading.batch import BatchMaker, ClipBatch
from bvas.loading.jobs import Failure, ReadJob
from bvas.loading.local import LocalReader
from bvas.loading.mix import choose_workers
from bvas.loading.pool import WorkerPool
from bvas.loading.requests import ClipRequest, Clips
from bvas.loading.shared import SharedFrames
from bvas.loading.stats import LoaderStats

logger = logging.getLogger(__name__)

_MAX_ATTEMPTS = 20
"""Draws of one sample that may be damaged before `on_damage="skip"` gives up."""


@dataclass(slots=True, eq=False)
class _Clip:
    """A clip that is being read into a slot."""

    sample: int
    request: ClipRequest
    attempt: int = 0


@dataclass(slots=True, eq=False)
class _Batch:
    """A batch that is being read into a block."""

    block: int
    clips: dict[int, _Clip]
    """By slot; a clip that is passed over leaves."""
    open_jobs: int = 0
    abandoned: bool = False


class ClipLoader:
    """Loads clips batch by batch: for the same seed the same batches, whatever decodes them.

    Use it as a context manager, or call `close`; a loader that is dropped closes itself. Workers live as
    long as the loader. The program's main module is not run again in them, so a script needs
    no `if __name__ == "__main__"`.

    Damage, with `on_damage="skip"`: a clip with frames that the decoder does not output is replaced
    by the next draw of the same sample's stream, which is again the same for the same seed. Clips that
    are not drawn (`FixedClips`) have no next draw: their batch is smaller by one. Each is logged and
    counted. A file that no backend reads at all is an error under either policy. Frames that a decoder
    outputs after an error that it reported are delivered; the worker warns of them once for each opening.
    """

    def __init__(
        self,
        clips: Clips,
        batch_size: int,
        *,
        size: tuple[int, int],
        workers: Mapping[str, int] | Literal["auto", 0] = "auto",
        device: torch.device | str = "cpu",
        seed: int = 0,
        prefetch_batches: int = 2,
        on_damage: Literal["raise", "skip"] = "raise",
        timeout_seconds: float = 120.0,
        max_open_videos: int = 8,
    ) -> None:
        """Start the workers.

        Args:
            clips: What an epoch holds.
            batch_size: Clips in a batch (B); the last of an epoch may be smaller.
            size: (H, W) that frames are fitted into.
            workers: Processes for each backend, e.g. {"nvdec": 3, "opencv": 1}; "auto" picks by the
                machine and logs what it picked; {} or 0 reads in this process.
            device: Where frames and targets go.
            seed: From 0 up; with the epoch and the sample it determines every draw.
            prefetch_batches: Batches that are read ahead; each takes B * T * H * W bytes of shared memory.
                A batch of `FixedClips` is one worker's work, so fewer than there are workers leave some idle.
            on_damage: What to do about frames that cannot be decoded.
            timeout_seconds: Longest time that one answer of a worker may take.
            max_open_videos: Videos that each worker keeps open.

        Raises:
            ConfigError: a value breaks a rule.
            DataError: there is too little shared memory.
        """
        _check(batch_size, size, seed, prefetch_batches, on_damage, timeout_seconds, max_open_videos)
        self.clips = clips
        self.batch_size = batch_size
        self._seed = seed
        self._on_damage = on_damage
        num_slots = batch_size * prefetch_batches
        self.workers = choose_workers(workers, num_slots)
        self._frames = SharedFrames(num_slots, (clips.clip.num_frames, *size))
        target = torch.device(device)
        self._maker = BatchMaker(target, (batch_size, clips.clip.num_frames, *size))
        self._reader: WorkerPool | LocalReader
        if self.workers:
            self._reader = WorkerPool(
                self.workers,
                self._frames,
                timeout_seconds=timeout_seconds,
                max_open=max_open_videos,
                gpu=str(target) if target.type == "cuda" else "cuda",
            )
        else:
            self._reader = LocalReader(self._frames, max_open=max_open_videos)
        # Runs when the loader is dropped or the program ends, whatever comes first.
        self._finalizer = weakref.finalize(self, self._reader.close)
        self._free_blocks = deque(range(prefetch_batches))
        self._jobs: dict[int, tuple[_Batch, ReadJob]] = {}
        self._next_job_id = 0
        self._batches: deque[_Batch] = deque()
        self._epoch: int | None = None
        self._run: object = None
        self._stats = LoaderStats()

    @property
    def num_batches(self) -> int:
        """Batches in an epoch."""
        return -(-self.clips.num_clips // self.batch_size)

    @property
    def stats(self) -> LoaderStats:
        """What was done so far, a copy."""
        return replace(self._stats, clips_per_worker=self._reader.clips_per_worker)

    @property
    def process_ids(self) -> dict[str, int]:
        """Process id of each worker, for monitoring."""
        return self._reader.process_ids

    def epoch(self, epoch: int) -> Iterator[ClipBatch]:
        """Return the batches of an epoch, in order.

        One epoch runs at a time: starting another, or leaving the loop, ends this one.

        Raises:
            DecodeError: a clip cannot be decoded; the loader can go on with another epoch.
            WorkerError: a worker died or gave no answer in time; the loader is closed.
            ConfigError: `epoch` is below 0.
        """
        if epoch < 0:
            raise ConfigError(f"epoch must be at least 0, got {epoch}")
        self._abandon()
        self._run = run = object()
        return self._deliver(epoch, run)

    def close(self) -> None:
        """End the workers. Batches that were handed out stay; may be called twice."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _deliver(self, epoch: int, run: object) -> Iterator[ClipBatch]:
        before = self.stats
        starts = deque(range(0, self.clips.num_clips, self.batch_size))
        try:
            while starts or self._batches:
                if self._run is not run:
                    raise RuntimeError(
                        f"epoch {epoch} ended when another was started; iterate over one at a time"
                    )
                started = time.perf_counter()
                self._start_batches(epoch, starts)
                while not self._batches or self._batches[0].open_jobs:
                    self._take_answer(epoch)
                    self._start_batches(epoch, starts)
                batch = self._collect(self._batches.popleft())
                # The block is free again: its next batch is read while the caller works on this one.
                self._start_batches(epoch, starts)
                self._stats.waiting_seconds += time.perf_counter() - started
                if batch is not None:
                    self._stats.clips += len(batch)
                    self._stats.frames += len(batch) * self.clips.clip.num_frames
                    yield batch
            logger.info("epoch %d: %s", epoch, self.stats.since(before))
        finally:
            if self._run is run:
                self._abandon()

    def _start_batches(self, epoch: int, starts: deque[int]) -> None:
        while self._free_blocks and starts:
            start = starts.popleft()
            samples = range(start, min(start + self.batch_size, self.clips.num_clips))
            first_slot = self._free_blocks.popleft() * self.batch_size
            batch = _Batch(first_slot // self.batch_size, {})
            for slot, sample in enumerate(samples, first_slot):
                request = self.clips.request(sample, epoch=epoch, seed=self._seed)
                assert request is not None, "a first attempt always has a clip"
                batch.clips[slot] = _Clip(sample, request)
            self._batches.append(batch)
            self._submit(batch, self._passes(batch))

    def _passes(self, batch: _Batch) -> list[list[int]]:
        """Group the batch's slots into what is decoded in one pass."""
        passes: list[list[int]] = []
        for slot, clip in batch.clips.items():
            before = batch.clips[passes[-1][-1]].request if passes else None
            if before is not None and self.clips.sequential and before.video_id == clip.request.video_id:
                passes[-1].append(slot)
            else:
                passes.append([slot])
        return passes

    def _submit(self, batch: _Batch, passes: list[list[int]], *, first: bool = False) -> None:
        jobs = []
        for slots in passes:
            requests = [batch.clips[slot].request for slot in slots]
            job = ReadJob(
                job_id=self._next_job_id,
                path=self.clips.videos[requests[0].video_id].path,
                first_slot=slots[0],
                centers=tuple(request.center for request in requests),
                indices=np.concatenate([request.indices for request in requests]),
            )
            self._next_job_id += 1
            self._jobs[job.job_id] = batch, job
            jobs.append(job)
        batch.open_jobs += len(jobs)
        self._reader.submit(jobs, first=first)

    def _take_answer(self, epoch: int) -> None:
        answer = self._reader.next_answer()
        batch, job = self._jobs.pop(answer.job_id)
        batch.open_jobs -= 1
        if batch.abandoned:
            if not batch.open_jobs:
                self._free_blocks.append(batch.block)
        elif answer.failure is not None:
            self._fail(epoch, batch, job, answer.failure)

    def _fail(self, epoch: int, batch: _Batch, job: ReadJob, failure: Failure) -> None:
        error = failure.error
        damaged = isinstance(error, DecodeError) and not failure.refused
        if damaged and job.num_clips > 1:
            # Which of the clips it was is found by reading them one by one.
            slots = range(job.first_slot, job.first_slot + job.num_clips)
            self._submit(batch, [[slot] for slot in slots], first=True)
            return
        slot = job.first_slot
        clip = batch.clips[slot]
        if damaged and self._on_damage == "skip" and clip.attempt < _MAX_ATTEMPTS:
            self._stats.skips += 1
            logger.warning("skipped the clip at frame %d of %s: %s", job.centers[0], job.path, error)
            clip.attempt += 1
            request = self.clips.request(clip.sample, epoch=epoch, seed=self._seed, attempt=clip.attempt)
            if request is None:
                del batch.clips[slot]
            else:
                clip.request = request
                self._submit(batch, [[slot]], first=True)
            return
        error.add_note(job.note())
        if damaged and self._on_damage == "skip":
            error.add_note(f"{_MAX_ATTEMPTS} draws of this sample were damaged; are the videos complete?")
        if not isinstance(error, DecodeError):
            error.add_note(failure.trace)
        raise error

    def _collect(self, batch: _Batch) -> ClipBatch | None:
        block = self._frames.slots(batch.block * self.batch_size, self.batch_size)
        places = [slot % self.batch_size for slot in batch.clips]
        made = None
        if places:
            # The common case, no clip passed over, is a view; the other a copy.
            whole = places == list(range(len(places)))
            slots = block[: len(places)] if whole else block[places]
            requests = [clip.request for clip in batch.clips.values()]
            made = self._maker.make(slots, requests, self.clips.videos)
        self._free_blocks.append(batch.block)
        return made

    def _abandon(self) -> None:
        """Forget the running epoch: what no worker has yet is taken back, what one has is awaited later."""
        self._run = None
        for job in self._reader.cancel():
            batch, _ = self._jobs.pop(job.job_id)
            batch.open_jobs -= 1
        for batch in self._batches:
            batch.abandoned = True
            if not batch.open_jobs:
                self._free_blocks.append(batch.block)
        self._batches.clear()


def _check(
    batch_size: int,
    size: tuple[int, int],
    seed: int,
    prefetch_batches: int,
    on_damage: str,
    timeout_seconds: float,
    max_open_videos: int,
) -> None:
    for name, value in (
        ("batch_size", batch_size),
        ("height", size[0]),
        ("width", size[1]),
        ("prefetch_batches", prefetch_batches),
        ("max_open_videos", max_open_videos),
    ):
        if value < 1:
            raise ConfigError(f"{name} must be at least 1, got {value}")
    if seed < 0:
        raise ConfigError(f"seed must be at least 0, got {seed}")
    if timeout_seconds <= 0:
        raise ConfigError(f"timeout_seconds must be above 0, got {timeout_seconds}")
    if on_damage not in ("raise", "skip"):
        raise ConfigError(f"on_damage must be 'raise' or 'skip', got {on_damage!r}")
