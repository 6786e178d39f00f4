"""Streaming scores of a video: frames in, in chunks of any size; one row of scores per frame out.

The clip centered at c holds the stacks that start at c - frames_before + n * S * step, n = 0..N-1.
The clip centered at c + 1 holds those one frame later, so over a video each starting frame's stack
is encoded once and serves N clips:

    start    ... s ................ s + S*step ........ s + 2*S*step ...
    clip c        [stack 0]          [stack 1]           [stack 2]
    clip c + 1     [stack 0]          [stack 1]           [stack 2]

Each new frame costs one stack of 2D work and one pass of the 3D blocks. Before the first and after the last frame
stacks start at places that do not exist; their frames repeat the edge, as `ClipConfig.indices` has it.
Stacks and clips of equal frames are computed once (repeats.py).

What is computed, and when, is decided here, with NumPy alone. An engine computes it (engine_protocol.py).
"""

# Dimension letters in this file:
#   n frames pushed, m rows returned, S frames per stack, N stacks per clip, M stacks or clips in a batch,
#   K labels, H W picture size.

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError, ScoresError
from bvas.inference.clip_states import clips_around, num_needed_stacks, stacks_from
from bvas.inference.engine_protocol import Engine, EngineArray
from bvas.inference.full_batches import MOST_WAITING, FullBatches, batch_size
from bvas.inference.repeats import FrameRepeats
from bvas.inference.ring_buffer import RingTable, SlotState
from bvas.inference.row_stride import Interpolation
from bvas.values.color import FrameForm, PlaneLayout

if TYPE_CHECKING:
    from torch import Tensor


class StreamingPredictor:
    """Score every frame of a video in one pass.

    A row is final once the frame `clip.frames_after` behind it was pushed, or the video ended. It is returned when
    it fills a batch, unless `is_prompt`. In float32 it equals the whole clip's forward pass up to rounding, whatever
    the chunks. Memory is bounded by the clip's span, the batch and the stride, not by the video.

    Not to be shared between threads or videos at a time; after `finish` or `reset` it is ready for the next video.
    """

    def __init__(
        self, engine: Engine, *, batch: int | None = None, stride: int = 1, share_repeats: bool = True
    ) -> None:
        """Take an engine, of this predictor alone.

        Args:
            engine: A `TorchEngine` or an `OnnxEngine`.
            batch: Most stacks encoded, and most clips scored, at once; each twice with flip TTA. None: by device and
                picture size.
            stride: As the attribute.
            share_repeats: Compute equal stacks and rows once. Changes no row in batches of one, and else by rounding.

        Raises:
            ConfigError: a batch size or stride below 1.
        """
        for name, value in (("batch", batch), ("stride", stride)):
            if value is not None and value < 1:
                raise ConfigError(f"{name} must be at least 1, got {value}")
        self._engine = engine
        self._given_batch = batch
        self.clip = engine.clip
        """Frames that a clip holds."""
        self.num_labels = engine.num_labels
        """Columns of a row (K)."""
        self.stride = stride
        """Rows are computed for every so many frames, and interpolated in between (row_stride.py); may change at any
        time. Where it falls, rows are interpolated until the stacks that were skipped lie behind. That of the first
        frame decides how much room there is for frames that wait for a full batch."""
        self.is_prompt = False
        """Return rows as soon as they are final, in smaller batches: for video that is watched while it runs."""
        self.num_rows = 0
        """Rows of whole clips, of all videos so far; interpolated ones are not counted."""
        self.num_shared = 0
        """Those of them that repeat the row before, because their frames are byte-equal."""
        self._shares = share_repeats
        self.reset()

    def reset(self) -> None:
        """Forget the video so far, and be ready for the next one."""
        self._between = Interpolation(self.num_labels)
        self._num_frames = 0
        """Frames pushed so far, those of gaps included."""
        self._repeats = FrameRepeats(self._engine)
        self._last_row = np.empty((0, self.num_labels), np.float32)
        """Row of the last whole clip, [1, K] once there is one."""
        self._size: tuple[int, int] | None = None
        self._start((1, 1))
        self._next_start = -self.clip.frames_before
        """First frame of the first stack that is not encoded yet."""
        self._next_center = 0
        """Center of the first clip not yet scored."""

    def push(
        self,
        frames: "NDArray[np.uint8] | Tensor",
        form: FrameForm = "limited",
        is_repeat: NDArray[np.bool_] | None = None,
        *,
        sample_aspect: Fraction = Fraction(1),
    ) -> NDArray[np.float32]:
        """Take the next frames and return the rows that are final with them.

        Args:
            frames: As stored, n >= 0: luma uint8 [n, H, W], or color planes uint8 [n, bytes]; one size for all of a
                video. An array, or a tensor on any device where the engine takes tensors.
            form: What they mean: range tag of luma, or layout of planes.
            is_repeat: bool [n], whether each is the same source frame as the one before it, with the same pixels;
                where all are, they need not be compared. None: unknown.
            sample_aspect: Width over height of a sample, for engines that scale frames.

        Returns:
            float32 [m, K] in [0, 1], following the rows returned before; m may be 0. NaN where the clip
            touches a gap.

        Raises:
            ConfigError: frames of another type, shape or size.
            ScoresError: scores are NaN or infinite.
        """
        own = self._engine.to_frames(frames)
        self._check_frames(own, form)
        rows: list[NDArray[np.float32]] = []
        for first in range(0, len(own), self._chunk):
            chunk = own[first : first + self._chunk]
            known = None if is_repeat is None else is_repeat[first : first + self._chunk]
            self._put(chunk, form, sample_aspect, known)
            is_last = first + len(chunk) == len(own)
            rows += self._advance(may_wait=not (is_last and self.is_prompt))
        return self._joined(rows)

    def push_gap(self, num_frames: int) -> NDArray[np.float32]:
        """Take so many frames as lost at this place of the video, and return the rows that are final with them.

        Rows of the lost frames, and of all clips that hold one of them, become NaN.

        Raises:
            ConfigError: `num_frames` is negative.
        """
        if num_frames < 0:
            raise ConfigError(f"num_frames of a gap must be at least 0, got {num_frames}")
        self._repeats.push_gap()
        rows: list[NDArray[np.float32]] = []
        for first in range(0, num_frames, self._chunk):
            count = min(self._chunk, num_frames - first)
            positions = self._num_frames + np.arange(count)
            self._frames.put(positions, SlotState.GAP, np.zeros(count, np.bool_))
            self._num_frames += count
            is_last = first + count == num_frames
            rows += self._advance(may_wait=not (is_last and self.is_prompt))
        return self._joined(rows)

    def flush(self) -> NDArray[np.float32]:
        """Return the rows that are final and wait for a full batch; the video goes on."""
        return self._joined(self._advance(may_wait=False) if self._num_frames else [])

    def finish(self) -> NDArray[np.float32]:
        """End the video, return its remaining rows, and be ready for the next one."""
        rows = self._advance(may_wait=False, ended=True) if self._num_frames else []
        rows.append(self._between.finish())
        self.reset()
        return self._joined(rows)

    def _check_frames(self, frames: EngineArray, form: FrameForm) -> None:
        shape = tuple(frames.shape[1:])
        if isinstance(form, PlaneLayout):
            is_right, size = shape == (form.num_bytes,), form.size
            wanted = f"[n, {form.num_bytes}], planes of {form.size}"
        else:
            is_right, size, wanted = len(shape) == 2, (*shape, 0)[:2], "[n, H, W]"
        if str(frames.dtype).removeprefix("torch.") != "uint8" or not is_right:
            got = f"{frames.dtype} {list(frames.shape)}"
            raise ConfigError(f"frames must be uint8 {wanted}, got {got}; they are brought to [0, 1] in here")
        if self._size is None:
            self._start(size)
        elif size != self._size:
            raise ConfigError(
                f"frames of {size} after frames of {self._size} (height, width); all frames of a video "
                "must have one size, and finish() ends a video"
            )
        self._size = size

    def frames_at_once(self, size: tuple[int, int]) -> int:
        """Return how many frames of a size are taken at once."""
        return self._given_batch or self._engine.default_batch(size)

    def _start(self, size: tuple[int, int]) -> None:
        """Choose the batch size, and make room for what has to be kept; gaps may have come before."""
        clip, stride, batch = self.clip, self.stride, self.frames_at_once(size)
        num_needed = num_needed_stacks(clip, stride)
        stack_batch, clip_batch = batch_size(batch, stride, num_needed), batch_size(batch, stride)
        # Frames and stacks that wait for a full batch are kept beside those that a stack or clip spans. After the end
        # as many stacks are encoded at once as a clip looks ahead.
        waiting_frames = -(-stack_batch * stride // num_needed)
        num_frames = clip.stack_size * clip.frame_step + batch + waiting_frames
        new_stacks = stack_batch + batch + clip.frames_after
        num_stacks = clip.span + clip_batch * num_needed + new_stacks
        room = MOST_WAITING * batch
        self._chunk = batch
        self._stack_batches = FullBatches(stack_batch, room=room, shares=self._shares)
        self._clip_batches = FullBatches(clip_batch, room=room, shares=self._shares)
        self._frames = RingTable(num_frames + room, num_frames, batch)
        self._stacks = RingTable(num_stacks + 2 * room, num_stacks, new_stacks)
        self._engine.reserve(num_frames, num_stacks)

    def _put(
        self,
        chunk: EngineArray,
        form: FrameForm,
        sample_aspect: Fraction,
        known: NDArray[np.bool_] | None,
    ) -> None:
        """Keep the next frames, those that repeat the one before as one."""
        is_new = np.ones(len(chunk), np.bool_)
        if self._shares:
            is_new = self._repeats.are_new(chunk, (form, sample_aspect), known)
        positions = self._num_frames + np.arange(len(chunk))
        self._frames.put(positions, SlotState.READY, is_new)
        self._num_frames += len(chunk)
        if is_new.any():
            new = chunk if is_new.all() else chunk[is_new]
            self._engine.put_frames(self._frames.slots(positions[is_new]), new, form, sample_aspect)

    def _advance(self, *, may_wait: bool, ended: bool = False) -> list[NDArray[np.float32]]:
        """Encode the stacks and score the clips that the frames so far allow, and of these what fills a batch.

        Args:
            may_wait: Leave what does not fill a batch, while there is room.
            ended: The video ends here.
        """
        clip = self.clip
        reach = (clip.stack_size - 1) * clip.frame_step
        # From its own center on, a clip goes up to frames_after; after the end, so far beyond the last frame.
        last_start = self._num_frames - 1 - reach + (clip.frames_after if ended else 0)
        while self._next_start <= last_start:
            starts = np.arange(self._next_start, last_start + 1)
            frames, states = stacks_from(starts, clip, self._frames, self._num_frames, self.stride)
            is_new = self._stack_batches.take(self._frames, frames, states, may_wait=may_wait)
            length = len(is_new)
            if not length:
                break
            self._encode(starts[:length], frames[:length], states[:length], is_new)
            self._next_start += length
        last_center = self._next_start - 1 + reach - clip.frames_after
        batches: list[tuple[EngineArray | None, NDArray[np.uint8], NDArray[np.bool_]]] = []
        while self._next_center <= last_center:
            centers = np.arange(self._next_center, last_center + 1)
            stacks, states = clips_around(centers, clip, self._stacks, self.stride)
            is_new = self._clip_batches.take(self._stacks, stacks, states, may_wait=may_wait)
            length = len(is_new)
            if not length:
                break
            batches.append((self._score(stacks[:length], is_new), states[:length], is_new))
            self._next_center += length
        # All work of a GPU is queued before the first scores are waited for.
        return [self._rows(*batch) for batch in batches]

    def _encode(
        self,
        starts: NDArray[np.int64],
        frames_MS: NDArray[np.int64],
        states: NDArray[np.uint8],
        is_new: NDArray[np.bool_],
    ) -> None:
        self._stacks.put(starts, states, is_new)
        if not is_new.any():
            return
        batches, is_prompt = self._stack_batches, self.is_prompt
        frame_slots = batches.filled(self._frames.slots(frames_MS[is_new]), is_prompt=is_prompt)
        stack_slots = batches.filled(self._stacks.slots(starts[is_new]), is_prompt=is_prompt)
        self._engine.encode(frame_slots, stack_slots, is_full=len(stack_slots) == batches.size)

    def _score(self, starts_MN: NDArray[np.int64], is_new: NDArray[np.bool_]) -> EngineArray | None:
        """Return scores of the new clips, and perhaps more behind them, [m, K]; None where none is new."""
        if not is_new.any():
            return None
        batches = self._clip_batches
        slots = batches.filled(self._stacks.slots(starts_MN[is_new]), is_prompt=self.is_prompt)
        return self._engine.score(slots, is_full=len(slots) == batches.size)

    def _rows(
        self, scores: EngineArray | None, states: NDArray[np.uint8], is_new: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Return rows of the clips: scores, NaN for gaps, and interpolated ones where a stride skipped clips."""
        is_ready = states == SlotState.READY
        computed = self._last_row
        if scores is not None:
            own = _checked(self._engine.to_rows(scores)[: int(is_new.sum())], self._engine.half)
            computed = np.concatenate([self._last_row, own])
        rows = np.full((len(states), self.num_labels), np.nan, dtype=np.float32)
        if len(computed):
            # Each new clip has the next computed row; a repeat has that of the clip before.
            rows[is_ready] = computed[len(self._last_row) - 1 + np.cumsum(is_new)[is_ready]]
        self._last_row = computed[-1:]
        self.num_rows += int(is_ready.sum())
        self.num_shared += int(is_ready.sum() - is_new.sum())
        return self._between.fill(rows, states == SlotState.SKIPPED)

    def _joined(self, rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.concatenate([np.empty((0, self.num_labels), dtype=np.float32), *rows])


def _checked(scores: NDArray[np.float32], half: str) -> NDArray[np.float32]:
    """Return the scores of frames that could be decoded; NaN among them would make gaps of these.

    Raises:
        ScoresError: a score is NaN; in half precision features beyond its range may be why.
    """
    if not np.isnan(scores).any():
        return scores
    why = ": its weights are damaged, or its training diverged; train it again, or take another checkpoint"
    if half:
        why = f" in {half}, whose range its features may leave; take --precision float32"
    raise ScoresError(f"the model gives NaN or infinite scores{why}")
