"""Batch of clips, and its copy from slots to the device."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvas.loading.clip_requests import ClipRequest
from bvas.loading.device_fit import DeviceFit, source_shape
from bvas.loading.labelled_video import LabelledVideo
from bvas.values.color import FrameForm


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipBatch:
    """Clips of one training or validation step."""

    frames: Tensor
    """On the loader's device; the batch owns it. As stored: luma uint8 [B, T, H, W], or planes uint8 [B, T, bytes].
    Where the device scales, float32 in [0, 1]: [B, T, H, W], of RGB [B, T, 3, H, W]. `to_unit_frames` takes each."""
    targets: Tensor
    """float32 [B, K], on the loader's device."""
    video_ids: Tensor
    """int64 [B], on the CPU: indices into `clips.videos`."""
    centers: Tensor
    """int64 [B], on the CPU: grid frames at the clips' centers."""
    forms: tuple[FrameForm, ...]
    """What the bytes of each clip [B] mean."""
    seeds: Tensor
    """int64 [B], on the CPU, in [0, 2**63): random seed of each clip's augmentation."""
    num_total: int | None = None
    """Clips of this batch over all ranks; None: only these."""

    def __len__(self) -> int:
        return len(self.forms)


class BatchMaker:
    """Copies clips out of their slots, so that the slots can be filled again.

    With a GPU the copies run on a stream of their own, beside the model's computation. `make` waits for them, which
    takes about as long as the bus takes for a batch.
    """

    def __init__(self, device: torch.device, fit: DeviceFit | None = None) -> None:
        """Prepare the copies.

        Args:
            device: Device of the batches.
            fit: Scales frames on the device; None where they come in the model's size.
        """
        self._fit = fit
        self._device = device
        self._stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def make(
        self,
        slots: Sequence[NDArray[np.uint8] | Tensor],
        requests: Sequence[ClipRequest],
        videos: Sequence[LabelledVideo],
        num_total: int | None = None,
    ) -> ClipBatch:
        """Return a batch.

        Args:
            slots: uint8 [T, ...] each, the clips [B], in host memory or on the device; free afterwards.
            requests: Their requests [B].
            videos: Videos that the requests' video ids index.
            num_total: Clips over all ranks.
        """
        return ClipBatch(
            frames=self._frames(slots, requests, videos),
            targets=torch.from_numpy(np.stack([request.targets for request in requests])).to(self._device),
            video_ids=torch.tensor([request.video_id for request in requests]),
            centers=torch.tensor([request.center for request in requests]),
            forms=tuple(videos[request.video_id].form for request in requests),
            seeds=torch.tensor([request.seed for request in requests]),
            num_total=num_total,
        )

    def _frames(
        self,
        slots: Sequence[NDArray[np.uint8] | Tensor],
        requests: Sequence[ClipRequest],
        videos: Sequence[LabelledVideo],
    ) -> Tensor:
        if self._stream is None:
            return self._gather(slots, requests, videos)
        with torch.cuda.stream(self._stream):
            frames = self._gather(slots, requests, videos)
        self._stream.synchronize()
        # Allocated on our stream and used on the model's: torch must not reuse the memory before the model is done.
        frames.record_stream(torch.cuda.current_stream(self._device))
        return frames

    def _gather(
        self,
        slots: Sequence[NDArray[np.uint8] | Tensor],
        requests: Sequence[ClipRequest],
        videos: Sequence[LabelledVideo],
    ) -> Tensor:
        sources = [torch.from_numpy(slot) if isinstance(slot, np.ndarray) else slot for slot in slots]
        if self._fit is not None:
            pairs = zip(sources, requests, strict=True)
            return torch.stack(
                [self._fitted(source, request, videos[request.video_id]) for source, request in pairs]
            )
        frames = torch.empty((len(slots), *slots[0].shape), dtype=torch.uint8, device=self._device)
        for place, source in enumerate(sources):
            frames[place].copy_(source, non_blocking=True)
        return frames

    def _fitted(self, slot: Tensor, request: ClipRequest, video: LabelledVideo) -> Tensor:
        assert self._fit is not None
        shape = source_shape(video.form, video.size)
        frames = slot[:, : math.prod(shape)].to(self._device, non_blocking=True).reshape(-1, *shape)
        return self._fit(frames, video.form, video.sample_aspect, request.cuts)
