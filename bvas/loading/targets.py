"""What the model should say about a frame: a 1 for each label that happens near it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.errors import ConfigError
from bvas.loading.dataset import LabelledVideo


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetConfig:
    """How near an annotation must be to count for a clip."""

    window_frames: int = 15
    """Full width, in grid frames, of the window around the clip's center; odd. 15 is +-7."""

    def __post_init__(self) -> None:
        if self.window_frames < 1 or self.window_frames % 2 == 0:
            raise ConfigError(f"window_frames must be odd and at least 1, got {self.window_frames}")


def targets_at(center: int, video: LabelledVideo, config: TargetConfig) -> NDArray[np.float32]:
    """Return the target of a clip, float32 [K]: 1 where an annotation of the label lies within the window.

    Args:
        center: Grid frame that the clip is about.
        video: Where the clip is from.
        config: The window.
    """
    reach = config.window_frames // 2
    # Annotation frames are ascending: the near ones are a slice.
    first, stop = np.searchsorted(video.annotation_frames, (center - reach, center + reach + 1))
    targets = np.zeros(video.num_labels, dtype=np.float32)
    targets[video.label_ids[first:stop]] = 1.0
    return targets
