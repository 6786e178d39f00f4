"""Frames of a clip: index arithmetic on integers.

With T = 5, frame_step = 2 and center c (frames of the clip marked x):

    c-4 c-3 c-2 c-1  c  c+1 c+2 c+3 c+4
     x       x       x       x       x        span = (T - 1) * step + 1 = 9

For an even T the center lies on the later of the two middle frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.values.checks import checked_index


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipConfig:
    """Grid frames of one forward pass, relative to its center frame."""

    num_frames: int = 15
    """Frames in a clip (T)."""
    frame_step: int = 2
    """Grid frames from one clip frame to the next; 2 keeps every other frame."""
    stack_size: int = 3
    """Consecutive clip frames fed to the 2D encoder as channels (S); divides `num_frames`."""

    def __post_init__(self) -> None:
        for name in ("num_frames", "frame_step", "stack_size"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.num_frames % self.stack_size:
            raise ConfigError(
                f"num_frames ({self.num_frames}) must be a multiple of stack_size ({self.stack_size})"
            )

    @property
    def num_stacks(self) -> int:
        """Stacks in a clip (N)."""
        return self.num_frames // self.stack_size

    @property
    def span(self) -> int:
        """Grid frames from the first to the last clip frame, both counted."""
        return (self.num_frames - 1) * self.frame_step + 1

    @property
    def frames_before(self) -> int:
        """Grid frames from the clip's first frame up to its center."""
        return (self.num_frames // 2) * self.frame_step

    @property
    def frames_after(self) -> int:
        """Grid frames from the center up to the clip's last frame: the look-ahead."""
        return self.span - 1 - self.frames_before

    def indices(self, center: int, num_video_frames: int) -> NDArray[np.int64]:
        """Return the clip's frame indices, int64 [T], edges repeated.

        Args:
            center: Grid index that the clip is about.
            num_video_frames: Frames of the video (L), at least 1; an index outside
                [0, L) becomes the nearest inside.

        Raises:
            TypeError: `center` is not an integer.
        """
        first = checked_index(center, "the center of a clip") - self.frames_before
        return clamp_indices(first + np.arange(self.num_frames) * self.frame_step, num_video_frames)


def clamp_indices(indices: Sequence[int] | NDArray[np.int64], num_video_frames: int) -> NDArray[np.int64]:
    """Replace indices before the first or after the last frame by that frame."""
    return np.clip(np.asarray(indices, dtype=np.int64), 0, num_video_frames - 1)
