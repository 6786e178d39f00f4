"""Cost of random access: frames that must be decoded to show those of a clip."""

import numpy as np
from numpy.typing import NDArray

from bvas.values.clip_config import ClipConfig
from bvas.video.index.frame_table import VideoIndex


def start_frames(index: VideoIndex) -> NDArray[np.int64]:
    """Return the frames that decoding can start from, int64, ascending; only 0 where frames are counted."""
    if index.decode_order:
        return np.zeros(1, np.int64)
    return np.unique(np.searchsorted(index.pts, index.keyframe_pts)).astype(np.int64)


def frames_per_clip(starts: NDArray[np.int64], num_frames: int, clip: ClipConfig | None = None) -> float:
    """Return how many frames are decoded for one clip, on average over all frames as its center.

    Decoding goes from the last start at or before the clip's first frame to its last frame:
    with a start every 250 frames and a clip that spans 29, 29 + 124.5 of them.

    Args:
        starts: Frames that decoding can start from, ascending.
        num_frames: Frames of the video (L), at least 1.
        clip: The clip; 15 frames, every other one, unless it is given.
    """
    clip = clip or ClipConfig()
    first = np.maximum(np.arange(num_frames) - clip.frames_before, 0)
    last = np.minimum(np.arange(num_frames) + clip.frames_after, num_frames - 1)
    start = starts[np.maximum(np.searchsorted(starts, first, side="right") - 1, 0)]
    # Frames that lead the first keyframe are decoded from themselves.
    return float(np.mean(last - np.minimum(start, first) + 1))
