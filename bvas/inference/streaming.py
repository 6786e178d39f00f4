"""Streaming scores of a video: frames in, in chunks of any size; one row of scores per frame out.

The clip centered at c holds the stacks that start at c - frames_before + n * S * step, n = 0..N-1.
The clip centered at c + 1 holds those one frame later, so over a video each starting frame's stack
is encoded once and serves N clips:

    start    ... s ................ s + S*step ........ s + 2*S*step ...
    clip c        [stack 0]          [stack 1]           [stack 2]
    clip c + 1     [stack 0]          [stack 1]           [stack 2]

Each new frame costs one stack of 2D work and one pass of the 3D blocks. Before the first and
after the last frame stacks start at places that do not exist; their frames repeat the edge, as
`ClipConfig.indices` has it.

What is computed, and when, is decided here, with NumPy alone. An engine computes it (engine_protocol.py).
"""

# Dimension letters in this file:
#   n frames pushed, m rows returned, S frames per stack, N stacks per clip, M stacks or clips in a batch,
#   K labels, H W picture size.

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError, ScoresError
from bvas.inference.engine_protocol import Engine, EngineArray
from bvas.inference.ring_buffer import RingTable, SlotState
from bvas.inference.row_stride import Interpolation, batch_length, most_waiting
from bvas.inference.still_clips import UNIQUE, LastStill, Pictures, common_picture
from bvas.values.luma import ColorRange

if TYPE_CHECKING:
    from torch import Tensor


class StreamingPredictor:
    """Score every frame of a video in one pass.

    A row is final once the frame `clip.frames_after` behind it was pushed, or the video ended. With a stride it
    is returned when it fills a batch, unless `is_prompt`. In float32 it equals the whole clip's forward pass up to
    rounding, whatever the chunks. Memory is bounded by the clip's span, the batch sizes and the stride, not by the
    video or the chunk.

    Not to be shared between threads or videos at a time; after `finish` or `reset` it is ready for the next video.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        stack_batch: int | None = None,
        window_batch: int | None = None,
        stride: int = 1,
    ) -> None:
        """Take an engine, of this predictor alone.

        Args:
            engine: A `TorchEngine` or an `OnnxEngine`.
            stack_batch: Most stacks encoded at once, each twice with flip TTA. None: by device and picture size.
            window_batch: Most clips scored at once, each twice with flip TTA. None: by device and picture size.
            stride: As the attribute.

        Raises:
            ConfigError: a batch size or stride below 1.
        """
        for name, value in (("stack_batch", stack_batch), ("window_batch", window_batch), ("stride", stride)):
            if value is not None and value < 1:
                raise ConfigError(f"{name} must be at least 1, got {value}")
        self._engine = engine
        self._given_stack_batch, self._given_window_batch = stack_batch, window_batch
        clip = engine.clip
        self.clip = clip
        """Frames that a clip holds."""
        self.num_labels = engine.num_labels
        """Columns of a row (K)."""
        self._stack_offsets = np.arange(clip.stack_size) * clip.frame_step
        self._clip_offsets = (
            np.arange(clip.num_stacks) * clip.stack_size * clip.frame_step - clip.frames_before
        )
        self.stride = stride
        """Rows are computed for every so many frames, and interpolated in between (row_stride.py); may change at any
        time. Where it falls, rows are interpolated until the stacks that were skipped lie behind. That of the first
        frame decides how much room there is for frames that wait for a full batch."""
        self.is_prompt = False
        """Return rows as soon as they are final, in smaller batches: for video that is watched while it runs."""
        self.reset()

    def reset(self) -> None:
        """Forget the video so far, and be ready for the next one."""
        self._between = Interpolation(self.num_labels)
        self._num_frames = 0
        """Frames pushed so far, those of gaps included."""
        self._pictures = Pictures()
        self._still_stack: LastStill[EngineArray] = LastStill()
        """Features, as `Engine.stack_at` gives them."""
        self._still_clip: LastStill[EngineArray] = LastStill()
        """Scores [1, K]."""
        self._size: tuple[int, int] | None = None
        self._stack_batch = self._window_batch = self._chunk = 1
        """The last one is how many frames are taken at once: enough to fill both batches."""
        self._room = 0
        """Stacks, and clips, that may wait for a full batch."""
        self._frames = RingTable(1)
        """By index."""
        self._stacks = RingTable(1)
        """By index of the first frame."""
        self._next_start = -self.clip.frames_before
        """First frame of the first stack that is not encoded yet."""
        self._next_center = 0
        """Center of the first clip not yet scored."""

    @property
    def num_bytes(self) -> int:
        """Memory of the frames and features that are kept; constant from the first row on."""
        return self._engine.num_bytes

    def push(
        self,
        frames: "NDArray[np.uint8] | Tensor",
        color_range: ColorRange = "limited",
        is_repeat: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.float32]:
        """Take the next frames and return the rows that are final with them.

        Args:
            frames: uint8 [n, H, W], luma as stored, n >= 0; one size for all of a video. An array, or a tensor on any
                device where the engine takes tensors.
            color_range: Their range tag.
            is_repeat: bool [n], whether each is the same source frame as the one before it, with the same luma: batches
                of clips that show nothing else are not computed again. None: none is.

        Returns:
            float32 [m, K] in [0, 1], following the rows returned before; m may be 0. NaN where the clip
            touches a gap.

        Raises:
            ConfigError: frames of another type, shape or size.
            ScoresError: scores are NaN or infinite.
        """
        own = self._engine.to_frames(frames)
        self._check_frames(own)
        rows: list[NDArray[np.float32]] = []
        for first in range(0, len(own), self._chunk):
            chunk = own[first : first + self._chunk]
            repeats = None if is_repeat is None else is_repeat[first : first + self._chunk]
            self._put(chunk, color_range, self._pictures.number(len(chunk), repeats))
            self._num_frames += len(chunk)
            rows += self._advance(waits=self._waits(first + len(chunk) == len(own)))
        return self._joined(rows)

    def push_gap(self, num_frames: int) -> NDArray[np.float32]:
        """Take so many frames as lost at this place of the video, and return the rows that are final with them.

        Rows of the lost frames, and of all clips that hold one of them, become NaN.

        Raises:
            ConfigError: `num_frames` is negative.
        """
        if num_frames < 0:
            raise ConfigError(f"num_frames of a gap must be at least 0, got {num_frames}")
        if self._size is None:
            self._start((1, 1))
        self._pictures.push_gap()
        rows: list[NDArray[np.float32]] = []
        for first in range(0, num_frames, self._chunk):
            count = min(self._chunk, num_frames - first)
            self._frames.put(self._num_frames + np.arange(count), SlotState.GAP)
            self._num_frames += count
            rows += self._advance(waits=self._waits(first + count == num_frames))
        return self._joined(rows)

    def finish(self) -> NDArray[np.float32]:
        """End the video, return its remaining rows, and be ready for the next one."""
        rows = self._advance(waits=False, ended=True) if self._num_frames else []
        rows.append(self._between.finish())
        self.reset()
        return self._joined(rows)

    def _check_frames(self, frames: EngineArray) -> None:
        if str(frames.dtype).removeprefix("torch.") != "uint8" or frames.ndim != 3:
            raise ConfigError(
                f"frames must be uint8 [n, H, W], got {frames.dtype} {list(frames.shape)}; "
                "luma is brought to [0, 1] in here"
            )
        size = (frames.shape[1], frames.shape[2])
        if self._size is None:
            self._start(size)
        elif size != self._size:
            raise ConfigError(
                f"frames of {size} after frames of {self._size} (height, width); all frames of a video "
                "must have one size, and finish() ends a video"
            )
        self._size = size

    def frames_at_once(self, size: tuple[int, int]) -> int:
        """Return how many frames of a size fill both batches; fewer in a push make partly filled batches."""
        batch = self._engine.default_batch(size)
        return max(self._given_stack_batch or batch, self._given_window_batch or batch)

    def _start(self, size: tuple[int, int]) -> None:
        """Choose batch sizes, and make room for what has to be kept between chunks; once a video."""
        if self._num_frames:
            return
        batch = self._engine.default_batch(size)
        self._stack_batch = self._given_stack_batch or batch
        self._window_batch = self._given_window_batch or batch
        self._chunk = self.frames_at_once(size)
        self._room = most_waiting(self._chunk, self.stride)
        clip = self.clip
        num_frames = clip.stack_size * clip.frame_step + self._chunk + self._room
        # After the end as many stacks are encoded at once as a clip looks ahead. Both stacks and clips may have waited.
        num_stacks = clip.span + clip.frames_after + self._chunk + 2 * self._room
        self._frames, self._stacks = RingTable(num_frames), RingTable(num_stacks)
        self._engine.reserve(num_frames, num_stacks)

    def _waits(self, is_last: bool) -> bool:
        """Return whether a partly filled batch waits for more frames, behind the last chunk of a push or another."""
        return not (is_last and self.is_prompt)

    def _put(self, chunk: EngineArray, color_range: ColorRange, pictures: NDArray[np.int64]) -> None:
        """Keep the next frames, unless they only repeat what is kept in their places."""
        positions = self._num_frames + np.arange(len(chunk))
        if len(chunk) and (pictures == pictures[0]).all() and self._frames.holds(positions, int(pictures[0])):
            return
        self._engine.put_frames(self._frames.put(positions, SlotState.READY, pictures), chunk, color_range)

    def _advance(self, *, waits: bool, ended: bool = False) -> list[NDArray[np.float32]]:
        """Encode the stacks and score the clips that the frames so far allow, and of these what fills a batch."""
        # All work of a GPU is queued before the first scores are waited for.
        return [self._rows(*batch) for batch in self._computed(self._room if waits else 0, ended=ended)]

    def _computed(self, may_wait: int, *, ended: bool) -> list[tuple[EngineArray | None, NDArray[np.uint8]]]:
        """Return of each batch of clips what `_score` gives."""
        clip = self.clip
        reach = (clip.stack_size - 1) * clip.frame_step
        # From its own center on, a clip goes up to frames_after; after the end, so far beyond the last frame.
        last_start = self._num_frames - 1 - reach + (clip.frames_after if ended else 0)
        while self._next_start <= last_start:
            starts = np.arange(self._next_start, last_start + 1)
            frames, states = self._stacks_from(starts)
            length = batch_length(states == SlotState.READY, self._stack_batch, may_wait)
            if not length:
                break
            self._encode(starts[:length], frames[:length], states[:length])
            self._next_start += length
        last_center = self._next_start - 1 + reach - clip.frames_after
        batches: list[tuple[EngineArray | None, NDArray[np.uint8]]] = []
        while self._next_center <= last_center:
            centers = np.arange(self._next_center, last_center + 1)
            stacks, states = self._clips_around(centers)
            length = batch_length(states == SlotState.READY, self._window_batch, may_wait)
            if not length:
                break
            batches.append(self._score(stacks[:length], states[:length]))
            self._next_center += length
        return batches

    def _stacks_from(self, starts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return the frames [M, S] of stacks, and each stack's state."""
        frames_MS = np.clip(starts[:, None] + self._stack_offsets, 0, self._num_frames - 1)
        is_whole = (self._frames.states(frames_MS) == SlotState.READY).all(axis=1)
        wanted = np.where(self._are_needed(starts), SlotState.READY, SlotState.SKIPPED)
        return frames_MS, np.where(is_whole, wanted, SlotState.GAP).astype(np.uint8)

    def _are_needed(self, starts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return of stacks whether a clip whose row is computed holds them."""
        centers = starts[:, None] - self._clip_offsets
        needed: NDArray[np.bool_] = (centers % self.stride == 0).any(axis=1)
        return needed

    def _encode(
        self, starts: NDArray[np.int64], frames_MS: NDArray[np.int64], states: NDArray[np.uint8]
    ) -> None:
        is_ready = states == SlotState.READY
        ready = starts[is_ready]
        pictures = common_picture(self._frames.pictures(frames_MS))
        if not len(ready):
            self._stacks.put(starts, states)
            return
        still = self._still_stack.of_batch(pictures[is_ready])
        if still is not None:
            # The batch shows one picture, and so did an earlier one of its size: its features are repeated.
            is_kept = self._stacks.holds(ready, int(pictures[is_ready][0]))
            self._stacks.put(starts, states, pictures)
            if not is_kept:
                self._engine.put_stack(self._stacks.slots(ready), still)
            return
        self._stacks.put(starts, states, pictures)
        slots = self._stacks.slots(ready)
        is_full = len(ready) == self._stack_batch
        self._engine.encode(self._frames.slots(frames_MS[is_ready]), slots, is_full=is_full)
        is_still = pictures[is_ready][-1] != UNIQUE
        self._still_stack.keep(
            pictures[is_ready], self._engine.stack_at(int(slots[-1])) if is_still else None
        )

    def _clips_around(self, centers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return the starts [M, N] of the stacks of clips, and the state of each clip's row."""
        starts_MN = centers[:, None] + self._clip_offsets
        stacks = self._stacks.states(starts_MN)
        has_gap = (stacks == SlotState.GAP).any(axis=1)
        is_skipped = (stacks == SlotState.SKIPPED).any(axis=1) | (centers % self.stride != 0)
        states = np.where(is_skipped, SlotState.SKIPPED, SlotState.READY)
        return starts_MN, np.where(has_gap, SlotState.GAP, states).astype(np.uint8)

    def _score(
        self, starts_MN: NDArray[np.int64], states: NDArray[np.uint8]
    ) -> tuple[EngineArray | None, NDArray[np.uint8]]:
        """Return scores of the READY clips, [m, K], or [1, K] for all of them; and each clip's state."""
        ready_MN = starts_MN[states == SlotState.READY]
        if not len(ready_MN):
            return None, states
        pictures = common_picture(self._stacks.pictures(ready_MN))
        scores = self._still_clip.of_batch(pictures)
        if scores is None:
            is_full = len(ready_MN) == self._window_batch
            scores = self._engine.score(self._stacks.slots(ready_MN), is_full=is_full)
            self._still_clip.keep(pictures, scores[-1:])
        return scores, states

    def _rows(self, scores: EngineArray | None, states: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return rows of the clips: scores, NaN for gaps, and interpolated ones where a stride skipped clips."""
        rows = np.full((len(states), self.num_labels), np.nan, dtype=np.float32)
        if scores is not None:
            rows[states == SlotState.READY] = _checked(self._engine.to_rows(scores), self._engine.half)
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
    if half:
        raise ScoresError(
            f"the model gives NaN or infinite scores in {half}, whose range its features may leave; "
            "take --precision float32"
        )
    raise ScoresError(
        "the model gives NaN or infinite scores: its weights are damaged, or its training diverged; train it "
        "again, or take another checkpoint"
    )
