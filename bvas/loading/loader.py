"""`ClipLoader`: the clips of an epoch, decoded by worker processes, as batches on the device.

    EpochOrder ──▶ SlotFiller ──▶ WorkerPool | InProcessRunner ──▶ shared slots ──▶ BatchMaker ──▶ ClipBatch
                                                                           └──▶ array_batch ──▶ ArrayBatch

The content of each batch is fixed before any of it is read.
"""

import logging
import math
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeVar

from bvas.errors import ConfigError
from bvas.experiment.loading_config import LoadingConfig
from bvas.loading.array_batch import ArrayBatch, array_batch
from bvas.loading.clip_requests import Clips
from bvas.loading.device_fit import DeviceFit, source_shape
from bvas.loading.device_slots import DeviceFrames, open_way_to_gpu
from bvas.loading.epoch_order import EpochOrder
from bvas.loading.labelled_video import LabelledVideo
from bvas.loading.loader_stats import LoaderStats
from bvas.loading.rank_shards import WHOLE, Batches, Shard
from bvas.loading.runner_start import JobRunner, start_runner
from bvas.loading.shared_slots import SharedFrames
from bvas.loading.skip_policy import OnError, SkipPolicy
from bvas.loading.slot_counts import SlotCounts
from bvas.loading.slot_filling import SlotFiller
from bvas.loading.worker_counts import choose_workers
from bvas.system.closing import Closing
from bvas.values.input_format import InputFormat
from bvas.values.luma import LumaScaling

# Imported where they are used: clips are also loaded as arrays, without PyTorch.
if TYPE_CHECKING:
    import torch

    from bvas.loading.clip_batch import BatchMaker, ClipBatch

logger = logging.getLogger(__name__)

Batch = TypeVar("Batch", bound="ClipBatch | ArrayBatch")


def shape_of_clips(form: InputFormat, clips: Clips, others: Sequence[LabelledVideo] = ()) -> tuple[int, ...]:
    """Return the shape of the slots of clips: (T, H, W) of luma, (T, bytes) of planes or where the device scales.

    Args:
        form: Form that frames are brought to.
        clips: The clips.
        others: Videos of further clips that share the slots.

    Raises:
        ConfigError: a video was labelled for frames of another format, which color and scaling on the device depend on.
    """
    num_frames = clips.clip.num_frames
    is_plain = form.channels == "luma" and not form.is_scaled_on_device
    for video in () if is_plain else (*clips.videos, *others):
        if video.input_format != form:
            raise ConfigError(
                f"{video.path.name} was labelled for {video.input_format or 'gray frames'}, and the loader is to give "
                f"{form}; pass form={form} to label_video"
            )
    if form.is_scaled_on_device:
        videos = (*clips.videos, *others)
        return num_frames, max(math.prod(source_shape(video.form, video.size)) for video in videos)
    return num_frames, *source_shape(clips.videos[0].form, form.size)


class ClipLoader(Closing):
    """Loads clips batch by batch: the same batches for the same seed, whatever decodes them.

    Use it as a context manager, or call `close`; a loader that is garbage-collected closes itself. Workers live as
    long as the loader, and end with the program however it ends. One that dies or hangs is replaced, and its clips
    are read again. The program's main module is not run in them, so a script needs no `if __name__ == "__main__"`.

    `TrainingClips` are read by keyframe interval and shuffled (read_plan.py). That costs the memory of the shuffle
    buffer, and clips of one interval meet in a batch far more often than by chance. Sequential clips come in order.

    With `on_error="skip"`, a clip whose frames the decoder does not output is replaced by the next draw of the
    sample, which is again the same for the same seed. `FixedClips` have no next draw: their batch is smaller by
    one. Each skip is logged and counted, and too many end the epoch. A file that no backend reads is an error
    in any case. Frames that a decoder outputs after a reported error are delivered, with one warning per opening.
    """

    workers: dict[str, int]
    """Processes of each backend; empty where this process reads."""
    _frames: SharedFrames
    _device_frames: DeviceFrames | None
    _runner: JobRunner
    _num_slots: int
    _spare_clips: int

    def __init__(
        self,
        clips: Clips,
        batch_size: int,
        *,
        size: tuple[int, int] | InputFormat,
        workers: Mapping[str, int] | Literal["auto", 0] = "auto",
        device: "torch.device | str" = "cpu",
        seed: int = 0,
        loading: LoadingConfig | None = None,
        on_error: OnError = "raise",
        shard: Shard = WHOLE,
        cpus: int | None = None,
        luma_scaling: LumaScaling = "range",
        spare_clips: int = 0,
        spare_videos: Sequence[LabelledVideo] = (),
        beside: "ClipLoader | None" = None,
    ) -> None:
        """Start the workers.

        Args:
            clips: The clips of an epoch.
            batch_size: Clips in a batch (B), over all ranks; the last of an epoch may be smaller.
            size: Form that frames are brought to; (H, W) for gray frames padded to it.
            workers: Processes for each backend, e.g. {"nvdec": 3, "opencv": 1}; "auto" picks by the machine; {} or 0
                reads in this process.
            device: Device of frames and targets.
            seed: From 0 up; determines all draws.
            loading: Shuffle buffer, prefetch and limits; `LoadingConfig()` by default.
            on_error: Raise an error for a damaged clip, or skip it.
            shard: The share of this process where several share the epoch. Of each batch of `TrainingClips`, so
                that all ranks' batch i together are batch i of a single process; a stretch of `FixedClips`.
            cpus: Cores that "auto" has for workers; None: all that this process may use.
            luma_scaling: How luma becomes [0, 1] where the device scales frames.
            spare_clips: Room for as many clips of a second loader without workers of its own.
            spare_videos: Its videos, whose frames may be larger where the device scales them.
            beside: A loader with such room, for clips of the same shape. Its workers read for this one when it has
                no job left. Where it reads in this process, so does this one, whatever `workers` says.

        Raises:
            ConfigError: a value breaks a rule, or a rank would have no clip of some batch.
            DataError: shared memory does not suffice.
        """
        form = InputFormat.of(size)
        if batch_size < 1 or seed < 0:
            raise ConfigError(
                f"batch_size must be at least 1 and seed at least 0, got {batch_size} and {seed}"
            )
        loading = loading or LoadingConfig()
        policy = SkipPolicy(on_error, loading.max_skip_share)
        if not clips.sequential:
            shard.check_epoch(clips.num_clips, batch_size)
        self.clips = clips
        self.batch_size = batch_size
        self.shard = shard
        self._seed = seed
        clip_shape = shape_of_clips(form, clips, spare_videos)
        counts = SlotCounts.of(clips, batch_size, math.prod(clip_shape), loading, shard)
        gpu = str(device) if str(device).startswith("cuda") else "cuda"
        if beside is None:
            video = clips.videos[0].path
            self.workers = choose_workers(workers, counts.ahead, cpus, video=video, device=gpu)
        else:
            self.workers = beside.workers
        num_slots = counts.num_slots(sum(self.workers.values()))
        first_slot = 0
        shares_pool = beside is not None and bool(self.workers)
        with ExitStack() as stack:
            if beside is not None and shares_pool:
                # Where the device scales, its slots have room for the largest frames of both.
                clip_shape = beside._frames.clip_shape
                first_slot, num_slots = beside._num_slots, min(beside._spare_clips, counts.num_own)
                counts = counts.within(num_slots)
                self._frames, self._device_frames = beside._frames, beside._device_frames
                self._runner = beside._runner
            else:
                self._frames = SharedFrames(num_slots + spare_clips, clip_shape)
                self._device_frames = open_way_to_gpu(
                    self._frames, device, stack, wants_slots="nvdec" in self.workers
                )
                self._runner = start_runner(
                    self.workers,
                    self._frames,
                    self._device_frames,
                    stack,
                    form=form,
                    gpu=gpu,
                    timeout_seconds=loading.timeout_seconds,
                )
            self._filler = SlotFiller(
                self._runner, num_slots, policy, first_slot=first_slot, idle=shares_pool
            )
            if shares_pool:
                # The pool outlives this loader: its workers must not write to the spare slots any more.
                stack.callback(self._filler.close)
            # Runs when the loader is garbage-collected or the program ends, whichever comes first.
            self._finalizer = weakref.finalize(self, stack.pop_all().close)
        self._device, self._luma_scaling = device, luma_scaling
        self._fit = DeviceFit(form, luma_scaling) if form.is_scaled_on_device else None
        self._batch_bytes = math.prod(clip_shape)
        if self._fit is not None:
            self._batch_bytes = 4 * clips.clip.num_frames * math.prod(form.unit_shape)
        self._counts = counts
        self._num_slots = num_slots
        self._spare_clips = spare_clips
        # `pyav` reads all files.
        self._is_admitted = "pyav" in self.workers or not self.workers
        self._current: object = None
        self._due: Sequence[int] | None = None
        """Samples of the next batch of the current epoch; None at its end."""
        self._stats = LoaderStats()

    @property
    def num_batches(self) -> int:
        """Batches in an epoch: the same for all ranks; of sequential clips this rank's."""
        if self.clips.sequential:
            return -(-self.num_own_clips // self._counts.own_batch)
        return -(-self.clips.num_clips // self.batch_size)

    @property
    def num_own_clips(self) -> int:
        """Clips of an epoch of sequential clips that are this rank's."""
        return len(self.shard.stretch(self.clips.num_clips))

    @property
    def clip_bytes(self) -> int:
        """Bytes of a clip's frames in a batch."""
        return self._batch_bytes

    @property
    def stats(self) -> LoaderStats:
        """Statistics so far, a copy."""
        of_runner = self._runner.stats
        return replace(
            self._stats,
            skips=self._filler.num_skipped,
            restarts=of_runner.restarts,
            moved=of_runner.moved,
            workers=of_runner.workers,
        )

    @property
    def process_ids(self) -> Mapping[str, int]:
        """Process id of each worker that runs, for monitoring."""
        return self._runner.process_ids

    def epoch(self, epoch: int, *, first_batch: int = 0, at_once: bool = False) -> "Iterator[ClipBatch]":
        """Return the batches of an epoch, in order.

        One epoch runs at a time: starting another, or leaving the loop, ends this one.

        Args:
            epoch: From 0 up.
            first_batch: Batch to begin with; those before it are not read, and the others are the same as ever.
            at_once: Start reading now, instead of when the first batch is asked for.

        Raises:
            DecodeError: a clip cannot be decoded, or no worker reads one of the videos; another epoch may follow.
            WorkerError: three workers died or hung with the same clips, which are named; or workers cannot be
                started, and the loader is closed.
            ConfigError: `epoch` is below 0, or `first_batch` outside [0, num_batches].
        """
        return self._start(self._maker.make, epoch, first_batch, at_once=at_once)

    def arrays(self) -> Iterator[ArrayBatch]:
        """Return the batches of epoch 0 on a CPU as arrays in [0, 1], without PyTorch; errors as of `epoch`."""
        fit, scaling = self._fit, self._luma_scaling
        return self._start(
            lambda slots, requests, videos, _: array_batch(slots, requests, videos, fit, scaling),
            0,
            0,
            at_once=False,
        )

    def _start(
        self, make: Callable[..., Batch], epoch: int, first_batch: int, *, at_once: bool
    ) -> Iterator[Batch]:
        if epoch < 0:
            raise ConfigError(f"epoch must be at least 0, got {epoch}")
        if not 0 <= first_batch <= self.num_batches:
            raise ConfigError(f"first_batch must lie in 0..{self.num_batches}, got {first_batch}")
        self._filler.abandon()
        self._current = token = object()
        self._due = None
        batches = self._begin(epoch, first_batch) if at_once else None
        return self._deliver(make, epoch, first_batch, token, batches)

    def is_next_read(self) -> bool:
        """Return whether the next batch of the epoch under way can be had without waiting; raises as `epoch`."""
        return self._due is not None and self._filler.has(self._due)

    def close(self) -> None:
        """End the workers. Batches that were handed out stay valid; may be called twice."""
        self._finalizer()

    @cached_property
    def _maker(self) -> "BatchMaker":
        import torch

        from bvas.loading.clip_batch import BatchMaker

        return BatchMaker(torch.device(self._device), self._fit)

    def _deliver(
        self, make: Callable[..., Batch], epoch: int, first_batch: int, token: object, batches: Batches | None
    ) -> Iterator[Batch]:
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
                batch = self._collect(make, batches[number], self._num_total(number))
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
            self._filler.admit(video.path for video in self.clips.videos)
            self._is_admitted = True
        order = EpochOrder(
            self.clips,
            epoch=epoch,
            seed=self._seed,
            buffer_clips=self._counts.buffer_clips,
            job_clips=self._counts.job_clips,
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

    def _collect(
        self, make: Callable[..., Batch], samples: Sequence[int], num_total: int | None
    ) -> Batch | None:
        clips = self._filler.wait_for(samples)
        batch = None
        if clips:
            slots = []
            for clip in clips:
                frames = self._device_frames if clip.on_device else self._frames
                assert frames is not None
                slots.append(frames.slot(clip.slot))
            requests = [clip.request for clip in clips]
            batch = make(slots, requests, self.clips.videos, num_total)
        # The slots are free again: the next clips are read while the caller works on this batch.
        self._filler.release(samples)
        return batch
