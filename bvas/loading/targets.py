"""What the model should say about a frame: a 1 for each label that happens near it."""

import numpy as np
from numpy.typing import NDArray

from bvas.experiment.sampling_config import TargetConfig
from bvas.loading.labelled_video import LabelledVideo


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
