"""`ClipLoader`: the clips of an epoch, decoded by worker processes, as batches on the device.

    EpochOrder ──▶ SlotFiller ──▶ WorkerPool | LocalReader ──▶ shared slots ──▶ BatchMaker ──▶ ClipBatch

There are as many slots as clips wait to be mixed, plus `prefetch_batches` batches, plus what the last
job reaches beyond them: this bounds what is decoded ahead, and the memory, and the next batch can
always be completed. What is in a batch is settled before any of it is read.
"""

import logging
import math
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.loading.clip_batch import BatchMaker, ClipBatch
from bvas.loading.clip_requests import Clips
from bvas.loading.device_slots import DeviceFrames, open_way_to_gpu
from bvas.loading.epoch_order import Clip, EpochOrder
from bvas.loading.in_process_pool import LocalReader
from bvas.loading.loader_stats import LoaderStats
from bvas.loading.rank_shards import WHOLE, Batches, Shard
from bvas.loading.read_plan import PlanConfig
from bvas.loading.shared_slots import SharedFrames
from bvas.loading.skip_policy import OnError, SkipPolicy
from bvas.loading.slot_filling import SlotFiller
from bvas.loading.worker import WorkerSettings
from bvas.loading.worker_counts import choose_workers
from bvas.loading.worker_index_cache import make_index_cache
from bvas.loading.worker_pool import IdleReader, WorkerPool
from bvas.values.checks import checked_size

logger = logging.getLogger(__name__)

_SECONDS_TO_START = 10.0
"""What a worker has to be ready, however short its answers are to be: it imports its libraries."""


class ClipLoader:
    """Loads clips batch by batch: for the same seed the same batches, whatever decodes them.

    Use it as a context manager, or call `close`; a loader that is dropped closes itself. Workers live as
    long as the loader, and end with the program however it ends; one that dies or hangs is replaced, and its
    clips are read again. The program's main module is not run again in them, so a script needs
    no `if __name__ == "__main__"`.

    `TrainingClips` are read by keyframe interval and mixed again (plan.py), which costs the memory of the
    clips that wait, and lets clips of one interval meet in a batch far more often than chance does.
    `FixedClips` come in their own order.

    Damage, with `on_error="skip"`: a clip with frames that the decoder does not output is replaced
    by the next draw of the same sample's stream, which is again the same for the same seed. Clips that
    are not drawn (`FixedClips`) have no next draw: their batch is smaller by one. Each is logged and
    counted, and too many end the epoch. A file that no backend reads at all is an error under
    either policy. Frames that a decoder outputs after an error that it reported are delivered; the worker
    warns of them once for each opening.
    """

    workers: dict[str, int]
    """Processes of each backend; none where this process reads."""
    _frames: SharedFrames
    _device_frames: DeviceFrames | None
    _reader: WorkerPool | IdleReader | LocalReader
    _num_slots: int
    _spare_clips: int

    def __init__(
        self,
        clips: Clips,
        batch_size: int,
        *,
        size: tuple[int, int],
        workers: Mapping[str, int] | Literal["auto", 0] = "auto",
        device: torch.device | str = "cpu",
        seed: int = 0,
        plan: bool = True,
        mix_clips: int = 64,
        mix_bytes: int = 10**9,
        prefetch_batches: int = 2,
        on_error: OnError = "raise",
        max_skip_share: float = 0.01,
        timeout_seconds: float = 120.0,
        max_open_videos: int = 8,
        shard: Shard = WHOLE,
        cpus: int | None = None,
        spare_clips: int = 0,
        beside: "ClipLoader | None" = None,
    ) -> None:
        """Start the workers.

        Args:
            clips: What an epoch holds.
            batch_size: Clips in a batch (B), over all ranks; the last of an epoch may be smaller.
            size: (H, W) that frames are fitted into.
            workers: Processes for each backend, e.g. {"nvdec": 3, "opencv": 1}; "auto" picks by the
                machine and logs what it picked; {} or 0 reads in this process.
            device: Where frames and targets go.
            seed: From 0 up; with the epoch and the sample it determines every draw.
            plan: Read `TrainingClips` by keyframe interval and mix them; else as they are drawn.
            mix_clips: Clips that wait to be mixed, at most. Each takes T * H * W bytes of shared memory, and
                with `nvdec` workers as many on the GPU.
            mix_bytes: Memory that they take, at most.
            prefetch_batches: Batches that are read ahead besides.
            on_error: What to do about frames that cannot be decoded.
            max_skip_share: Share of an epoch's clips that may be skipped before it is an error; 5 always may.
            timeout_seconds: Longest time that one answer of a worker may take.
            max_open_videos: Videos that each worker keeps open.
            shard: The share of this process where several share the epoch: of each batch of `TrainingClips`,
                so that all ranks' batch i together are batch i of a process alone; a stretch of `FixedClips`.
            cpus: Cores that "auto" has for workers; None: all that this process may use.
            spare_clips: Room for as many clips of a second loader that has no workers of its own.
            beside: A loader with such room, for clips of the same shape. Its workers read for this one when there is
                nothing left to read for it; where it reads in this process, so does this one, whatever `workers` says.

        Raises:
            ConfigError: a value breaks a rule, or a rank would have no clip of some batch.
            DataError: there is too little shared memory.
        """
        _check(batch_size, size, seed, prefetch_batches, timeout_seconds, max_open_videos)
        policy = SkipPolicy(on_error, max_skip_share)
        if not clips.sequential:
            shard.check_epoch(clips.num_clips, batch_size)
        self.clips = clips
        self.batch_size = batch_size
        self.shard = shard
        self._seed = seed
        self._plan = PlanConfig(enabled=plan, mix_clips=mix_clips, mix_bytes=mix_bytes)
        clip_shape = (clips.clip.num_frames, *size)
        room = self._plan.buffer_clips(math.prod(clip_shape))
        self._buffer_clips = room if plan and not clips.sequential else 1
        self._job_clips = min(self._plan.job_clips, room) if plan or clips.sequential else 1
        # A rank may have all the clips that are mixed, and of each batch at most this.
        ahead = max(shard.sizes(batch_size)) * prefetch_batches + self._buffer_clips - 1
        target = torch.device(device)
        self.workers = (
            choose_workers(
                workers,
                ahead,
                cpus,
                video=clips.videos[0].path,
                device=str(target) if target.type == "cuda" else "cuda",
            )
            if beside is None
            else beside.workers
        )
        if clips.sequential:
            # Each worker reads a stretch of its own, and all but the first are ahead of what is handed out.
            ahead += min(max(sum(self.workers.values()) - 1, 0) * self._job_clips, room)
        # A stretch may be empty: there is always a slot, if only because there is no memory of no bytes.
        num_own = len(shard.stretch(clips.num_clips)) if clips.sequential else clips.num_clips
        num_slots = max(1, min(ahead + self._job_clips - 1, num_own))
        first_slot = 0
        is_guest = beside is not None and bool(beside.workers)
        with ExitStack() as stack:
            if beside is not None and is_guest:
                first_slot, num_slots = beside._num_slots, min(beside._spare_clips, num_own)
                self._job_clips = _guest_job(
                    num_slots, max(shard.sizes(batch_size)), self._job_clips, num_own
                )
                self._frames, self._device_frames = beside._frames, beside._device_frames
                assert self._frames.clip_shape == clip_shape
                assert isinstance(beside._reader, WorkerPool)
                self._reader = IdleReader(beside._reader)
            else:
                self._frames = SharedFrames(num_slots + spare_clips, clip_shape)
                self._device_frames = self._way_to_gpu(target, stack)
                self._reader = self._start_reader(target, stack, timeout_seconds, max_open_videos)
            self._maker = BatchMaker(target)
            self._filler = SlotFiller(self._reader, num_slots, clips.videos, policy, first_slot=first_slot)
            if is_guest:
                stack.callback(self._filler.close)
            # Runs when the loader is dropped or the program ends, whatever comes first.
            self._finalizer = weakref.finalize(self, stack.pop_all().close)
        self._num_slots, self._spare_clips = num_slots, spare_clips
        # `pyav` reads all files; without it there may be one that nobody reads.
        self._is_admitted = "pyav" in self.workers or not self.workers
        self._current: object = None
        self._due: Sequence[int] | None = None
        """Samples of the next batch of the epoch that has begun; None where there is none."""
        self._stats = LoaderStats()

    def _way_to_gpu(self, target: torch.device, stack: ExitStack) -> DeviceFrames | None:
        if target.type != "cuda":
            return None
        gpu = torch.cuda.current_device() if target.index is None else target.index
        return open_way_to_gpu(self._frames, gpu, stack, wants_slots="nvdec" in self.workers)

    def _start_reader(
        self, target: torch.device, stack: ExitStack, timeout_seconds: float, max_open: int
    ) -> WorkerPool | LocalReader:
        reader: WorkerPool | LocalReader
        if self.workers:
            cache = make_index_cache()
            if cache is not None:
                stack.callback(cache.cleanup)
            settings = WorkerSettings(
                frames=self._frames,
                device_frames=self._device_frames,
                max_open=max_open,
                gpu=str(target) if target.type == "cuda" else "cuda",
                cache_home=None if cache is None else Path(cache.name),
            )
            reader = WorkerPool(
                self.workers,
                settings,
                timeout_seconds=timeout_seconds,
                start_seconds=max(timeout_seconds, _SECONDS_TO_START),
            )
        else:
            reader = LocalReader(self._frames, max_open=max_open)
        stack.callback(reader.close)
        return reader

    @property
    def num_batches(self) -> int:
        """Batches in an epoch: the same for all ranks, but of `FixedClips` this rank's."""
        if self.clips.sequential:
            return -(-len(self.shard.stretch(self.clips.num_clips)) // max(self.shard.sizes(self.batch_size)))
        return -(-self.clips.num_clips // self.batch_size)

    @property
    def num_own_clips(self) -> int:
        """Clips of an epoch of `FixedClips` that are this rank's."""
        return len(self.shard.stretch(self.clips.num_clips))

    @property
    def clip_bytes(self) -> int:
        """Bytes of a clip's frames."""
        return math.prod(self._frames.clip_shape)

    @property
    def stats(self) -> LoaderStats:
        """What was done so far, a copy."""
        return replace(
            self._stats,
            skips=self._filler.num_skipped,
            restarts=self._reader.num_restarts,
            moved=self._reader.num_moved,
            workers=self._reader.worker_stats,
        )

    @property
    def process_ids(self) -> dict[str, int]:
        """Process id of each worker that runs, for monitoring."""
        return self._reader.process_ids

    def epoch(self, epoch: int, *, first_batch: int = 0, at_once: bool = False) -> Iterator[ClipBatch]:
        """Return the batches of an epoch, in order.

        One epoch runs at a time: starting another, or leaving the loop, ends this one.

        Args:
            epoch: From 0 up.
            first_batch: Where to begin; the batches before it are not read, and those from it on are the same as ever.
            at_once: Start reading now, and not when the first batch is asked for.

        Raises:
            DecodeError: a clip cannot be decoded, or none of the workers reads one of the videos;
                the loader can go on with another epoch.
            WorkerError: three workers died or hung with the same clips, which are named; or
                workers cannot be started, and the loader is closed.
            ConfigError: `epoch` is below 0, or `first_batch` outside [0, num_batches].
        """
        if epoch < 0:
            raise ConfigError(f"epoch must be at least 0, got {epoch}")
        if not 0 <= first_batch <= self.num_batches:
            raise ConfigError(f"first_batch must lie in 0..{self.num_batches}, got {first_batch}")
        self._filler.abandon()
        self._current = token = object()
        self._due = None
        batches = self._begin(epoch, first_batch) if at_once else None
        return self._deliver(epoch, first_batch, token, batches)

    def is_next_read(self) -> bool:
        """Return whether the next batch of the epoch that has begun can be had without waiting for it.

        Raises:
            DecodeError, WorkerError: as `epoch`.
        """
        return self._due is not None and self._filler.has(self._due)

    def close(self) -> None:
        """End the workers. Batches that were handed out stay; may be called twice."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _deliver(
        self, epoch: int, first_batch: int, token: object, batches: Batches | None
    ) -> Iterator[ClipBatch]:
        before = self.stats
        try:
            for number in range(first_batch, self.num_batches):
                if self._current is not token:
                    raise RuntimeError(
                        f"epoch {epoch} ended when another was started; iterate over one at a time"
                    )
                started = time.perf_counter()
                if batches is None:
                    batches = self._begin(epoch, first_batch)
                batch = self._collect(batches[number], self._num_total(number))
                self._due = batches[number + 1] if number + 1 < len(batches) else None
                self._stats.waiting_seconds += time.perf_counter() - started
                if batch is not None:
                    self._stats.clips += len(batch)
                    self._stats.frames += len(batch) * self.clips.clip.num_frames
                    self._stats.bytes += batch.frames.nbytes
                    yield batch
            logger.debug("epoch %d: %s", epoch, self.stats.since(before))
        finally:
            if self._current is token:
                self._current = self._due = None
                self._filler.abandon()

    def _begin(self, epoch: int, first_batch: int) -> Batches:
        """Start reading an epoch at one of its batches; return the samples of all of them."""
        if not self._is_admitted:
            self._filler.admit()
            self._is_admitted = True
        order = EpochOrder(
            self.clips,
            self._plan,
            epoch=epoch,
            seed=self._seed,
            buffer_clips=self._buffer_clips,
            job_clips=self._job_clips,
            batch_size=self.batch_size,
            shard=self.shard,
            first_batch=first_batch,
        )
        self._filler.begin(order, sum(map(len, order.batches)))
        self._due = order.batches[first_batch] if first_batch < len(order.batches) else None
        return order.batches

    def _num_total(self, number: int) -> int | None:
        if self.clips.sequential:
            return None
        return min(self.batch_size, self.clips.num_clips - number * self.batch_size)

    def _collect(self, samples: Sequence[int], num_total: int | None) -> ClipBatch | None:
        clips = self._filler.wait_for(samples)
        batch = None
        if clips:
            slots = [self._slot(clip) for clip in clips]
            requests = [clip.request for clip in clips]
            batch = self._maker.make(slots, requests, self.clips.videos, num_total)
        # The slots are free again: the next clips are read while the caller works on these.
        self._filler.release(samples)
        return batch

    def _slot(self, clip: Clip) -> NDArray[np.uint8] | torch.Tensor:
        if clip.on_device:
            assert self._device_frames is not None
            return self._device_frames.slot(clip.slot)
        return self._frames.slot(clip.slot)


def spare_clips_for(batch_size: int, clip_bytes: int, shard: Shard = WHOLE) -> int:
    """Return how much room a second loader wants beside another: two batches and two jobs, within half a gigabyte."""
    own = max(shard.sizes(batch_size))
    return max(own, min(2 * own + 32, 500_000_000 // clip_bytes))


def _guest_job(num_slots: int, batch: int, job_clips: int, num_own: int) -> int:
    """Return how many clips a job has in so many slots: a batch can then always be completed."""
    if num_slots >= num_own:
        return job_clips
    assert num_slots >= batch, (num_slots, batch)
    return min(job_clips, num_slots - batch + 1)


def _check(
    batch_size: int,
    size: tuple[int, int],
    seed: int,
    prefetch_batches: int,
    timeout_seconds: float,
    max_open_videos: int,
) -> None:
    checked_size(size)
    for name, value in (
        ("batch_size", batch_size),
        ("prefetch_batches", prefetch_batches),
        ("max_open_videos", max_open_videos),
    ):
        if value < 1:
            raise ConfigError(f"{name} must be at least 1, got {value}")
    if seed < 0:
        raise ConfigError(f"seed must be at least 0, got {seed}")
    if timeout_seconds <= 0:
        raise ConfigError(f"timeout_seconds must be above 0, got {timeout_seconds}")
