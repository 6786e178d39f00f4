"""ONNX Runtime as the engine of the streaming algorithm, without PyTorch."""

# Dimension letters in this file:
#   n frames, S frames per stack, N stacks per clip, M stacks or clips in a batch, R slots of a ring buffer,
#   V flips (2 with flip TTA: the picture and its mirror image), C h w features of a stack, K labels.

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.inference.repeats import repeated_frames
from bvas.values.clip_config import ClipConfig
from bvas.values.color import FrameForm, to_unit_frames_array
from bvas.values.luma import LumaScaling

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float32]

_PICTURES_AT_ONCE = 16


class OnnxEngine:
    """An exported model, which may hold several folds, and its mirror image."""

    half = ""

    def __init__(
        self,
        encode: Callable[[Array], Array],
        score: Callable[[Array], Array],
        clip: ClipConfig,
        num_labels: int,
        *,
        luma_scaling: LumaScaling = "range",
        flip_tta: bool = True,
    ) -> None:
        """Take the two parts of a model.

        Args:
            encode: Features [M, C, h, w] of stacks [M, S, H, W] in [0, 1], each of its own frames only; in color S
                counts 3 channels for each.
            score: Scores [M, K] in [0, 1] of clips, given the features [M, N, C, h, w] of their stacks.
            clip: Frames that a clip holds.
            num_labels: Labels (K).
            luma_scaling: How luma becomes [0, 1].
            flip_tta: Average with the scores of the mirrored clip; twice the work.
        """
        self._encode, self._score = encode, score
        self.clip = clip
        self.num_labels = num_labels
        self._luma_scaling: LumaScaling = luma_scaling
        self._num_flips = 2 if flip_tta else 1
        self.reserve(1, 1)

    def reserve(self, num_frames: int, num_stacks: int) -> None:
        """Begin a video, with so many slots."""
        self._frames = _Ring(num_frames)
        """[1, R, H, W], of RGB [1, R, 3, H, W], in [0, 1]."""
        self._features = _Ring(num_stacks)
        """[V, R, C, h, w]."""

    def default_batch(self, size: tuple[int, int]) -> int:
        """Return the batch size, whatever the size of the frames."""
        return _PICTURES_AT_ONCE // self._num_flips

    def to_frames(self, frames: "NDArray[np.uint8] | Tensor") -> NDArray[np.uint8]:
        """Return frames as they are.

        Raises:
            ConfigError: they are not in an array.
        """
        if not isinstance(frames, np.ndarray):
            raise ConfigError(
                f"frames must be in an array in the CPU's memory, got a {type(frames).__name__}"
            )
        return frames

    def repeats(self, frames: NDArray[np.uint8], before: NDArray[np.uint8] | None) -> NDArray[np.bool_]:
        """Return whether each frame is byte-equal to the one before it."""
        return repeated_frames(frames, before)

    def put_frames(
        self, slots: NDArray[np.int64], frames: NDArray[np.uint8], form: FrameForm, sample_aspect: Fraction
    ) -> None:
        """Keep frames in [0, 1]; they come in the model's size."""
        self._frames.put(slots, to_unit_frames_array(frames, form, self._luma_scaling)[None])

    def encode(
        self, frame_slots: NDArray[np.int64], stack_slots: NDArray[np.int64], *, is_full: bool
    ) -> None:
        """Encode stacks [M, S] and keep their features."""
        stacks_MSHW = self._frames.take(frame_slots)[0]
        stacks_MSHW = stacks_MSHW.reshape(len(stacks_MSHW), -1, *stacks_MSHW.shape[-2:])
        pictures = stacks_MSHW
        if self._num_flips == 2:
            pictures = np.concatenate([stacks_MSHW, stacks_MSHW[..., ::-1]])
        features = self._encode(pictures)
        self._features.put(stack_slots, features.reshape(self._num_flips, -1, *features.shape[1:]))

    def score(self, stack_slots: NDArray[np.int64], *, is_full: bool) -> Array:
        """Return the scores [M, K] of clips."""
        windows_VMNChw = self._features.take(stack_slots)
        scores = self._score(windows_VMNChw.reshape(-1, *windows_VMNChw.shape[2:]))
        mean: Array = scores.reshape(self._num_flips, -1, self.num_labels).mean(axis=0)
        return mean

    def to_rows(self, scores: Array) -> Array:
        """Return the scores: they are in the CPU's memory."""
        return scores


class _Ring:
    """Slots of a ring buffer; memory is taken with the first rows."""

    def __init__(self, num_slots: int) -> None:
        self._num_slots = num_slots
        self.rows: Array | None = None

    def put(self, slots: NDArray[np.int64], rows: Array) -> None:
        """Keep rows [V, n, ...] in n slots."""
        if self.rows is None:
            self.rows = np.empty((rows.shape[0], self._num_slots, *rows.shape[2:]), np.float32)
        self.rows[:, slots] = rows

    def take(self, slots: NDArray[np.int64]) -> Array:
        """Return a copy [V, *slots.shape, ...] of the rows in slots; all were put."""
        assert self.rows is not None
        return self.rows.take(slots, axis=1)
