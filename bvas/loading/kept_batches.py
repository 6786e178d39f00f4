"""Batches of clips that are the same in each epoch: read once and kept as bytes, where there is room for them."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from bvas.loading.clip_batch import ClipBatch
from bvas.loading.loader import ClipLoader

ChoosePlace = Callable[[int], torch.device | None]
"""Takes the bytes of all clips; returns where they are kept, or None to read them in each epoch."""


class KeptClips:
    """The batches of a loader of `FixedClips`, in order and with the same frames in each epoch.

    Where they are kept is asked when the first of them is wanted, so that what a training step needs is taken already.
    """

    def __init__(self, loader: ClipLoader, device: torch.device, choose_place: ChoosePlace) -> None:
        """Read nothing yet.

        Args:
            loader: This rank's share of the clips.
            device: Where batches are wanted.
            choose_place: Where to keep them.
        """
        assert loader.clips.sequential
        self._loader = loader
        self._device = device
        self._choose_place = choose_place
        self._is_placed = False
        self._place: torch.device | None = None
        self._kept: list[ClipBatch] = []
        self._rest: Iterator[ClipBatch] | None = None
        self._is_complete = False

    def read_ahead(self) -> None:
        """Keep what the workers have read in the time that they had left; never waits for a clip.

        Raises:
            DecodeError: a clip cannot be decoded.
            WorkerError: as `ClipLoader.epoch`.
        """
        if self._is_complete or self._where() is None:
            return
        if self._rest is None:
            self._rest = self._loader.epoch(0, at_once=True)
        while self._loader.is_next_read():
            self._keep_next()

    def epoch(self, epoch: int) -> Iterator[ClipBatch]:
        """Yield the batches, on the device; those that are not kept are read meanwhile.

        Raises:
            DecodeError: a clip cannot be decoded.
            WorkerError: as `ClipLoader.epoch`.
        """
        if self._where() is None:
            yield from self._loader.epoch(epoch)
            return
        number = 0
        while number < len(self._kept) or self._keep_next():
            batch = self._kept[number]
            yield replace(batch, frames=batch.frames.to(self._device))
            number += 1

    def _where(self) -> torch.device | None:
        if not self._is_placed:
            clip_bytes = self._loader.clip_bytes
            self._place = self._choose_place(self._loader.num_own_clips * clip_bytes)
            self._is_placed = True
        return self._place

    def _keep_next(self) -> bool:
        """Keep one more batch, when it is read; return whether there was one."""
        if self._is_complete:
            return False
        if self._rest is None:
            self._rest = self._loader.epoch(0)
        try:
            batch = next(self._rest, None)
        except BaseException:
            # The loader can begin again.
            self._rest, self._kept = None, []
            raise
        if batch is None:
            self._rest, self._is_complete = None, True
            return False
        self._kept.append(replace(batch, frames=batch.frames.to(self._place)))
        return True
