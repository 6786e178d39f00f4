"""Open readers of one backend, the most recently used ones."""

import traceback
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.loading.jobs import Failure, ReadAnswer, ReadJob
from bvas.video.open import open_video
from bvas.video.pool import DecoderPool
from bvas.video.protocol import FrameDecoder


class Readers:
    """Reads jobs with one backend, and keeps up to `max_open` videos open.

    Belongs to one process and one thread.
    """

    def __init__(self, backend: str, size: tuple[int, int], *, max_open: int = 8, gpu: str = "cuda") -> None:
        """Open nothing yet.

        Args:
            backend: What videos are opened with.
            size: (H, W) that frames are fitted into.
            max_open: Videos kept open, at least 1.
            gpu: The device that `nvdec` decodes on; the frames go to host memory all the same.
        """
        self._device = gpu if backend == "nvdec" else "cpu"
        self._backend = backend
        self._size = size
        self._max_open = max_open
        self._open: OrderedDict[Path, FrameDecoder] = OrderedDict()
        self._pool: DecoderPool[Any] = DecoderPool()

    def read(self, job: ReadJob, slots: NDArray[np.uint8]) -> ReadAnswer:
        """Do a job; whatever goes wrong with it is in the answer.

        Args:
            job: What to read.
            slots: uint8 [n, T, H, W], C-contiguous; receives the clips.
        """
        try:
            decoder = self._decoder(job.path)
            decoder.read_into(job.indices, slots.reshape(-1, *slots.shape[2:]))
        except Exception as error:  # noqa: BLE001  (nothing is swallowed: the loader raises it, or counts it)
            # Whatever state the decoder is in, the next read starts from a new one.
            self._drop(job.path)
            # `lost` says which frames are damaged; without it the file as a whole is not for this backend.
            refused = isinstance(error, DecodeError) and error.lost is None
            return ReadAnswer(job.job_id, Failure(error, refused, traceback.format_exc()))
        return ReadAnswer(job.job_id)

    def close(self) -> None:
        """Close all videos."""
        for path in list(self._open):
            self._drop(path)
        self._pool.close()

    def _decoder(self, path: Path) -> FrameDecoder:
        if path not in self._open:
            while len(self._open) >= self._max_open:
                self._drop(next(iter(self._open)))
            self._open[path] = open_video(
                path, self._backend, size=self._size, device=self._device, pool=self._pool
            )
        self._open.move_to_end(path)
        return self._open[path]

    def _drop(self, path: Path) -> None:
        decoder = self._open.pop(path, None)
        if decoder is not None:
            decoder.close()
