"""Interface between the streaming algorithm and the library that computes for it."""

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bvas.values.clip_config import ClipConfig
from bvas.values.color import FrameForm

if TYPE_CHECKING:
    from torch import Tensor

# Dimension letters in this file:
#   n frames, M stacks or clips in a batch, S frames per stack, N stacks per clip, K labels.

EngineArray = Any
"""Tensors or arrays of an engine's library, on its device."""


class Engine(Protocol):
    """Encodes stacks and scores clips; holds frames and features in the slots of two ring buffers.

    `StreamingPredictor` decides which slot holds what. It never looks into what an engine returns, but for `to_rows`.
    """

    clip: ClipConfig
    """Frames that a clip holds."""
    num_labels: int
    """Columns of a row (K)."""
    half: str
    """Name of the half precision that it computes in; empty for float32."""

    def default_batch(self, size: tuple[int, int]) -> int:
        """Return how many stacks are encoded, and how many clips are scored, at once; by (H, W) of the frames."""
        ...

    def reserve(self, num_frames: int, num_stacks: int) -> None:
        """Begin a video, with so many slots for frames and for stacks."""
        ...

    def to_frames(self, frames: "NDArray[np.uint8] | Tensor") -> EngineArray:
        """Return frames in the library's own type, unchanged.

        Raises:
            ConfigError: the engine does not take frames of this type.
        """
        ...

    def repeats(self, frames: EngineArray, before: EngineArray | None) -> NDArray[np.bool_]:
        """Return whether each frame is byte-equal to the one before it, bool [n].

        Args:
            frames: [n, ...] from `to_frames`.
            before: The frame before the first, [1, ...]; None: the first repeats none.
        """
        ...

    def put_frames(
        self, slots: NDArray[np.int64], frames: EngineArray, form: FrameForm, sample_aspect: Fraction
    ) -> None:
        """Keep frames from `to_frames`, luma uint8 [n, H, W] or planes uint8 [n, bytes], in n slots."""
        ...

    def encode(
        self, frame_slots: NDArray[np.int64], stack_slots: NDArray[np.int64], *, is_full: bool
    ) -> None:
        """Encode stacks and keep their features.

        Args:
            frame_slots: [M, S] where the frames of each stack are.
            stack_slots: [M] where their features go.
            is_full: The batch has the size that comes again and again.
        """
        ...

    def score(self, stack_slots: NDArray[np.int64], *, is_full: bool) -> EngineArray:
        """Return the scores [M, K] of clips, given where the features of their stacks are: [M, N].

        They may still be computed when this returns.
        """
        ...

    def to_rows(self, scores: EngineArray) -> NDArray[np.float32]:
        """Return scores in the CPU's memory; NaN where a logit was not finite."""
        ...
