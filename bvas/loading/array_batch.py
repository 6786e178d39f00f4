"""Batch of clips as arrays in [0, 1], without PyTorch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvas.loading.clip_requests import ClipRequest
from bvas.loading.device_fit import DeviceFit, source_shape
from bvas.loading.labelled_video import LabelledVideo
from bvas.values.color import to_unit_frames_array
from bvas.values.luma import LumaScaling


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArrayBatch:
    """Clips to be scored."""

    frames: NDArray[np.float32]
    """In [0, 1]: [B, T, H, W], of RGB [B, T, 3, H, W]."""
    centers: NDArray[np.int64]
    """[B]: grid frames at the clips' centers."""

    def __len__(self) -> int:
        return len(self.centers)


def array_batch(
    slots: Sequence[NDArray[np.uint8]],
    requests: Sequence[ClipRequest],
    videos: Sequence[LabelledVideo],
    fit: DeviceFit | None,
    scaling: LumaScaling,
) -> ArrayBatch:
    """Return a batch.

    Args:
        slots: uint8 [T, ...] each, the clips [B]; free afterwards.
        requests: Their requests [B].
        videos: Videos that the requests' video ids index.
        fit: Scales frames; None where they come in the model's size.
        scaling: How luma becomes [0, 1].
    """
    clips = []
    for slot, request in zip(slots, requests, strict=True):
        video = videos[request.video_id]
        if fit is None:
            clips.append(to_unit_frames_array(slot, video.form, scaling))
            continue
        shape = source_shape(video.form, video.size)
        frames = slot[:, : math.prod(shape)].reshape(-1, *shape)
        clips.append(fit.arrays(frames, video.form, video.sample_aspect, request.cuts))
    return ArrayBatch(frames=np.stack(clips), centers=np.array([request.center for request in requests]))
