"""Frames of a video in, in chunks of any size; one row of scores per frame out.

The clip centered at c holds the stacks that start at c - frames_before + n * S * step, n = 0..N-1.
The clip centered at c + 1 holds those one frame later, so over a video each starting frame's stack
is encoded once and serves N clips:

    start    ... s ................ s + S*step ........ s + 2*S*step ...
    clip c        [stack 0]          [stack 1]           [stack 2]
    clip c + 1     [stack 0]          [stack 1]           [stack 2]

Each new frame costs one stack of 2D work and one pass of the 3D blocks. Before the first and
after the last frame stacks start at places that are not there; their frames repeat the edge, as
`ClipConfig.indices` has it.
"""

# Dimension letters in this file:
#   n frames pushed, m rows returned, S frames per stack, N stacks per clip, M stacks or clips in a batch,
#   V views (plain, flipped), C E h w what is kept of a stack, K labels, H W picture size.

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvas.errors import ConfigError
from bvas.inference.compiled_function import Steady
from bvas.inference.flip_tta import check_models, mean_of_views, with_flipped
from bvas.inference.precision import check_dtype, default_batch, float32_convolutions
from bvas.inference.predictor_protocol import checked_scores
from bvas.inference.prepared_model import PreparedModel
from bvas.inference.ring_buffer import Presence, Ring
from bvas.inference.row_stride import Between, batch_length, most_waiting
from bvas.inference.still_clips import LastStill, Pictures, common_picture
from bvas.models.spotting import SpottingModel
from bvas.values.clip_config import ClipConfig
from bvas.values.luma import ColorRange, LumaScaling, to_unit


class StreamingPredictor:
    """Score every frame of a video in one pass, with several models and mirror images at once.

    A row is final once the frame `clip.frames_after` behind it was pushed, or the video ended. With a stride it
    comes when it fills a batch, unless `is_prompt`. In float32 it equals the whole clip's forward pass up to rounding,
    whatever the chunks. Memory is bounded by the clip's span, the batch sizes and the stride, not by the video or
    the chunk.

    Not to be shared between threads or videos at a time; after `finish` or `reset` it is ready for the next video.
    """

    def __init__(
        self,
        models: Sequence[SpottingModel],
        clip: ClipConfig,
        *,
        luma_scaling: LumaScaling = "range",
        flip: bool = True,
        stack_batch: int | None = None,
        window_batch: int | None = None,
        dtype: torch.dtype = torch.float32,
        stride: int = 1,
        compiled: bool = False,
    ) -> None:
        """Take models to predict with; their weights are copied.

        Args:
            models: At least one, of this clip, on one device; put in evaluation mode. Their mean is taken.
            clip: Which frames a clip holds.
            luma_scaling: How luma becomes [0, 1].
            flip: Average with the scores of the mirrored clip; twice the work.
            stack_batch: Most stacks encoded at once, each twice with `flip`. None: by device and picture size.
            window_batch: Most clips scored at once, each twice with `flip`. None: as `stack_batch`.
            dtype: What to compute in: torch.float32, torch.bfloat16, or torch.float16 on CUDA.
            stride: As the attribute.
            compiled: Compile what full batches run through; for CUDA and long videos.

        Raises:
            ConfigError: models that do not go together or with the clip; a batch size or stride below 1; a type
                that is not for this device.
        """
        self._device = check_models(models, clip)
        for name, value in (("stack_batch", stack_batch), ("window_batch", window_batch), ("stride", stride)):
            if value is not None and value < 1:
                raise ConfigError(f"{name} must be at least 1, got {value}")
        check_dtype(dtype, self._device)
        self._num_views = 2 if flip else 1
        self._asked_stack_batch, self._asked_window_batch = stack_batch, window_batch
        self.clip = clip
        self.num_labels = models[0].num_labels
        self._models = [PreparedModel(model, dtype) for model in models]
        self._luma_scaling: LumaScaling = luma_scaling
        self._flip = flip
        self._dtype = dtype
        self._half = "" if dtype == torch.float32 else str(dtype).removeprefix("torch.")
        self._steady = Steady(compiled)
        self._stack_offsets = np.arange(clip.stack_size) * clip.frame_step
        self._clip_offsets = (
            np.arange(clip.num_stacks) * clip.stack_size * clip.frame_step - clip.frames_before
        )
        self.stride = stride
        """Rows are computed for every so many frames, and filled in between (thinning.py); may change at any time.
        Where it falls, rows are filled in until the stacks that were left out lie behind. That of the first frame
        decides how much room there is for frames that wait for a full batch."""
        self.is_prompt = False
        """Give rows as soon as they are final: with a stride, batches that a push leaves partly filled do not wait."""
        self.reset()

    def reset(self) -> None:
        """Forget the video so far, and be ready for the next one."""
        self._between = Between(self.num_labels)
        self._num_frames = 0
        """Frames pushed or lost so far."""
        self._pictures = Pictures()
        self._still_stack: LastStill[list[tuple[Tensor, ...]]] = LastStill()
        """Of each model what `PreparedModel.encode` gives, [V, 1, h, w, C or E]."""
        self._still_clip: LastStill[Tensor] = LastStill()
        """Scores [1, K]."""
        self._size: tuple[int, int] | None = None
        self._stack_batch = self._window_batch = self._chunk = 1
        """The last one is how many frames are taken at once: enough to fill both batches."""
        self._room = 0
        """Stacks, and clips, that may wait for a full batch."""
        self._frames = Ring(1)
        """By index, [1, n, H, W] in [0, 1]."""
        self._kept: list[tuple[Ring, ...]] = []
        """Of each model by the stack's start: what `PreparedModel.encode` gives, [V, n, h, w, C or E]."""
        self._stacks = Ring(1)
        """Which stacks are there, and of which picture; no rows."""
        self._next_start = -self.clip.frames_before
        """Where the first stack not yet encoded starts."""
        self._next_center = 0
        """Center of the first clip not yet scored."""

    @property
    def num_bytes(self) -> int:
        """Memory of the frames and features that are kept; constant from the first row on."""
        return self._frames.num_bytes + sum(ring.num_bytes for rings in self._kept for ring in rings)

    @torch.inference_mode()
    def push(
        self,
        frames: NDArray[np.uint8] | Tensor,
        color_range: ColorRange = "limited",
        is_repeat: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.float32]:
        """Take the next frames and return the rows that are final with them.

        Args:
            frames: uint8 [n, H, W], luma as stored, n >= 0, on any device; one size for all of a video.
            color_range: Their range tag.
            is_repeat: bool [n], whether each is the same source frame as the one before it, with the same luma: the
                models are spared batches of clips that show nothing else. None: none is.

        Returns:
            float32 [m, K] in [0, 1], following the rows returned before; m may be 0. NaN where the clip
            touches lost frames.

        Raises:
            ConfigError: frames of another type, shape or size.
            ScoresError: scores are NaN or infinite.
        """
        if isinstance(frames, np.ndarray):
            # PyTorch warns of arrays that are read-only, as those of shared memory may be.
            frames = torch.from_numpy(np.require(frames, requirements=["C", "W"]))
        self._check_frames(frames)
        rows: list[NDArray[np.float32]] = []
        for first in range(0, len(frames), self._chunk):
            chunk = frames[first : first + self._chunk]
            repeats = None if is_repeat is None else is_repeat[first : first + self._chunk]
            self._put(chunk, color_range, self._pictures.number(len(chunk), repeats))
            self._num_frames += len(chunk)
            rows += self._advance(waits=self._waits(first + len(chunk) == len(frames)))
        return self._joined(rows)

    @torch.inference_mode()
    def break_here(self, num_missing: int) -> NDArray[np.float32]:
        """Count frames as lost at this place of the video, and return the rows that are final with them.

        Rows of the lost frames, and of all clips that hold one of them, become NaN.

        Raises:
            ConfigError: `num_missing` is negative.
        """
        if num_missing < 0:
            raise ConfigError(f"num_missing must be at least 0, got {num_missing}")
        if self._size is None:
            self._start((1, 1))
        self._pictures.break_here()
        rows: list[NDArray[np.float32]] = []
        for first in range(0, num_missing, self._chunk):
            count = min(self._chunk, num_missing - first)
            self._frames.mark(range(self._num_frames, self._num_frames + count), Presence.LOST)
            self._num_frames += count
            rows += self._advance(waits=self._waits(first + count == num_missing))
        return self._joined(rows)

    @torch.inference_mode()
    def finish(self) -> NDArray[np.float32]:
        """End the video, return its remaining rows, and be ready for the next one."""
        rows = self._advance(waits=False, ended=True) if self._num_frames else []
        rows.append(self._between.finish())
        self.reset()
        return self._joined(rows)

    def _check_frames(self, frames: Tensor) -> None:
        if frames.dtype != torch.uint8 or frames.ndim != 3:
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

    def _start(self, size: tuple[int, int]) -> None:
        """Choose batch sizes, and make room for what has to be kept between chunks; once a video."""
        if self._num_frames:
            return
        batch = default_batch(self._device, size, self._num_views)
        self._stack_batch = self._asked_stack_batch or batch
        self._window_batch = self._asked_window_batch or batch
        self._chunk = max(self._stack_batch, self._window_batch)
        self._room = most_waiting(self._chunk, self.stride)
        clip = self.clip
        self._frames = Ring(clip.stack_size * clip.frame_step + self._chunk + self._room)
        # After the end as many stacks are encoded at once as a clip looks ahead. Both stacks and clips may have waited.
        rows = clip.span + clip.frames_after + self._chunk + 2 * self._room
        self._stacks = Ring(rows)
        num_kept = 2 if self._models[0].blocks else 1
        self._kept = [tuple(Ring(rows) for _ in range(num_kept)) for _ in self._models]

    def _waits(self, is_last: bool) -> bool:
        """Return whether a partly filled batch waits for more frames, behind the last chunk of a push or another."""
        return not (is_last and self.is_prompt)

    def _put(self, chunk: Tensor, color_range: ColorRange, pictures: NDArray[np.int64]) -> None:
        """Keep the next frames, unless they only repeat what is kept in their places."""
        positions = self._num_frames + np.arange(len(chunk))
        if len(chunk) and (pictures == pictures[0]).all() and self._frames.holds(positions, int(pictures[0])):
            return
        unit = to_unit(chunk.to(self._device)[None], [color_range], self._luma_scaling).to(self._dtype)
        self._frames.put(positions, unit, pictures)

    def _advance(self, *, waits: bool, ended: bool = False) -> list[NDArray[np.float32]]:
        """Encode the stacks and score the clips that the frames so far allow, and of these what fills a batch."""
        with float32_convolutions():
            return [self._filled(*part) for part in self._computed(self._room if waits else 0, ended=ended)]

    def _computed(self, may_wait: int, *, ended: bool) -> list[tuple[Tensor | None, NDArray[np.uint8]]]:
        """Return of the clips scored and presence, as `_score` gives them."""
        clip = self.clip
        reach = (clip.stack_size - 1) * clip.frame_step
        # From its own center on, a clip goes up to frames_after; after the end, so far beyond the last frame.
        last_start = self._num_frames - 1 - reach + (clip.frames_after if ended else 0)
        while self._next_start <= last_start:
            starts = np.arange(self._next_start, last_start + 1)
            frames, presence = self._stacks_of(starts)
            length = batch_length(presence == Presence.THERE, self._stack_batch, may_wait)
            if not length:
                break
            self._encode(starts[:length], frames[:length], presence[:length])
            self._next_start += length
        last_center = self._next_start - 1 + reach - clip.frames_after
        rows: list[tuple[Tensor | None, NDArray[np.uint8]]] = []
        while self._next_center <= last_center:
            centers = np.arange(self._next_center, last_center + 1)
            stacks, presence = self._clips_at(centers)
            length = batch_length(presence == Presence.THERE, self._window_batch, may_wait)
            if not length:
                break
            rows.append(self._score(stacks[:length], presence[:length]))
            self._next_center += length
        return rows

    def _stacks_of(self, starts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return the frames [M, S] of stacks, and of each stack what is known."""
        frames_MS = np.clip(starts[:, None] + self._stack_offsets, 0, self._num_frames - 1)
        is_there = (self._frames.presence(frames_MS) == Presence.THERE).all(axis=1)
        served = np.where(self._serve(starts), Presence.THERE, Presence.LEFT_OUT)
        return frames_MS, np.where(is_there, served, Presence.LOST).astype(np.uint8)

    def _encode(
        self, starts: NDArray[np.int64], frames_MS: NDArray[np.int64], presence: NDArray[np.uint8]
    ) -> None:
        pictures = common_picture(self._frames.pictures(frames_MS))
        self._stacks.set_presence(starts, presence, pictures)
        wanted = presence == Presence.THERE
        if not wanted.any():
            return
        still = self._still_stack.of_batch(pictures[wanted])
        if still is not None:
            self._repeat_stack(starts[wanted], still, int(pictures[wanted][0]))
            return
        frames = self._frames.take(frames_MS[wanted].ravel())
        frames_MSHW = frames.view(-1, self.clip.stack_size, *frames.shape[2:])
        views = with_flipped(frames_MSHW, self._flip).contiguous(memory_format=torch.channels_last)
        is_steady = int(wanted.sum()) == self._stack_batch
        for model, rings in zip(self._models, self._kept, strict=True):
            kept = self._steady.run(model.encode, views, is_steady=is_steady)
            for ring, rows in zip(rings, kept, strict=True):
                ring.put(starts[wanted], rows.view(self._num_views, -1, *rows.shape[1:]), pictures[wanted])
        last = starts[wanted][-1:]
        self._still_stack.keep(
            pictures[wanted], [tuple(ring.take(last) for ring in rings) for rings in self._kept]
        )

    def _repeat_stack(self, starts: NDArray[np.int64], still: list[tuple[Tensor, ...]], picture: int) -> None:
        """Keep of stacks that show one picture what was made of an earlier one."""
        pictures = np.full(len(starts), picture)
        for rings, kept in zip(self._kept, still, strict=True):
            for ring, row in zip(rings, kept, strict=True):
                if not ring.holds(starts, picture):
                    ring.put(starts, row.expand(-1, len(starts), *row.shape[2:]), pictures)

    def _serve(self, starts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return of stacks whether a clip whose row is computed holds them."""
        centers = starts[:, None] - self._clip_offsets
        served: NDArray[np.bool_] = (centers % self.stride == 0).any(axis=1)
        return served

    def _clips_at(self, centers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return the starts [M, N] of the stacks of clips, and of each clip what is known of its row."""
        starts_MN = centers[:, None] + self._clip_offsets
        stacks = self._stacks.presence(starts_MN)
        is_lost = (stacks == Presence.LOST).any(axis=1)
        is_left_out = (stacks == Presence.LEFT_OUT).any(axis=1) | (centers % self.stride != 0)
        known = np.where(is_left_out, Presence.LEFT_OUT, Presence.THERE)
        return starts_MN, np.where(is_lost, Presence.LOST, known).astype(np.uint8)

    def _score(
        self, starts_MN: NDArray[np.int64], presence: NDArray[np.uint8]
    ) -> tuple[Tensor | None, NDArray[np.uint8]]:
        """Return scores [m, K] of the clips that are scored, and of each clip what is known of its row."""
        wanted = presence == Presence.THERE
        if not wanted.any():
            return None, presence
        pictures = common_picture(self._stacks.pictures(starts_MN[wanted]))
        still = self._still_clip.of_batch(pictures)
        if still is not None:
            return still.expand(len(pictures), -1), presence
        places = starts_MN[wanted].ravel()
        is_steady = int(wanted.sum()) == self._window_batch
        logits = []
        for model, rings in zip(self._models, self._kept, strict=True):
            kept = [self._clips_of(ring.take(places)) for ring in rings]
            logits.append(self._steady.run(model.score, *kept, is_steady=is_steady).clone())
        scores = mean_of_views(logits, self._num_views)
        self._still_clip.keep(pictures, scores[-1:])
        return scores, presence

    def _clips_of(self, stacks: Tensor) -> Tensor:
        """Return [V * M, N, ...] of [V, M * N, ...]."""
        return stacks.view(-1, self.clip.num_stacks, *stacks.shape[2:])

    def _filled(self, scores: Tensor | None, presence: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return rows of the clips: scores, NaN, and what lies between those that the stride computes."""
        rows = np.full((len(presence), self.num_labels), np.nan, dtype=np.float32)
        if scores is not None:
            rows[presence == Presence.THERE] = checked_scores(scores.cpu().numpy(), self._half)
        return self._between.fill(rows, presence == Presence.LEFT_OUT)

    def _joined(self, rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.concatenate([np.empty((0, self.num_labels), dtype=np.float32), *rows])
