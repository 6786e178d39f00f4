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
#   V views (plain, flipped), C h w features of a stack, K labels, H W picture size.

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from einops import rearrange
from numpy.typing import NDArray
from torch import Tensor

from bvas.clips import ClipConfig
from bvas.errors import ConfigError
from bvas.inference.scoring import check_models, mean_of_views, with_flipped
from bvas.inference.thinning import Between
from bvas.luma import ColorRange, LumaScaling, to_unit
from bvas.models.spotting import SpottingModel


class StreamingPredictor:
    """Score every frame of a video in one pass, with several models and mirror images at once.

    A row is final once the frame `clip.frames_after` behind it was pushed, or the video ended. It
    equals the whole clip's forward pass up to rounding, whatever the chunks. Memory is bounded by the clip's
    span and the batch sizes, not by the video or the chunk.

    Not to be shared between threads or videos at a time; after `finish` it is ready for the next video.
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
        autocast: torch.dtype | None = None,
    ) -> None:
        """Take models to predict with.

        Args:
            models: At least one, of this clip, on one device; put in evaluation mode. Their mean is taken.
            clip: Which frames a clip holds.
            luma_scaling: How luma becomes [0, 1].
            flip: Average with the scores of the mirrored clip; twice the work.
            stack_batch: Most stacks encoded at once, each twice with `flip`. None: on a CPU 16, or 8 with
                `flip`, as larger ones fall out of its cache; elsewhere 32.
            window_batch: Most clips scored at once, each twice with `flip`. None: as `stack_batch`.
            autocast: On CUDA, the type to compute in (torch.float16, torch.bfloat16); None: the models' own.

        Raises:
            ConfigError: models that do not go together or with the clip; a batch size below 1.
        """
        self._device = check_models(models, clip)
        self._num_views = 2 if flip else 1
        default_batch = 16 // self._num_views if self._device.type == "cpu" else 32
        self._stack_batch = default_batch if stack_batch is None else stack_batch
        self._window_batch = default_batch if window_batch is None else window_batch
        if min(self._stack_batch, self._window_batch) < 1:
            raise ConfigError(
                "stack_batch and window_batch must be at least 1, "
                f"got {self._stack_batch} and {self._window_batch}"
            )
        self._chunk = max(self._stack_batch, self._window_batch)
        """Frames taken at once: enough to fill both batches."""
        if autocast is not None and self._device.type != "cuda":
            raise ConfigError(f"autocast to {autocast} is for CUDA; the models are on {self._device}")
        self.clip = clip
        self.num_labels = models[0].num_labels
        self._models = tuple(models)
        self._luma_scaling: LumaScaling = luma_scaling
        self._flip = flip
        self._autocast = autocast
        self.stride = 1
        """Rows are computed for every so many frames, and filled in between (thinning.py); may change at any time.
        Where it falls, rows are filled in until the stacks that were left out lie behind."""
        self._reset()

    def _reset(self) -> None:
        self._between = Between(self.num_labels)
        self._num_frames = 0
        """Frames pushed or lost so far."""
        self._size: tuple[int, int] | None = None
        self._frames: dict[int, Tensor | None] = {}
        """By index, [H, W] in [0, 1]; None for lost frames. Only those that a stack still needs."""
        self._next_start = -self.clip.frames_before
        """Where the first stack not yet encoded starts."""
        self._features: dict[int, tuple[Tensor, ...] | None] = {}
        """By start, of each model [V, C, h, w]; None where a frame is lost, empty where the stride left them out.
        Only those still needed."""
        self._next_center = 0
        """Center of the first clip not yet scored."""

    @torch.inference_mode()
    def push(
        self, frames: NDArray[np.uint8] | Tensor, color_range: ColorRange = "limited"
    ) -> NDArray[np.float32]:
        """Take the next frames and return the rows that are final with them.

        Args:
            frames: uint8 [n, H, W], luma as stored, n >= 0, on any device; one size for all of a video.
            color_range: Their range tag.

        Returns:
            float32 [m, K] in [0, 1], following the rows returned before; m may be 0. NaN where the clip
            touches lost frames.

        Raises:
            ConfigError: frames of another type, shape or size.
        """
        if isinstance(frames, np.ndarray):
            # PyTorch warns of arrays that are read-only, as those of shared memory may be.
            frames = torch.from_numpy(np.require(frames, requirements=["C", "W"]))
        self._check_frames(frames)
        rows = []
        for first in range(0, len(frames), self._chunk):
            chunk = frames[first : first + self._chunk].to(self._device)
            rows.append(self._take(to_unit(chunk[None], [color_range], self._luma_scaling)[0]))
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
        rows = []
        for first in range(0, num_missing, self._chunk):
            rows.append(self._take([None] * min(self._chunk, num_missing - first)))
        return self._joined(rows)

    @torch.inference_mode()
    def finish(self) -> NDArray[np.float32]:
        """End the video, return its remaining rows, and be ready for the next one."""
        rows = self._advance(ended=True) if self._num_frames else []
        rows.append(self._between.finish())
        self._reset()
        return self._joined([rows])

    def _check_frames(self, frames: Tensor) -> None:
        if frames.dtype != torch.uint8 or frames.ndim != 3:
            raise ConfigError(
                f"frames must be uint8 [n, H, W], got {frames.dtype} {list(frames.shape)}; "
                "luma is brought to [0, 1] in here"
            )
        size = (frames.shape[1], frames.shape[2])
        if self._size is not None and size != self._size:
            raise ConfigError(
                f"frames of {size} after frames of {self._size} (height, width); all frames of a video "
                "must have one size, and finish() ends a video"
            )
        self._size = size

    def _take(self, frames: Iterable[Tensor | None]) -> list[NDArray[np.float32]]:
        for frame in frames:
            self._frames[self._num_frames] = frame
            self._num_frames += 1
        return self._advance(ended=False)

    def _advance(self, *, ended: bool) -> list[NDArray[np.float32]]:
        """Encode the stacks and score the clips that the frames so far allow."""
        clip, rows = self.clip, []
        last_frame = self._num_frames - 1
        reach = (clip.stack_size - 1) * clip.frame_step
        # From its own center on, a clip goes up to frames_after; after the end, so far beyond the last frame.
        last_start = last_frame - reach + (clip.frames_after if ended else 0)
        while self._next_start <= last_start:
            stop = min(last_start + 1, self._next_start + self._stack_batch)
            self._encode(range(self._next_start, stop))
        last_center = last_start + reach - clip.frames_after
        while self._next_center <= last_center:
            stop = min(last_center + 1, self._next_center + self._window_batch)
            rows.append(self._score(range(self._next_center, stop)))
        return rows

    def _encode(self, starts: range) -> None:
        clip, last_frame = self.clip, self._num_frames - 1
        offsets = range(0, clip.stack_size * clip.frame_step, clip.frame_step)
        encoded: list[int] = []
        stacks: list[Tensor] = []
        for start in starts:
            frames = [self._frames[min(max(start + offset, 0), last_frame)] for offset in offsets]
            there = [frame for frame in frames if frame is not None]
            self._features[start] = None
            if len(there) == clip.stack_size and not self._serves(start):
                self._features[start] = ()
            elif len(there) == clip.stack_size:
                encoded.append(start)
                stacks.append(torch.stack(there))
        if stacks:
            views_VMSHW = with_flipped(torch.stack(stacks), self._flip)
            with self._precision():
                features = [model.encode_stacks(views_VMSHW) for model in self._models]
            per_model = [rearrange(one, "(V M) C h w -> M V C h w", V=self._num_views) for one in features]
            for i, start in enumerate(encoded):
                self._features[start] = tuple(one[i] for one in per_model)
        self._next_start = starts.stop
        # The last frame stays whatever comes: after the end it is repeated.
        for index in [i for i in self._frames if i < min(max(starts.stop, 0), last_frame)]:
            del self._frames[index]

    def _serves(self, start: int) -> bool:
        """Return whether a clip whose row is computed holds the stack that starts there."""
        reach = self.clip.stack_size * self.clip.frame_step
        first = start + self.clip.frames_before
        return any((first - stack * reach) % self.stride == 0 for stack in range(self.clip.num_stacks))

    def _score(self, centers: range) -> NDArray[np.float32]:
        clip = self.clip
        offsets = [
            stack * clip.stack_size * clip.frame_step - clip.frames_before for stack in range(clip.num_stacks)
        ]
        scored: list[int] = []
        windows: list[list[tuple[Tensor, ...]]] = []
        is_left_out = np.zeros(len(centers), np.bool_)
        for row, center in enumerate(centers):
            features = [self._features[center + offset] for offset in offsets]
            there = [stack for stack in features if stack is not None]
            if len(there) < clip.num_stacks:
                continue
            if center % self.stride or not all(there):
                is_left_out[row] = True
            else:
                scored.append(row)
                windows.append(there)
        rows = np.full((len(centers), self.num_labels), np.nan, dtype=np.float32)
        if windows:
            with self._precision():
                logits = [
                    model.score_windows(self._window_batch_of(windows, number))
                    for number, model in enumerate(self._models)
                ]
            rows[scored] = mean_of_views(logits, self._num_views).cpu().numpy()
        self._next_center = centers.stop
        for start in [s for s in self._features if s < centers.stop - clip.frames_before]:
            del self._features[start]
        return self._between.fill(rows, is_left_out)

    def _window_batch_of(self, windows: list[list[tuple[Tensor, ...]]], number: int) -> Tensor:
        """Return [V * M, N, C, h, w]: the features of M clips by one model, view by view."""
        stacks = [stack[number] for window in windows for stack in window]
        return rearrange(torch.stack(stacks), "(M N) V C h w -> (V M) N C h w", N=self.clip.num_stacks)

    def _precision(self) -> AbstractContextManager[object]:
        return nullcontext() if self._autocast is None else torch.autocast("cuda", self._autocast)

    def _joined(self, rows: Iterable[Sequence[NDArray[np.float32]]]) -> NDArray[np.float32]:
        empty = np.empty((0, self.num_labels), dtype=np.float32)
        return np.concatenate([empty, *(row for part in rows for row in part)])
