"""Cache of validation batches: read once and kept in memory, where they fit."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property

import torch

from bvas.loading.clip_batch import ClipBatch
from bvas.loading.loader import ClipLoader

ChoosePlace = Callable[[int], torch.device | None]
"""Takes the size of all clips in bytes; returns the device that keeps them, or None to read them in each epoch."""


class KeptClips:
    """Batches of a loader of `FixedClips`, in order and with the same frames in each epoch.

    The place is chosen when the first batch is needed, when training steps have allocated their memory.
    """

    def __init__(self, loader: ClipLoader, device: torch.device, choose_place: ChoosePlace) -> None:
        """Read nothing yet.

        Args:
            loader: This rank's share of the clips.
            device: Device of the returned batches.
            choose_place: Chooses the device that keeps them.
        """
        assert loader.clips.sequential
        self._loader = loader
        self._device = device
        self._choose_place = choose_place
        self._kept: list[ClipBatch] = []
        self._rest: Iterator[ClipBatch] | None = None
        self._is_complete = False

    def prefetch(self) -> None:
        """Keep the batches that idle workers have read; never waits for a clip.

        Raises:
            DecodeError: a clip cannot be decoded.
            WorkerError: as `ClipLoader.epoch`.
        """
        if self._is_complete or self._place is None:
            return
        if self._rest is None:
            self._rest = self._loader.epoch(0, at_once=True)
        while self._loader.is_next_read():
            self._keep_next()

    def epoch(self, epoch: int) -> Iterator[ClipBatch]:
        """Yield the batches, on the device; those that are not kept yet are read.

        Raises:
            DecodeError: a clip cannot be decoded.
            WorkerError: as `ClipLoader.epoch`.
        """
        if self._place is None:
            yield from self._loader.epoch(epoch)
            return
        number = 0
        while number < len(self._kept) or self._keep_next():
            batch = self._kept[number]
            yield replace(batch, frames=batch.frames.to(self._device))
            number += 1

    @cached_property
    def _place(self) -> torch.device | None:
        """Device that keeps the batches; None to read them in each epoch."""
        return self._choose_place(self._loader.num_own_clips * self._loader.clip_bytes)

    def _keep_next(self) -> bool:
        """Wait for one more batch and keep it; return whether there was one."""
        if self._is_complete:
            return False
        if self._rest is None:
            self._rest = self._loader.epoch(0)
        try:
            batch = next(self._rest, None)
        except BaseException:
            # The next epoch begins again.
            self._rest, self._kept = None, []
            raise
        if batch is None:
            self._rest, self._is_complete = None, True
            return False
        self._kept.append(replace(batch, frames=batch.frames.to(self._place)))
        return True
