"""Ways to read gray frames of a video that are compared: the floor, our readers, OpenCV as most use it.

Each is written as its users would write it, with one decoding thread. Peers that are packages of their own are
in adapters/.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from apart import AbsentError
from harness import Cost
from numpy.typing import NDArray
from videos import numbers_in

from bvas.errors import DecodeError

# Frames that a method hands out at once where it reads a whole video.
BATCH_SIZE = 16


class Method(Protocol):
    """One open video, read one way; frames are uint8 [n, H, W], an array or a tensor."""

    def clip(self, indices: Sequence[int]) -> Any:
        """Return the frames at ascending indices."""
        ...

    def sequence(self, stop: int) -> Iterator[Any]:
        """Yield the frames from the first up to `stop` in batches."""
        ...


class Measured:
    """A method at work on one video, in the process that it is measured in."""

    def __init__(self, open_method: Callable[[Path], Method], path: Path) -> None:
        """Open the video; raises `AbsentError` where the method is not to be had."""
        self._method = open_method(path)

    def read_clips(self, clips: Sequence[Sequence[int]]) -> Cost:
        """Read clips, and return what that took."""
        wall, cpu = time.perf_counter(), time.process_time()
        for indices in clips:
            self._method.clip(indices)
        return Cost(wall_seconds=time.perf_counter() - wall, cpu_seconds=time.process_time() - cpu)

    def read_sequence(self, stop: int) -> Cost:
        """Read the first `stop` frames, and return what that took."""
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in self._method.sequence(stop):
            pass
        return Cost(wall_seconds=time.perf_counter() - wall, cpu_seconds=time.process_time() - cpu)

    def digest(self, clips: Sequence[Sequence[int]]) -> str:
        """Return what tells the frames of clips from all others."""
        total = hashlib.sha256()
        for indices in clips:
            total.update(_on_host(self._method.clip(indices)))
        return total.hexdigest()

    def num_wrong(self, clips: Sequence[Sequence[int]], stop: int) -> int:
        """Return how many delivered frames do not carry the number that was asked for, or are missing."""
        wrong = 0
        for indices in clips:
            wrong += _num_wrong(numbers_in(_on_host(self._method.clip(indices))), indices)
        batches = self._method.sequence(stop)
        numbers = [number for batch in batches for number in numbers_in(_on_host(batch))]
        return wrong + _num_wrong(numbers, range(stop))


@dataclass(frozen=True)
class Floor:
    """Decode from the keyframe up to the last frame that is wanted, and deliver nothing."""

    def __call__(self, path: Path) -> Method:
        """Open a video."""
        return _OpenFloor(path)


@dataclass(frozen=True)
class Ours:
    """A reader of this library."""

    backend: str
    device: str = "cpu"

    def __call__(self, path: Path) -> Method:
        """Open a video."""
        return _OpenOurs(path, self.backend, self.device)


@dataclass(frozen=True)
class OpencvUsual:
    """VideoCapture as most programs use it: seek by number, read every frame of the span, convert."""

    def __call__(self, path: Path) -> Method:
        """Open a video."""
        return _OpenOpencv(path)


class _OpenFloor:
    def __init__(self, path: Path) -> None:
        import av

        from bvas.video.index.video_index import build_index

        self._index, _ = build_index(path, cache=False)
        self._container = av.open(str(path))
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "NONE"

    def clip(self, indices: Sequence[int]) -> Any:
        self._decode(self._index.keyframe_of(indices[0]), indices[-1])

    def sequence(self, stop: int) -> Iterator[Any]:
        self._decode(0, stop - 1)
        return iter(())

    def _decode(self, keyframe: int, last: int) -> None:
        last_pts = int(self._index.pts[last])
        self._container.seek(int(self._index.keyframe_pts[keyframe]), stream=self._stream, backward=True)
        for frame in self._container.decode(self._stream):
            if frame.pts >= last_pts:
                break


class _OpenOurs:
    def __init__(self, path: Path, backend: Any, device: str) -> None:
        import torch

        from bvas.video.decode.open_video import open_video

        self._wait = torch.cuda.synchronize if device != "cpu" else lambda: None
        try:
            self._reader = open_video(path, backend, device=device, cache=False)
        except DecodeError as error:
            raise AbsentError(f"refused: {str(error).replace(str(path), path.name)}") from error

    def clip(self, indices: Sequence[int]) -> Any:
        frames = self._reader.read(indices)
        self._wait()
        return frames

    def sequence(self, stop: int) -> Iterator[Any]:
        for _, batch in self._reader.stream(0, stop, batch_size=BATCH_SIZE):
            yield batch


class _OpenOpencv:
    def __init__(self, path: Path) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._cv2 = cv2
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])

    def clip(self, indices: Sequence[int]) -> Any:
        wanted = set(indices)
        self._capture.set(self._cv2.CAP_PROP_POS_FRAMES, indices[0])
        frames = []
        for index in range(indices[0], indices[-1] + 1):
            ok, frame = self._capture.read()
            assert ok, f"OpenCV does not read frame {index}"
            if index in wanted:
                frames.append(self._cv2.cvtColor(frame, self._cv2.COLOR_BGR2GRAY))
        return np.stack(frames)

    def sequence(self, stop: int) -> Iterator[Any]:
        self._capture.set(self._cv2.CAP_PROP_POS_FRAMES, 0)
        for _ in range(stop):
            ok, frame = self._capture.read()
            assert ok, "OpenCV does not read every frame"
            yield self._cv2.cvtColor(frame, self._cv2.COLOR_BGR2GRAY)[None]


def gray_stack(frames_RGB: Any) -> Any:
    """Return gray frames, uint8 [n, H, W], of RGB ones, uint8 array [n, H, W, 3]."""
    import cv2

    gray = np.empty(frames_RGB.shape[:3], np.uint8)
    for source, target in zip(frames_RGB, gray, strict=True):
        cv2.cvtColor(source, cv2.COLOR_RGB2GRAY, dst=target)
    return gray


def _on_host(frames: Any) -> NDArray[np.uint8]:
    # A CUDA tensor becomes an array only through the host's memory.
    return frames.cpu().numpy() if hasattr(frames, "cpu") else frames


def _num_wrong(numbers: Sequence[int], wanted: Sequence[int]) -> int:
    pairs = zip(numbers, wanted, strict=False)
    return sum(number != index for number, index in pairs) + abs(len(numbers) - len(wanted))
