"""`StreamingPredictor` without PyTorch: the same rows, by NumPy and two functions that ONNX Runtime computes.

Which stacks and clips there are, and what becomes of edges and lost frames, is told in streaming.py.
"""

# Dimension letters in this file:
#   n frames pushed, m rows returned, S frames per stack, N stacks per clip, M stacks or clips in a batch,
#   V views (plain, flipped), C h w features of a stack, K labels, H W picture size.

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.inference.predictor_protocol import checked_scores
from bvas.inference.row_stride import Between, batch_length, most_waiting
from bvas.inference.still_clips import UNIQUE, LastStill, Pictures, common_picture
from bvas.values.clip_config import ClipConfig
from bvas.values.luma import ColorRange, LumaScaling, to_unit_array

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float32]


class _Missing(Enum):
    LOST = "a frame of the stack is lost"
    LEFT_OUT = "no clip whose row is computed holds the stack"


class OnnxPredictor:
    """Score every frame of a video in one pass, with mirror images at once.

    Memory is bounded by the clip's span and the batch sizes, not by the video or the chunk. Not to be shared
    between threads or videos at a time; after `finish` or `reset` it is ready for the next video.
    """

    def __init__(
        self,
        encode: Callable[[Array], Array],
        score: Callable[[Array], Array],
        clip: ClipConfig,
        num_labels: int,
        *,
        luma_scaling: LumaScaling = "range",
        flip: bool = True,
        stack_batch: int | None = None,
        window_batch: int | None = None,
    ) -> None:
        """Take the two parts of a model.

        Args:
            encode: Features [M, C, h, w] of stacks [M, S, H, W] in [0, 1], each of its own frames only.
            score: Scores [M, K] in [0, 1] of clips, given the features [M, N, C, h, w] of their stacks.
            clip: Which frames a clip holds.
            num_labels: Labels (K).
            luma_scaling: How luma becomes [0, 1].
            flip: Average with the scores of the mirrored clip; twice the work.
            stack_batch: Most stacks encoded at once, each twice with `flip`; None: 16, or 8 with `flip`.
            window_batch: Most clips scored at once, each twice with `flip`; None: as `stack_batch`.

        Raises:
            ConfigError: a batch size below 1.
        """
        self._num_views = 2 if flip else 1
        default_batch = 16 // self._num_views
        self._stack_batch = default_batch if stack_batch is None else stack_batch
        self._window_batch = default_batch if window_batch is None else window_batch
        if min(self._stack_batch, self._window_batch) < 1:
            raise ConfigError(
                "stack_batch and window_batch must be at least 1, "
                f"got {self._stack_batch} and {self._window_batch}"
            )
        self._chunk = max(self._stack_batch, self._window_batch)
        self._encode_stacks = encode
        self._score_windows = score
        self.clip = clip
        self.num_labels = num_labels
        self._luma_scaling: LumaScaling = luma_scaling
        self._stack_offsets = range(0, clip.stack_size * clip.frame_step, clip.frame_step)
        reach = clip.stack_size * clip.frame_step
        self._clip_offsets = [stack * reach - clip.frames_before for stack in range(clip.num_stacks)]
        self.stride = 1
        """As that of `StreamingPredictor`."""
        self.is_prompt = False
        """As that of `StreamingPredictor`."""
        self.reset()

    def reset(self) -> None:
        """Forget the video so far, and be ready for the next one."""
        self._between = Between(self.num_labels)
        self._num_frames = 0
        """Frames pushed or lost so far."""
        self._room = 0
        """Stacks, and clips, that may wait for a full batch; by the stride of the first frame."""
        self._size: tuple[int, ...] | None = None
        self._frames: dict[int, Array | None] = {}
        """By index, [H, W] in [0, 1]; None for lost frames. Only those that a stack still needs."""
        self._pictures = Pictures()
        self._picture_of_frame: dict[int, int] = {}
        """By index, for the same frames."""
        self._next_start = -self.clip.frames_before
        """Where the first stack not yet encoded starts."""
        self._features: dict[int, Array | _Missing] = {}
        """By start, [V, C, h, w]. Only those still needed."""
        self._picture_of_stack: dict[int, int] = {}
        """By start, for the same stacks."""
        self._still_stack: LastStill[Array] = LastStill()
        """[V, C, h, w]"""
        self._still_clip: LastStill[Array] = LastStill()
        """[K]"""
        self._next_center = 0
        """Center of the first clip not yet scored."""

    def push(
        self,
        frames: "NDArray[np.uint8] | Tensor",
        color_range: ColorRange = "limited",
        is_repeat: NDArray[np.bool_] | None = None,
    ) -> Array:
        """Take the next frames and return the rows that are final with them.

        Args:
            frames: uint8 [n, H, W], luma as stored, n >= 0, in an array; one size for all of a video.
            color_range: Their range tag.
            is_repeat: As that of `StreamingPredictor`.

        Returns:
            float32 [m, K] in [0, 1], following the rows returned before; m may be 0. NaN where the clip
            touches lost frames.

        Raises:
            ConfigError: frames of another type, shape or size.
            ScoresError: scores are NaN or infinite.
        """
        array = self._checked(frames)
        rows = []
        for first in range(0, len(array), self._chunk):
            chunk = array[first : first + self._chunk]
            is_last = first + len(chunk) == len(array)
            repeats = None if is_repeat is None else is_repeat[first : first + self._chunk]
            pictures = self._pictures.number(len(chunk), repeats)
            unit = to_unit_array(chunk, color_range, self._luma_scaling)
            rows += self._take(unit, pictures.tolist(), is_last=is_last)
        return self._joined(rows)

    def break_here(self, num_missing: int) -> Array:
        """Count frames as lost at this place of the video, and return the rows that are final with them.

        Rows of the lost frames, and of all clips that hold one of them, become NaN.

        Raises:
            ConfigError: `num_missing` is negative.
        """
        if num_missing < 0:
            raise ConfigError(f"num_missing must be at least 0, got {num_missing}")
        rows = []
        self._pictures.break_here()
        for first in range(0, num_missing, self._chunk):
            count = min(self._chunk, num_missing - first)
            rows += self._take([None] * count, [UNIQUE] * count, is_last=first + count == num_missing)
        return self._joined(rows)

    def finish(self) -> Array:
        """End the video, return its remaining rows, and be ready for the next one."""
        rows = self._advance(0, ended=True) if self._num_frames else []
        rows.append(self._between.finish())
        self.reset()
        return self._joined(rows)

    def _checked(self, frames: "NDArray[np.uint8] | Tensor") -> NDArray[np.uint8]:
        if not isinstance(frames, np.ndarray):
            raise ConfigError(
                f"frames must be in an array in the CPU's memory, got a {type(frames).__name__}"
            )
        if frames.dtype != np.uint8 or frames.ndim != 3:
            raise ConfigError(
                f"frames must be uint8 [n, H, W], got {frames.dtype} {list(frames.shape)}; "
                "luma is brought to [0, 1] in here"
            )
        size = frames.shape[1:]
        if self._size is not None and size != self._size:
            raise ConfigError(
                f"frames of {size} after frames of {self._size} (height, width); all frames of a video "
                "must have one size, and finish() ends a video"
            )
        self._size = size
        return frames

    def _take(self, frames: Iterable[Array | None], pictures: Sequence[int], *, is_last: bool) -> list[Array]:
        if not self._num_frames:
            self._room = most_waiting(self._chunk, self.stride)
        for frame, picture in zip(frames, pictures, strict=True):
            self._frames[self._num_frames] = frame
            self._picture_of_frame[self._num_frames] = picture
            self._num_frames += 1
        return self._advance(0 if is_last and self.is_prompt else self._room)

    def _advance(self, may_wait: int, *, ended: bool = False) -> list[Array]:
        """Encode the stacks and score the clips that the frames so far allow, and of these what fills a batch."""
        clip, rows = self.clip, []
        reach = self._stack_offsets[-1]
        # From its own center on, a clip goes up to frames_after; after the end, so far beyond the last frame.
        last_start = self._num_frames - 1 - reach + (clip.frames_after if ended else 0)
        while self._next_start <= last_start:
            starts = range(self._next_start, last_start + 1)
            stacks = [self._stack_at(start) for start in starts]
            length = batch_length(_is_there(stacks), self._stack_batch, may_wait)
            if not length:
                break
            self._encode(starts[:length], stacks[:length])
        last_center = self._next_start - 1 + reach - clip.frames_after
        while self._next_center <= last_center:
            centers = range(self._next_center, last_center + 1)
            windows = [self._window_at(center) for center in centers]
            length = batch_length(_is_there(windows), self._window_batch, may_wait)
            if not length:
                break
            rows.append(self._score(centers[:length], windows[:length]))
        return rows

    def _stack_at(self, start: int) -> list[Array] | _Missing:
        """Return the frames of the stack that begins there."""
        last_frame = self._num_frames - 1
        frames = [self._frames[min(max(start + offset, 0), last_frame)] for offset in self._stack_offsets]
        there = [frame for frame in frames if frame is not None]
        if len(there) < len(frames):
            return _Missing.LOST
        is_served = any((start - offset) % self.stride == 0 for offset in self._clip_offsets)
        return there if is_served else _Missing.LEFT_OUT

    def _window_at(self, center: int) -> list[Array] | _Missing:
        """Return the features of the stacks of the clip around a frame."""
        stacks = [self._features[center + offset] for offset in self._clip_offsets]
        there = [stack for stack in stacks if not isinstance(stack, _Missing)]
        if _Missing.LOST in [stack for stack in stacks if isinstance(stack, _Missing)]:
            return _Missing.LOST
        return _Missing.LEFT_OUT if center % self.stride or len(there) < len(stacks) else there

    def _encode(self, starts: range, stacks: Sequence[list[Array] | _Missing]) -> None:
        encoded: list[int] = []
        there: list[Array] = []
        for start, stack in zip(starts, stacks, strict=True):
            if isinstance(stack, _Missing):
                self._features[start] = stack
            else:
                encoded.append(start)
                there.append(np.stack(stack))
        if there:
            pictures = np.array([self._picture_at(start) for start in encoded])
            self._picture_of_stack.update(zip(encoded, pictures.tolist(), strict=True))
            still = self._still_stack.of_batch(pictures)
            if still is not None:
                self._features.update(dict.fromkeys(encoded, still))
            else:
                features = self._features_of(there)
                self._features.update(zip(encoded, features, strict=True))
                self._still_stack.keep(pictures, features[-1])
        self._next_start = starts.stop
        # The last frame stays whatever comes: after the end it is repeated.
        for index in [i for i in self._frames if i < min(max(starts.stop, 0), self._num_frames - 1)]:
            del self._frames[index], self._picture_of_frame[index]

    def _picture_at(self, start: int) -> int:
        """Return the picture that all frames of the stack that begins there show."""
        last_frame = self._num_frames - 1
        shown = [
            self._picture_of_frame[min(max(start + offset, 0), last_frame)] for offset in self._stack_offsets
        ]
        return int(common_picture(np.array([shown]))[0])

    def _features_of(self, stacks: Sequence[Array]) -> list[Array]:
        """Return the features of stacks, [V, C, h, w] each."""
        views = np.stack(stacks)
        if self._num_views == 2:
            views = np.concatenate([views, views[..., ::-1]])
        features = self._encode_stacks(views)
        features_VMChw = features.reshape(self._num_views, len(stacks), *features.shape[1:])
        return [features_VMChw[:, place] for place in range(len(stacks))]

    def _score(self, centers: range, clips: Sequence[list[Array] | _Missing]) -> Array:
        windows = [np.stack(clip, axis=1) for clip in clips if not isinstance(clip, _Missing)]
        rows = np.full((len(centers), self.num_labels), np.nan, dtype=np.float32)
        if windows:
            shown = [
                [self._picture_of_stack[center + offset] for offset in self._clip_offsets]
                for center, clip in zip(centers, clips, strict=True)
                if not isinstance(clip, _Missing)
            ]
            pictures = common_picture(np.array(shown))
            still = self._still_clip.of_batch(pictures)
            if still is None:
                windows_VMNChw = np.stack(windows, axis=1)
                scores = self._score_windows(windows_VMNChw.reshape(-1, *windows_VMNChw.shape[2:]))
                mean = scores.reshape(self._num_views, len(windows), self.num_labels).mean(axis=0)
                rows[_is_there(clips)] = checked_scores(mean)
                self._still_clip.keep(pictures, mean[-1])
            else:
                rows[_is_there(clips)] = still
        self._next_center = centers.stop
        for start in [s for s in self._features if s < centers.stop - self.clip.frames_before]:
            del self._features[start]
            self._picture_of_stack.pop(start, None)
        return self._between.fill(rows, np.array([clip is _Missing.LEFT_OUT for clip in clips]))

    def _joined(self, rows: Sequence[Array]) -> Array:
        return np.concatenate([np.empty((0, self.num_labels), dtype=np.float32), *rows])


def _is_there(parts: Sequence[list[Array] | _Missing]) -> NDArray[np.bool_]:
    return np.array([not isinstance(part, _Missing) for part in parts])
