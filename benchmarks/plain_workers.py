"""Two other ways to use our `pyav` reader: torch's DataLoader, and processes that deliver to nobody."""

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from apart import Apart
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from bvas.loading.clip_requests import Clips
from bvas.loading.read_plan import group_by_interval, intervals_of
from bvas.video.decode.open_video import open_video
from bvas.video.decode.video_reader import FrameReader


class TorchLoader:
    """torch's DataLoader over clips that are read one by one, in the order of their samples."""

    def __init__(self, clips: Clips, batch_size: int, *, num_workers: int) -> None:
        """Start nothing yet; the workers stay from the first epoch to the last."""
        self._sampler = _Samples(clips.num_clips)
        self._loader: DataLoader[Any] = DataLoader(
            _ReadClips(clips),
            batch_size,
            sampler=self._sampler,
            num_workers=num_workers,
            persistent_workers=True,
            multiprocessing_context="spawn",
        )

    def clips(self, epoch: int) -> Iterator[tuple[Sequence[int], Tensor]]:
        """Yield batches: samples [B] and their frames, uint8 [B, T, H, W]."""
        self._sampler.epoch = epoch
        for samples, frames in self._loader:
            yield samples.tolist(), frames


class WithoutLoader:
    """Processes that each read their share of an epoch into memory of their own, all at the same time.

    The clips of one keyframe interval are read in one pass, as a planned loader reads them, and no process has to
    wait for another: what the work costs where nothing is handed over.
    """

    def __init__(self, clips: Clips, *, num_workers: int) -> None:
        self._clips = clips
        self._stack = ExitStack()
        self._workers = [
            self._stack.enter_context(
                Apart(partial(_Reader, [video.path for video in clips.videos]), runs_on=True)
            )
            for _ in range(num_workers)
        ]

    def run(self, epoch: int) -> None:
        """Read an epoch."""
        shares: list[list[tuple[int, NDArray[np.int64]]]] = [[] for _ in self._workers]
        costs = [0] * len(self._workers)
        # The dearest pass first, to whoever has least to do: they end at about the same time.
        for video_id, indices, cost in sorted(_passes(self._clips, epoch), key=lambda item: -item[2]):
            worker = costs.index(min(costs))
            costs[worker] += cost
            shares[worker].append((video_id, indices))
        for worker, share in zip(self._workers, shares, strict=True):
            worker.begin("read", share)
        for worker in self._workers:
            worker.finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def _passes(clips: Clips, epoch: int) -> list[tuple[int, NDArray[np.int64], int]]:
    """Return (video, source frames, frames to decode) of each pass over a keyframe interval."""
    requests = clips.requests(epoch)
    videos = np.array([request.video_id for request in requests])
    firsts = np.array([request.indices.min() for request in requests])
    keyframes = [clips.videos[video_id].keyframes for video_id in videos]
    intervals = np.array(
        [intervals_of(first, known) for first, known in zip(firsts[:, None], keyframes, strict=True)]
    )[:, 0]
    passes = []
    for group in group_by_interval(videos, intervals, firsts):
        indices = np.concatenate([requests[sample].indices for sample in group])
        start = int(keyframes[group[0]][intervals[group[0]]])
        passes.append((int(videos[group[0]]), indices, int(indices.max()) + 1 - start))
    return passes


class _Samples(Sampler[tuple[int, int]]):
    def __init__(self, num_clips: int) -> None:
        self.epoch = 0
        self._num_clips = num_clips

    def __len__(self) -> int:
        return self._num_clips

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter([(self.epoch, sample) for sample in range(self._num_clips)])


class _ReadClips(Dataset[tuple[int, Tensor]]):
    """Clips by (epoch, sample); each worker keeps the videos open that it has read from."""

    def __init__(self, clips: Clips) -> None:
        self._clips = clips
        self._open: dict[Path, FrameReader] = {}

    def __getitem__(self, place: tuple[int, int]) -> tuple[int, Tensor]:
        epoch, sample = place
        request = self._clips.request(sample, epoch=epoch, seed=0)
        assert request is not None
        path = self._clips.videos[request.video_id].path
        if path not in self._open:
            self._open[path] = open_video(path, "pyav")
        return sample, self._open[path].read(request.indices)


class _Reader:
    """The body of a process without a loader."""

    def __init__(self, paths: Sequence[Path]) -> None:
        torch.set_num_threads(1)
        self._readers = [open_video(path, "pyav") for path in paths]
        self._memory = np.empty(0, np.uint8)

    def read(self, passes: Sequence[tuple[int, NDArray[np.int64]]]) -> None:
        """Read passes, one after the other."""
        for video_id, indices in passes:
            reader = self._readers[video_id]
            shape = (len(indices), *reader.size)
            if math.prod(shape) > len(self._memory):
                self._memory = np.empty(math.prod(shape), np.uint8)
            reader.read_into(indices, self._memory[: math.prod(shape)].reshape(shape))
