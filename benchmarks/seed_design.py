"""The seed system's loader, as a baseline: a new reader for each sample, tensors through one queue.

Written from its description (lRomul/ball-action-spotting). A worker takes a sample's number from a queue that all
share, draws the sample, opens its video, seeks to the first frame, decodes every frame of the span, converts
those that are wanted to gray, and puts the tensor into a second queue of one batch's length. Batches hold samples
in the order in which they arrive. Its black frames for failed reads are left out: a failed read ends the run.

Where the seed system decodes on the GPU it opens PyNvCodec, which cannot be installed any more, for each sample;
`nvdec` workers here open our own reader in its place.
"""

import queue
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, multiprocessing

from bvas.loading.clip_requests import ClipRequest, Clips
from bvas.video.decode.open_video import open_video

_DEADLINE_SECONDS = 300


class SeedDesign:
    """Loads epochs of clips; the workers live as long as the object."""

    def __init__(
        self, clips: Clips, batch_size: int, *, workers: dict[str, int], seed: int = 0, device: str = "cpu"
    ) -> None:
        """Start the workers.

        Args:
            clips: What an epoch holds.
            batch_size: Clips in a batch; the last may be smaller.
            workers: Processes of `opencv` and of `nvdec`.
            seed: Of the draws.
            device: Where frames go.
        """
        self.all_clips = clips
        self._batch_size = batch_size
        context: Any = multiprocessing.get_context("spawn")
        self._orders = context.Queue()
        self._results = context.Queue(maxsize=batch_size)
        self._processes = [
            context.Process(
                target=_work, args=(self._orders, self._results, clips, seed, backend, device), daemon=True
            )
            for backend, count in workers.items()
            for _ in range(count)
        ]
        for process in self._processes:
            process.start()

    def clips(self, epoch: int) -> Iterator[tuple[Sequence[int], Tensor]]:
        """Yield batches: samples [B] and their frames, uint8 [B, T, H, W] as large as in the video."""
        for sample in range(self.all_clips.num_clips):
            self._orders.put((epoch, sample))
        left = self.all_clips.num_clips
        while left:
            batch = [self._result() for _ in range(min(self._batch_size, left))]
            left -= len(batch)
            yield [sample for sample, _ in batch], torch.stack([frames for _, frames in batch])

    def close(self) -> None:
        """End the workers."""
        for process in self._processes:
            process.kill()
            process.join()

    def __enter__(self) -> "SeedDesign":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _result(self) -> tuple[int, Tensor]:
        try:
            sample, frames = self._results.get(timeout=_DEADLINE_SECONDS)
        except queue.Empty:
            raise RuntimeError(f"the seed's design gave nothing for {_DEADLINE_SECONDS} s") from None
        if isinstance(frames, str):
            raise RuntimeError(f"in a worker of the seed's design:\n{frames}")
        return sample, frames


def _work(orders: Any, results: Any, clips: Clips, seed: int, backend: str, device: str) -> None:
    try:
        # A worker for each core; more threads only cost.
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        while True:
            epoch, sample = orders.get()
            request = clips.request(sample, epoch=epoch, seed=seed)
            assert request is not None
            path = clips.videos[request.video_id].path
            if backend == "opencv":
                frames = torch.from_numpy(_read_with_opencv(path, request.indices)).to(device)
            else:
                frames = _read_with_nvdec(path, request, device)
            results.put((sample, frames))
    except Exception:
        results.put((-1, traceback.format_exc()))
        raise


def _read_with_opencv(path: Path, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
    # One decoding thread, which the seed system leaves at one a core: it costs less.
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    first, last = int(indices.min()), int(indices.max())
    wanted = set(indices.tolist())
    video.set(cv2.CAP_PROP_POS_FRAMES, first)
    gray = {}
    for index in range(first, last + 1):
        ok, frame = video.read()
        if not ok:
            raise RuntimeError(f"OpenCV does not read frame {index} of {path}")
        if index in wanted:
            gray[index] = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    video.release()
    return np.stack([gray[index] for index in indices.tolist()])


def _read_with_nvdec(path: Path, request: ClipRequest, device: str) -> Tensor:
    with open_video(path, "nvdec", device=device) as reader:
        frames = reader.read(request.indices)
        # The other process may read them as soon as it is told of them.
        torch.cuda.synchronize()
        return frames
