"""Open readers of one backend, the most recently used ones."""

import time
import traceback
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.loading.read_jobs import Failure, FailureKind, ReadAnswer, ReadJob
from bvas.video.decode.decoder_pool import DecoderPool
from bvas.video.decode.open_video import open_video
from bvas.video.decode.protocol import FrameDecoder

if TYPE_CHECKING:
    from torch import Tensor


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
            gpu: The device that `nvdec` decodes on.
        """
        self._device = gpu if backend == "nvdec" else "cpu"
        self._backend = backend
        self._size = size
        self._max_open = max_open
        self._open: OrderedDict[Path, FrameDecoder] = OrderedDict()
        self._pool: DecoderPool[Any] = DecoderPool()
        # Frames of the chain that was last worked on, for its next job.
        self._chain: int | None = None
        self._kept: dict[int, Any] = {}

    def read(self, job: ReadJob, slots: "Sequence[NDArray[np.uint8]] | Sequence[Tensor]") -> ReadAnswer:
        """Do a job; whatever goes wrong with it is in the answer.

        Args:
            job: What to read.
            slots: uint8 [T, H, W], C-contiguous, one for each clip; receive the clips. All in host memory,
                or all tensors on the device that frames are decoded on.
        """
        started = time.perf_counter()
        decoder = None
        before = 0
        failure = None
        try:
            decoder = self._decoder(job.path)
            before = decoder.num_decoded
            if job.num_clips:
                self._fill(job, decoder, [frame for slot in slots for frame in slot])
        except Exception as error:  # noqa: BLE001  (nothing is swallowed: the loader raises it, or counts it)
            # Whatever state the decoder is in, the next read starts from a new one.
            self._drop(job.path)
            self._kept = {}
            kind = self._kind_of(error, opened=decoder is not None)
            failure = Failure(error, kind, traceback.format_exc())
        num_decoded = 0 if decoder is None else decoder.num_decoded - before
        return ReadAnswer(job.job_id, failure, time.perf_counter() - started, num_decoded)

    def close(self) -> None:
        """Close all videos."""
        self._kept = {}
        for path in list(self._open):
            self._drop(path)
        self._pool.close()

    def _fill(self, job: ReadJob, decoder: FrameDecoder, frames: list[Any]) -> None:
        known = self._kept if job.chain is not None and job.chain == self._chain else {}
        self._chain, self._kept = job.chain, {}
        indices, outs = [], []
        for index, frame in zip(job.indices.tolist(), frames, strict=True):
            if index in known:
                frame[...] = known[index]
            else:
                indices.append(index)
                outs.append(frame)
        kept = {}
        for index in job.keep.tolist():
            if index in known:
                kept[index] = known[index]
            else:
                # Like a frame of a slot: an array, or a tensor where the slots are on a device.
                kept[index] = frames[0].copy() if isinstance(frames[0], np.ndarray) else frames[0].clone()
                indices.append(index)
                outs.append(kept[index])
        if indices:
            (decoder.read_into if isinstance(outs[0], np.ndarray) else decoder.read_to)(indices, outs)
        self._kept = kept

    def _kind_of(self, error: Exception, *, opened: bool) -> FailureKind:
        if isinstance(error, DecodeError):
            if not opened:
                return "refused"
            # `lost` says which frames are damaged; without it the decoder failed, not the file.
            return "unread" if error.lost is None else "damaged"
        # What CUDA and PyNvVideoCodec raise when memory or sessions are used up.
        return (
            "unread"
            if self._backend == "nvdec" and isinstance(error, (RuntimeError, MemoryError))
            else "error"
        )

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
