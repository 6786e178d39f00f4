"""Batch of clips, and its copy from slots to the device."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvas.loading.clip_requests import ClipRequest
from bvas.loading.labelled_video import LabelledVideo
from bvas.values.luma import ColorRange


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipBatch:
    """Clips of one training or validation step."""

    frames: Tensor
    """uint8 [B, T, H, W], luma as stored, on the loader's device; the batch owns it."""
    targets: Tensor
    """float32 [B, K], on the loader's device."""
    video_ids: Tensor
    """int64 [B], on the CPU: indices into `clips.videos`."""
    centers: Tensor
    """int64 [B], on the CPU: grid frames at the clips' centers."""
    color_ranges: tuple[ColorRange, ...]
    """The range tag of each clip [B]."""
    seeds: Tensor
    """int64 [B], on the CPU, in [0, 2**63): random seed of each clip's augmentation."""
    num_total: int | None = None
    """Clips of this batch over all ranks; None: only these."""

    def __len__(self) -> int:
        return len(self.color_ranges)


class BatchMaker:
    """Copies clips out of their slots, so that the slots can be filled again.

    With a GPU the copies run on a stream of their own, beside the model's computation. `make` waits for them, which
    takes about as long as the bus takes for a batch.
    """

    def __init__(self, device: torch.device) -> None:
        """Prepare the copies.

        Args:
            device: Device of the batches.
        """
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
            slots: uint8 [T, H, W] each, the clips [B], in host memory or on the device; free afterwards.
            requests: Their requests [B].
            videos: Videos that the requests' video ids index.
            num_total: Clips over all ranks.
        """
        return ClipBatch(
            frames=self._frames(slots),
            targets=torch.from_numpy(np.stack([request.targets for request in requests])).to(self._device),
            video_ids=torch.tensor([request.video_id for request in requests]),
            centers=torch.tensor([request.center for request in requests]),
            color_ranges=tuple(videos[request.video_id].color_range for request in requests),
            seeds=torch.tensor([request.seed for request in requests]),
            num_total=num_total,
        )

    def _frames(self, slots: Sequence[NDArray[np.uint8] | Tensor]) -> Tensor:
        if self._stream is None:
            return self._gather(slots)
        with torch.cuda.stream(self._stream):
            frames = self._gather(slots)
        self._stream.synchronize()
        # Allocated on our stream and used on the model's: torch must not reuse the memory before the model is done.
        frames.record_stream(torch.cuda.current_stream(self._device))
        return frames

    def _gather(self, slots: Sequence[NDArray[np.uint8] | Tensor]) -> Tensor:
        frames = torch.empty((len(slots), *slots[0].shape), dtype=torch.uint8, device=self._device)
        for place, slot in enumerate(slots):
            source = torch.from_numpy(slot) if isinstance(slot, np.ndarray) else slot
            frames[place].copy_(source, non_blocking=True)
        return frames
