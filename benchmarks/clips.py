"""The clips that decoding benchmarks read."""

import numpy as np

from bvas.values.clip_config import ClipConfig

CLIP = ClipConfig()


def random_clips(num_clips: int, *, num_frames: int, keyframe_interval: int) -> list[list[int]]:
    """Return the frames of clips that begin at random, one in each equal part of a keyframe interval.

    So few clips stand for all: what a clip costs is decided by its place in the interval. No clip lies in the
    interval of the one before it (where there are several), as in a recording of hundreds of intervals: a
    reader could decode on there, which costs less.
    """
    random = np.random.default_rng(0)
    num_intervals = max((num_frames - CLIP.span) // keyframe_interval, 1)
    clips: list[list[int]] = []
    interval = 0
    for part in random.permutation(num_clips):
        place = int((part + random.uniform()) * keyframe_interval / num_clips)
        interval = (interval + int(random.integers(1, max(num_intervals, 2)))) % num_intervals
        first = min(interval * keyframe_interval + place, num_frames - CLIP.span)
        clips.append(list(range(first, first + CLIP.span, CLIP.frame_step)))
    return clips
