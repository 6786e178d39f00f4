"""Targets of clips: 1 for each label with an annotation near the center, or a range around it."""

import numpy as np
from numpy.typing import NDArray

from bvas.experiment.sampling_config import TargetConfig
from bvas.loading.labelled_video import LabelledVideo


def targets_at(center: int, video: LabelledVideo, config: TargetConfig) -> NDArray[np.float32]:
    """Return the target of a clip, float32 [K].

    It is 1 where an annotation of the label lies within the window, or a range of it holds the center.

    Args:
        center: Grid frame at the clip's center.
        video: The clip's video.
        config: The window.
    """
    reach = config.window_frames // 2
    # Annotation frames are ascending: the near ones are a slice.
    first, stop = np.searchsorted(video.annotation_frames, (center - reach, center + reach + 1))
    targets = np.zeros(video.num_labels, dtype=np.float32)
    targets[video.label_ids[first:stop]] = 1.0
    starts, stops, labels = video.ranges.T
    targets[labels[(starts <= center) & (center < stops)]] = 1.0
    return targets
