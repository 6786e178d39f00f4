"""Prefetch: frames of one video in order, decoded by threads while the consumer works on earlier ones.

With several readers, each takes the next stretch between keyframes, so that all decoders of a GPU, or several cores,
work on one long file. The frames and their order are those of a single reader.

    reader 0   |== stretch 0 ==|        |== stretch 2 ==|
    reader 1          |== stretch 1 ==|        |== stretch 3 ==|

A reader whose queue is full waits. The queue of a single reader holds `_AHEAD` chunks. Of several readers each has
room for a whole stretch, so that it keeps decoding until its turn comes, within `_ROOM_BYTES` in all.
"""

import math
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bvas.errors import DecodeError
from bvas.system.closing import Closing
from bvas.video.decode.video_reader import FrameReader

if TYPE_CHECKING:
    from torch import Tensor

_CHUNK_BYTES = 32 << 20
_CHUNK_FRAMES = 256
# Few frames first, so that an estimate of the whole comes early.
_FIRST_CHUNK = 64
_AHEAD = 2
_ROOM_BYTES = 2 << 30
# In a shorter stretch, decoding up to its first frame costs more than a second reader gains.
_SHORTEST_STRETCH = 64
_SECONDS_BETWEEN_LOOKS = 0.1


@dataclass(frozen=True, slots=True)
class Frames:
    """Decoded frames."""

    pixels: "NDArray[np.uint8] | Tensor"
    """uint8 `[n, *frame_shape]`, on the GPU where they were decoded there; its own memory."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Lost frames, in the place of frames."""

    count: int
    error: DecodeError


Piece = Frames | Lost
_Queue: TypeAlias = "queue.Queue[Piece | BaseException | None]"


def pieces(reader: FrameReader, indices: NDArray[np.int64], *, on_device: bool = False) -> Iterator[Piece]:
    """Yield the frames at ascending indices in order, with `Lost` in the place of lost ones.

    Raises:
        DecodeError: reading failed for another reason than lost frames.
    """
    chunk = _chunk(math.prod(reader.frame_shape))
    position, length = 0, min(chunk, _FIRST_CHUNK)
    while position < len(indices):
        wanted = indices[position : position + length]
        lost = None
        try:
            pixels = _read(reader, wanted, on_device)
        except DecodeError as error:
            if error.lost is None:
                raise
            lost = error
            wanted = wanted[wanted < error.lost.start]
            pixels = _read(reader, wanted, on_device)
        if len(wanted):
            yield Frames(pixels)
            position += len(wanted)
        if lost is not None:
            assert lost.lost is not None
            # At least one frame is passed: a reader that names earlier frames would be asked forever.
            behind = max(int(np.searchsorted(indices, lost.lost.stop)), position + 1)
            yield Lost(behind - position, lost)
            position = behind
        length = chunk


def _chunk(frame_bytes: int) -> int:
    """Return the frames of a chunk: a power of two, so that it is a multiple or a divisor of a predictor's batch."""
    most = max(1, min(_CHUNK_FRAMES, _CHUNK_BYTES // frame_bytes))
    return 1 << (most.bit_length() - 1)


def _read(reader: FrameReader, indices: NDArray[np.int64], on_device: bool) -> "NDArray[np.uint8] | Tensor":
    if on_device:
        return reader.read(indices)
    pixels = np.empty((len(indices), *reader.frame_shape), np.uint8)
    if len(indices):
        reader.read_into(indices, pixels)
    return pixels


def stretches(
    indices: NDArray[np.int64], keyframes: NDArray[np.int64], shortest: int = _SHORTEST_STRETCH
) -> list[NDArray[np.int64]]:
    """Cut ascending indices where a keyframe begins, into stretches of at least `shortest` (but for the last).

    Args:
        indices: Frames that are wanted.
        keyframes: Frames that decoding can begin with, ascending.
        shortest: Fewest indices of a stretch.
    """
    cuts = [0]
    for place in np.unique(np.searchsorted(indices, keyframes)).tolist():
        if place - cuts[-1] >= shortest and place < len(indices):
            cuts.append(place)
    return np.split(indices, cuts[1:])


class DecodedAhead(Closing):
    """Prefetched frames: iterate inside a `with` block, whose end stops the readers at any point."""

    def __init__(
        self,
        open_reader: Callable[[], FrameReader],
        indices: NDArray[np.int64],
        keyframes: NDArray[np.int64],
        *,
        frame_bytes: int,
        num_readers: int = 1,
        on_device: bool = False,
    ) -> None:
        """Begin to decode.

        Args:
            open_reader: Opens the video, once in each thread; it is read and closed there.
            indices: Frames that are wanted, ascending, repeats allowed.
            keyframes: Frames that decoding can begin with, ascending.
            frame_bytes: Memory of a frame.
            num_readers: Threads that decode.
            on_device: Leave frames where the reader decodes them.
        """
        parts = stretches(indices, keyframes) if num_readers > 1 else [indices]
        self._num_parts = len(parts)
        self._stopped = threading.Event()
        num_threads = max(1, min(num_readers, len(parts)))
        room = _AHEAD
        if num_threads > 1:
            chunk = _chunk(frame_bytes)
            chunks = max(len(part) for part in parts) // chunk + 2
            room = max(_AHEAD, min(chunks, _ROOM_BYTES // (chunk * frame_bytes * num_threads)))
        self._open_reader = open_reader
        self._on_device = on_device
        self._queues: list[_Queue] = [queue.Queue(room) for _ in range(num_threads)]
        self._threads = []
        for number, outbox in enumerate(self._queues):
            given, name = (parts[number::num_threads], outbox), f"bvas-decode-{number}"
            self._threads.append(threading.Thread(target=self._decode, args=given, name=name, daemon=True))
        for thread in self._threads:
            thread.start()

    def __iter__(self) -> Iterator[Piece]:
        """Yield frames and losses in order.

        Raises:
            DecodeError: as `pieces` raises it, in its place.
        """
        for part in range(self._num_parts):
            inbox = self._queues[part % len(self._queues)]
            while (item := inbox.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item

    def close(self) -> None:
        """Stop the readers, and wait until they have closed the video."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _decode(self, parts: Sequence[NDArray[np.int64]], outbox: _Queue) -> None:
        try:
            with self._open_reader() as reader:
                for part in parts:
                    for piece in pieces(reader, part, on_device=self._on_device):
                        if not self._put(outbox, piece):
                            return
                    self._put(outbox, None)
        # Any error is raised in the consumer, in the place of frames.
        except BaseException as error:  # noqa: BLE001
            self._put(outbox, error)

    def _put(self, outbox: _Queue, item: Piece | BaseException | None) -> bool:
        """Wait for room in the queue; return False where the block ended first."""
        while not self._stopped.is_set():
            try:
                outbox.put(item, timeout=_SECONDS_BETWEEN_LOOKS)
            except queue.Full:
                continue
            return True
        return False
