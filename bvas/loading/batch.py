"""A batch of clips, and its way from their slots to the device."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvas.loading.dataset import LabelledVideo
from bvas.loading.requests import ClipRequest
from bvas.luma import ColorRange


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipBatch:
    """Clips in the order in which the epoch hands them out."""

    frames: Tensor
    """uint8 [B, T, H, W], luma as stored, on the loader's device; the batch owns it."""
    targets: Tensor
    """float32 [B, K], on the loader's device."""
    video_ids: Tensor
    """int64 [B], on the CPU: places in `clips.videos`."""
    centers: Tensor
    """int64 [B], on the CPU: grid frames that the clips are about."""
    color_ranges: tuple[ColorRange, ...]
    """The range tag of each clip [B]."""
    seeds: Tensor
    """int64 [B], on the CPU, in [0, 2**63): where the augmentation of each clip draws from."""

    def __len__(self) -> int:
        return len(self.color_ranges)


class BatchMaker:
    """Copies finished clips out of their slots, so that the slots can be filled again.

    With a GPU the copies are on a stream of their own, beside what the model computes meanwhile; those from
    host memory go through a page-locked buffer, in turns one of two.
    """

    def __init__(self, device: torch.device, batch_shape: tuple[int, int, int, int]) -> None:
        """Prepare the copies.

        Args:
            device: Where batches go.
            batch_shape: (B, T, H, W) of a full batch.
        """
        self._device = device
        self._staging: list[Tensor] = []
        self._turn = 0
        if device.type == "cuda":
            self._staging = [torch.empty(batch_shape, dtype=torch.uint8, pin_memory=True) for _ in range(2)]
            self._sent = [torch.cuda.Event() for _ in self._staging]  # type: ignore[no-untyped-call]
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def make(
        self,
        slots: Sequence[NDArray[np.uint8]],
        requests: Sequence[ClipRequest],
        videos: Sequence[LabelledVideo],
    ) -> ClipBatch:
        """Return a batch.

        Args:
            slots: uint8 [T, H, W] each, the clips [B]; free when this returns.
            requests: What they are [B].
            videos: What the requests' video ids mean.
        """
        return ClipBatch(
            frames=self._frames(slots),
            targets=torch.from_numpy(np.stack([request.targets for request in requests])).to(self._device),
            video_ids=torch.tensor([request.video_id for request in requests]),
            centers=torch.tensor([request.center for request in requests]),
            color_ranges=tuple(videos[request.video_id].color_range for request in requests),
            seeds=torch.tensor([request.seed for request in requests]),
        )

    def _frames(self, slots: Sequence[NDArray[np.uint8]]) -> Tensor:
        if not self._staging:
            return torch.from_numpy(np.stack(slots)).to(self._device)
        self._turn = 1 - self._turn
        sent = self._sent[self._turn]
        # Free again when the copy of two batches ago is over; an event that was never recorded is.
        sent.synchronize()
        staged = self._staging[self._turn][: len(slots)]
        for place, slot in enumerate(slots):
            staged[place].copy_(torch.from_numpy(slot))
        with torch.cuda.stream(self._stream):
            frames = staged.to(self._device, non_blocking=True)
            sent.record(self._stream)
        current = torch.cuda.current_stream(self._device)
        current.wait_stream(self._stream)
        # The memory was taken on our stream and is used on the model's: it is not to be given away before.
        frames.record_stream(current)
        return frames
