"""The most recently used videos of a worker, kept open, and the reading of jobs from them."""

import math
import time
import traceback
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.loading.read_jobs import Failure, FailureKind, ReadJob, ReadResult
from bvas.values.input_format import WHOLE_PICTURE, InputFormat
from bvas.video.decode.open_video import open_video
from bvas.video.decode.pynvvideocodec import DecoderPool
from bvas.video.decode.video_reader import FrameReader

if TYPE_CHECKING:
    from torch import Tensor


_MAX_OPEN = 8


class OpenVideos:
    """Reads jobs with one backend, and keeps videos open between jobs. For one process and one thread."""

    def __init__(
        self,
        backend: str,
        form: tuple[int, int] | InputFormat,
        *,
        max_open: int = _MAX_OPEN,
        gpu: str = "cuda",
    ) -> None:
        """Open nothing yet.

        Args:
            backend: Name of the backend.
            form: Form that frames are brought to; (H, W) for gray frames padded to it.
            max_open: Videos kept open, at least 1: each holds a decoder and its buffers.
            gpu: Device that `nvdec` decodes on.
        """
        self._device = gpu if backend == "nvdec" else "cpu"
        self._backend = backend
        self._form = InputFormat.of(form)
        self._max_open = max_open
        self._open: OrderedDict[Path, FrameReader] = OrderedDict()
        self._pool: DecoderPool = DecoderPool()
        # Frames of the last chain that its next job needs.
        self._chain: int | None = None
        self._kept: dict[int, Any] = {}

    def read(self, job: ReadJob, slots: "Sequence[NDArray[np.uint8]] | Sequence[Tensor]") -> ReadResult:
        """Do a job; an error is part of the result.

        Args:
            job: The clips to read.
            slots: uint8 [T, *frame_shape], C-contiguous, one for each clip; receives the clips. All in host memory,
                or all tensors on the device that decodes. Where the device scales, frames are [bytes] with room for
                the largest video's, of which the first ones are filled.
        """
        started = time.perf_counter()
        decoder = None
        before = 0
        failure = None
        try:
            decoder = self._decoder(job.path)
            before = decoder.num_decoded
            if job.clips:
                frames = [frame for slot in slots for frame in slot]
                if self._form.is_scaled_on_device:
                    num_bytes = math.prod(decoder.frame_shape)
                    frames = [frame[:num_bytes].reshape(decoder.frame_shape) for frame in frames]
                self._fill(job, decoder, frames)
        except Exception as error:  # noqa: BLE001  (the loader raises it, or counts it as skipped)
            # The decoder may be in any state: the next read opens the video again.
            self._drop(job.path)
            self._kept = {}
            kind = self._kind_of(error, opened=decoder is not None)
            failure = Failure(error, kind, traceback.format_exc())
        num_decoded = 0 if decoder is None else decoder.num_decoded - before
        return ReadResult(job.job_id, failure, time.perf_counter() - started, num_decoded)

    def close(self) -> None:
        """Close all videos."""
        self._kept = {}
        for path in list(self._open):
            self._drop(path)
        self._pool.close()

    def _fill(self, job: ReadJob, decoder: FrameReader, frames: list[Any]) -> None:
        known = self._kept if job.chain is not None and job.chain == self._chain else {}
        self._chain, self._kept = job.chain, {}
        indices, outs, cuts = [], [], []
        # The device cuts what it scales.
        of_job = None if self._form.is_scaled_on_device else job.cuts
        for place, (index, frame) in enumerate(zip(job.indices.tolist(), frames, strict=True)):
            cut = WHOLE_PICTURE if of_job is None else of_job[place]
            if index in known and cut == WHOLE_PICTURE:
                frame[...] = known[index]
            else:
                indices.append(index)
                outs.append(frame)
                cuts.append(cut)
        kept = {}
        for index in job.keep.tolist():
            if index in known:
                kept[index] = known[index]
            else:
                # As the slots: an array in host memory, a tensor on a device.
                kept[index] = frames[0].copy() if isinstance(frames[0], np.ndarray) else frames[0].clone()
                indices.append(index)
                outs.append(kept[index])
                cuts.append(WHOLE_PICTURE)
        if indices:
            read = decoder.read_into if isinstance(outs[0], np.ndarray) else decoder.read_to
            read(indices, outs, *(() if of_job is None else (cuts,)))
        self._kept = kept

    def _kind_of(self, error: Exception, *, opened: bool) -> FailureKind:
        if isinstance(error, DecodeError):
            if not opened:
                return "refused"
            # `lost` names the damaged frames; without it the decoder failed, not the file.
            return "unread" if error.lost is None else "damaged"
        # CUDA and PyNvVideoCodec raise these when memory or sessions are used up.
        return (
            "unread"
            if self._backend == "nvdec" and isinstance(error, (RuntimeError, MemoryError))
            else "error"
        )

    def _decoder(self, path: Path) -> FrameReader:
        if path not in self._open:
            while len(self._open) >= self._max_open:
                self._drop(next(iter(self._open)))
            self._open[path] = open_video(
                path, self._backend, device=self._device, pool=self._pool, **self._form.reading
            )
        self._open.move_to_end(path)
        return self._open[path]

    def _drop(self, path: Path) -> None:
        decoder = self._open.pop(path, None)
        if decoder is not None:
            decoder.close()
